"""Counts for the navigation."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from core.prepared import Prepared
from users.models import User

from .models import Connection, exists_for

# Past this the badge says "99+"; nothing counts further.
MOST = 100


def badges(request: HttpRequest) -> dict[str, Any]:
    """`badges.invitations`: how many invitations wait, asked only when a page shows it."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    return {"badges": SimpleLazyObject(lambda: {"invitations": waiting_invitations(user)})}


def waiting_invitations(user: User) -> int:
    return len(_WAITING.rows(user.pk))


def _waiting(member: int | None, _ids: list[int]) -> QuerySet[Connection, tuple[int]]:
    user = User(pk=member)
    # The member who is signed in exists; so the other end alone is asked for, which is the one who invites.
    waiting = Connection.objects.received_by(user).filter(exists_for(user, "inviter"))
    return waiting.values_list("pk")[:MOST]


# Their ids rather than their number, which a QuerySet gives only by asking at once.
_WAITING = Prepared(_waiting)
