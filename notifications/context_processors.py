"""Counts for the navigation bars."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from users.models import User

from .display.badge import navigation_of


def navigation(request: HttpRequest) -> dict[str, Any]:
    """`badges.invitations`, `mailbox.unread` and `bell.unread`, lazily, in one query for all three."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    numbers: dict[str, int] = {}

    def count_of(name: str) -> int:
        if not numbers:
            numbers.update(navigation_of(user.pk))
        return numbers[name]

    return {
        "badges": SimpleLazyObject(lambda: {"invitations": count_of("invitations")}),
        "mailbox": SimpleLazyObject(lambda: {"unread": count_of("conversations")}),
        "bell": SimpleLazyObject(lambda: {"unread": count_of("notifications")}),
    }
