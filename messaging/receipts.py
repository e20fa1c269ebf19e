"""What tabs say they have got and read, gathered for a moment and stored together."""

from threading import Lock

from core.frames import every

from .services.cursors import Pair, Reached, move_cursors

# How long a cursor waits for others, in seconds.
MOMENT = 0.3

_waiting: dict[Pair, Reached] = {}
_lock = Lock()


def note(conversation_id: int, member_id: int, reached: Reached) -> None:
    """Keep how far the member has come; the furthest counts."""
    with _lock:
        pair = (conversation_id, member_id)
        _waiting[pair] = _waiting.get(pair, Reached()).further(reached)


@every(MOMENT)
def store() -> None:
    """Store what was noted since the last time; rows that somebody holds at the moment wait for the next."""
    with _lock:
        taken = dict(_waiting)
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
