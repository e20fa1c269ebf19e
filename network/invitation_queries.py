"""Invitations of a member, by queries that are compiled once."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet

from core.database.compiled_queries import CompiledQuery
from core.database.pagination import MAX_ID, Page, id_cursor, make_id_page
from users.models import User

from .models import Connection, ConnectionQuerySet

PAGE_SIZE = 24
# A count of open invitations ends here.
MAX_OPEN = 100


def received_page(member: User, cursor: str | None) -> Page[Connection]:
    """Return a page of the invitations that await the member's answer, newest first."""
    return make_id_page(_RECEIVED.fetch(member=member.pk, before=_before(cursor)), size=PAGE_SIZE)


def sent_page(member: User, cursor: str | None) -> Page[Connection]:
    """Return a page of the invitations from the member that are not accepted, newest first."""
    return make_id_page(_SENT.fetch(member=member.pk, before=_before(cursor)), size=PAGE_SIZE)


class OpenInvitation(NamedTuple):
    """An invitation that awaits the member's answer."""

    inviter_id: int
    note: str
    invited_at: datetime


def load_open_invitations(member: User) -> list[OpenInvitation]:
    """Return the invitations that await the member's answer, newest first, at most MAX_OPEN."""
    return [OpenInvitation(*row) for row in _OPEN.fetch(member=member.pk)]


def _before(cursor: str | None) -> int:
    before = id_cursor(cursor)
    return MAX_ID if before is None else before


def _received_query(member: int, before: int) -> ConnectionQuerySet:
    return _page_query(Connection.objects.received_by(User(pk=member)), member, before)


def _sent_query(member: int, before: int) -> ConnectionQuerySet:
    return _page_query(Connection.objects.sent_by(User(pk=member)), member, before)


def _page_query(invitations: ConnectionQuerySet, member: int, before: int) -> ConnectionQuerySet:
    available = invitations.available_to(User(pk=member))
    return available.filter(pk__lt=before).order_by("-pk")[: PAGE_SIZE + 1]


def _open_query(member: int) -> QuerySet[Connection, tuple[int, str, datetime]]:
    me = User(pk=member)
    newest = Connection.objects.received_by(me).available_to(me).order_by("-pk")[:MAX_OPEN]
    return newest.values_list("inviter_id", "note", "invited_at")


_RECEIVED = CompiledQuery(_received_query)
_SENT = CompiledQuery(_sent_query)
_OPEN = CompiledQuery(_open_query)
