"""Cursors are where they were last reported, not at the furthest position."""

from messaging.models import Membership
from messaging.services import cursors

from . import replace


def find_move(row: Membership, to: cursors.CursorPosition, newest: int) -> cursors._CursorMove:
    read = min(to.read, newest)
    delivered = max(min(to.delivered, newest), read)
    return cursors._CursorMove(row, delivered, read, cursors._unread_after(row, read))


def apply() -> None:
    replace("_find_move", find_move, cursors)
