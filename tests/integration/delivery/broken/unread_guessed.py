"""Reading some of a conversation counts as reading all of it."""

from messaging.models import Membership
from messaging.services import cursors

from . import replace


def none_left(row: Membership, read: int) -> int:
    return 0


def apply() -> None:
    replace("_unread_after", none_left, cursors)
