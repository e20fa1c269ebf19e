"""Invitations of a member, by queries that are compiled once."""

from core.database.compiled_queries import CompiledQuery
from core.database.pagination import MAX_ID, Page, id_cursor, make_id_page
from users.models import User

from .models import Connection, ConnectionQuerySet

PAGE_SIZE = 24


def received_page(member: User, cursor: str | None) -> Page[Connection]:
    """Return a page of the invitations that await the member's answer, newest first."""
    return make_id_page(_RECEIVED.fetch(member=member.pk, before=_before(cursor)), size=PAGE_SIZE)


def sent_page(member: User, cursor: str | None) -> Page[Connection]:
    """Return a page of the invitations from the member that are not accepted, newest first."""
    return make_id_page(_SENT.fetch(member=member.pk, before=_before(cursor)), size=PAGE_SIZE)


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


_RECEIVED = CompiledQuery(_received_query)
_SENT = CompiledQuery(_sent_query)
