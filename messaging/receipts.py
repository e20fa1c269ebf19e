"""What tabs say they have got and read, gathered for a moment and stored together."""

from threading import Lock

from core.sockets.frames import run_every

from .services.cursors import Reached, move_cursors

# How long a cursor waits for others, in seconds.
MOMENT = 0.3
# So many conversations of one member wait at the most: nobody reads more at once, and nobody's tabs keep those of
# others waiting. What is passed over is said again by the next message, or by opening the conversation.
MOST_OF_ONE = 100

# By member and conversation.
_waiting: dict[int, dict[int, Reached]] = {}
_lock = Lock()


def note(conversation_id: int, member_id: int, reached: Reached) -> None:
    """Keep how far the member has come; the furthest counts."""
    with _lock:
        mine = _waiting.setdefault(member_id, {})
        if conversation_id in mine or len(mine) < MOST_OF_ONE:
            mine[conversation_id] = mine.get(conversation_id, Reached()).further(reached)


def clear_waiting() -> None:
    """Drop all cursors that are noted and not stored yet, for tests."""
    with _lock:
        _waiting.clear()


@run_every(MOMENT)
def store() -> None:
    """Store what was noted since the last time; rows that somebody holds at the moment wait for the next."""
    with _lock:
        taken = {(at, who): reached for who, mine in _waiting.items() for at, reached in mine.items()}
        _waiting.clear()
    if not taken:
        return
    try:
        left = move_cursors(taken, patient=False)
    except BaseException:
        left = set(taken)
        raise
    finally:
        for conversation_id, member_id in left:
            note(conversation_id, member_id, taken[conversation_id, member_id])
