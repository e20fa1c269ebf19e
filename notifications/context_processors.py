"""The numbers of the navigation."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from users.models import User

from .badge import navigation_of


def navigation(request: HttpRequest) -> dict[str, Any]:
    """`badges.invitations`, `mailbox.unread` and `bell.unread`: what waits, asked all at once when a page shows it."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    numbers: dict[str, int] = {}

    def number(name: str) -> int:
        if not numbers:
            numbers.update(navigation_of(user.pk))
        return numbers[name]

    return {
        "badges": SimpleLazyObject(lambda: {"invitations": number("invitations")}),
        "mailbox": SimpleLazyObject(lambda: {"unread": number("conversations")}),
        "bell": SimpleLazyObject(lambda: {"unread": number("notifications")}),
    }
