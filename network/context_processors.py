"""Counts for the navigation."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from users.models import User

from .models import Connection

# Past this the badge says "99+"; nothing counts further.
MOST = 100


def badges(request: HttpRequest) -> dict[str, Any]:
    """`badges.invitations`: how many invitations wait, asked only when a page shows it."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    return {"badges": SimpleLazyObject(lambda: {"invitations": waiting_invitations(user)})}


def waiting_invitations(user: User) -> int:
    return Connection.objects.received_by(user).existing_for(user)[:MOST].count()
