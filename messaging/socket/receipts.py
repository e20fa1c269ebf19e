"""Cursors that tabs report, collected for a moment and stored together."""

from threading import Lock

from core.sockets.frames import run_every

from ..services.cursors import CursorPosition, move_cursors

# Seconds for which cursors are collected.
MOMENT = 0.3
# Conversations of one member that wait, at most, so that one member cannot delay others. A cursor that is dropped is
# reported again with the next message, or when the conversation is opened.
MOST_OF_ONE = 100

# By member and conversation.
_waiting: dict[int, dict[int, CursorPosition]] = {}
_lock = Lock()


def record_cursor(conversation_id: int, member_id: int, position: CursorPosition) -> None:
    """Keep the furthest cursor of the member in the conversation."""
    with _lock:
        mine = _waiting.setdefault(member_id, {})
        if conversation_id in mine or len(mine) < MOST_OF_ONE:
            mine[conversation_id] = mine.get(conversation_id, CursorPosition()).max_with(position)


def clear_waiting() -> None:
    """Drop all cursors that are not stored yet, for tests."""
    with _lock:
        _waiting.clear()


@run_every(MOMENT)
def flush() -> None:
    """Store what was collected; rows that are locked now wait for the next time."""
    with _lock:
        taken = {(at, who): position for who, mine in _waiting.items() for at, position in mine.items()}
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
            record_cursor(conversation_id, member_id, taken[conversation_id, member_id])
