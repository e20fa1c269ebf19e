"""Cursors stand where they were last said to be, not at the furthest."""

from messaging.models import Membership
from messaging.services import cursors

from . import replace


def step(row: Membership, to: cursors.CursorPosition, newest: int) -> cursors._Step:
    read = min(to.read, newest)
    delivered = max(min(to.delivered, newest), read)
    return cursors._Step(row, delivered, read, cursors._unread_after(row, read))


def apply() -> None:
    replace("_step", step, cursors)
