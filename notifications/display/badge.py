"""Unread counts: of notifications for the bell's badge, and of everything in the navigation in one query."""

from collections.abc import Collection

from django.db.models import Count, IntegerField, QuerySet, Subquery

from core.database.compiled_queries import CompiledQuery
from messaging.models import Membership
from network.models import Connection, available_to
from users.models import User

from ..models import Notification

# Counting stops here; the badge shows "99+".
MOST = 100


def unread_of(member_id: int) -> int:
    """The member's number of unread notifications, at most `MOST`. One query, compiled once."""
    return len(_UNREAD.fetch(member=member_id))


def unread_of_many(member_ids: Collection[int]) -> dict[int, int]:
    """The same for many members, by member id. One query."""
    found = dict(_UNREAD_OF_MANY.fetch(members=sorted(set(member_ids))))
    return {member: min(found.get(member, 0), MOST) for member in member_ids}


def navigation_of(member_id: int) -> dict[str, int]:
    """The member's number of `invitations`, unread `conversations` and `notifications`, at most `MOST` each.

    One query, made by every page. The other apps count the same one by one; tests/test_navigation.py compares them.
    """
    found = _NAVIGATION.fetch(member=member_id) or [(0, 0, 0)]
    return dict(zip(("invitations", "conversations", "notifications"), found[0], strict=True))


def _unread_query(member: int) -> QuerySet[Notification, tuple[int]]:
    mine = Notification.objects.filter(recipient=member, on_page=True).still_valid().unread()
    return mine.values_list("pk")[:MOST]


def _unread_of_many_query(members: list[int]) -> QuerySet[Notification, tuple[int, int]]:
    theirs = Notification.objects.filter(recipient__in=members, on_page=True).still_valid().unread()
    return (
        theirs.order_by().values("recipient").annotate(unread=Count("pk")).values_list("recipient", "unread")
    )


def _navigation_query(member: int) -> QuerySet[User, tuple[int, ...]]:
    me = User(pk=member)
    invitations = (
        Connection.objects.received_by(me).filter(available_to(me, "inviter")).values_list("pk")[:MOST]
    )
    conversations = Membership.objects.waiting().filter(member=member).values_list("pk")[:MOST]
    counts = [_NumberOf(rows) for rows in (invitations, conversations, _unread_query(member))]
    return User.objects.filter(pk=me.pk).values_list(*counts)


class _NumberOf(Subquery):
    """The number of rows of another query, as a column of this one.

    The rows are counted in a subquery: with "id IN (the other query)", PostgreSQL may run the other query for each row,
    as long as its statistics say that the tables are empty.
    """

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


# Their ids: a QuerySet gives their number only by running the query.
_UNREAD = CompiledQuery(_unread_query)
_UNREAD_OF_MANY = CompiledQuery(_unread_of_many_query)
_NAVIGATION = CompiledQuery(_navigation_query)
