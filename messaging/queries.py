"""Queries on conversations for pages, the socket and programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS
from django.db.models import F, IntegerField, OuterRef, QuerySet, Subquery

from core.database.compiled_queries import CompiledQuery
from core.web.address_formats import AddressFormat
from network.models import available_to
from users.models import User

from .display.rendering import entries_as_json, load_members
from .models import Conversation, Entry, Membership
from .models.entry import EntryQuerySet

_conversation_address = AddressFormat("messaging:conversation")

# Entries in one response; a client that misses more asks again.
AT_ONCE = 100
# Counting stops here: the badge shows "99+".
MOST_COUNTED = 100


def membership_of(viewer: User, conversation_id: int) -> Membership | None:
    """Return the viewer's membership with its conversation, or None for a non-member. One query."""
    for row in _MINE.fetch(viewer=viewer.pk, conversation=conversation_id):
        return _membership_in(row)
    return None


def membership_and_unread(viewer: User, conversation_id: int) -> tuple[Membership | None, int]:
    """Return membership_of, and for a member count_unread_conversations. One query."""
    for *row, unread in _MINE_AND_UNREAD.fetch(viewer=viewer.pk, conversation=conversation_id):
        return _membership_in(row), unread
    return None, 0


_OF_MEMBERSHIP = [field.attname for field in Membership._meta.concrete_fields]
_OF_CONVERSATION = [field.attname for field in Conversation._meta.concrete_fields]


def _membership_in(row: Sequence[Any]) -> Membership:
    mine = Membership.from_db(DEFAULT_DB_ALIAS, _OF_MEMBERSHIP, row[: len(_OF_MEMBERSHIP)])
    mine.conversation = Conversation.from_db(DEFAULT_DB_ALIAS, _OF_CONVERSATION, row[len(_OF_MEMBERSHIP) :])
    return mine


def _mine_query(viewer: int, conversation: int) -> "QuerySet[Membership, tuple[Any, ...]]":
    mine = Membership.objects.filter(member=viewer, conversation=conversation, left_at=None)
    return mine.values_list(*_OF_MEMBERSHIP, *(f"conversation__{name}" for name in _OF_CONVERSATION))


_MINE = CompiledQuery(_mine_query)


class _RowCount(Subquery):
    """The number of rows of a subquery that has a limit."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def _mine_and_unread_query(viewer: int, conversation: int) -> "QuerySet[Membership, tuple[Any, ...]]":
    waiting = Membership.objects.waiting().filter(member=viewer).values("pk")[:MOST_COUNTED]
    return _mine_query(viewer, conversation).annotate(unread_conversations=_RowCount(waiting))


_MINE_AND_UNREAD = CompiledQuery(_mine_and_unread_query)


def entries_since(mine: Membership, viewer: User, seq: int) -> dict[str, Any]:
    """Return up to AT_ONCE entries after `seq` as JSON, the newest number, and whether there are more."""
    start = max(seq, mine.first_seq - 1)
    found = _AFTER.fetch(conversation=mine.conversation_id, seq=start)
    entries = found[:AT_ONCE]
    newest = max([mine.conversation.last_seq, *(entry.seq for entry in entries)])
    return {
        "conversation": mine.conversation_id,
        "entries": entries_as_json(entries, mine, viewer),
        "newest": newest,
        "more": len(found) > AT_ONCE,
    }


def _after_query(conversation: int, seq: int) -> EntryQuerySet:
    return Entry.objects.filter(conversation=conversation, seq__gt=seq).order_by("seq")[: AT_ONCE + 1]


_AFTER = CompiledQuery(_after_query)


def cursors_of_others(mine: Membership, viewer: User) -> list[dict[str, int]]:
    """Return the cursors of the other members that are available to the viewer and have accepted."""
    return [
        {"member": member, "delivered": delivered, "read": read}
        for member, delivered, read in _CURSORS.fetch(viewer=viewer.pk, conversation=mine.conversation_id)
    ]


def _cursors_query(viewer: int, conversation: int) -> "QuerySet[Membership, tuple[int, int, int]]":
    others = Membership.objects.filter(conversation=conversation, left_at=None).exclude(member=viewer)
    rows = others.filter(available_to(User(pk=viewer), "member"), accepted_at__isnull=False).order_by("pk")
    return rows.values_list("member_id", "delivered_seq", "read_seq")


_CURSORS = CompiledQuery(_cursors_query)


def count_unread_conversations(member_id: int) -> int:
    """Return the number of conversations with unread messages, up to MOST_COUNTED. One query."""
    return len(_WAITING.fetch(member=member_id))


def _waiting_query(member: int) -> "QuerySet[Membership, tuple[int]]":
    return Membership.objects.waiting().filter(member=member).values_list("pk")[:MOST_COUNTED]


_WAITING = CompiledQuery(_waiting_query)


class UnreadConversation(NamedTuple):
    """A conversation in which the member has something unread; `title` is the other member or the group."""

    conversation_id: int
    title: str
    unread: int
    newest_at: datetime

    @property
    def url(self) -> str:
        return _conversation_address(self.conversation_id)


def load_unread_conversations(member: User) -> list[UnreadConversation]:
    """Return the member's conversations with unread messages, the newest first, at most MOST_COUNTED. Two queries.

    Without those of two whose other member is not available to the member.
    """
    rows = _UNREAD.fetch(member=member.pk)
    others = {
        conversation: Conversation(pair=pair).other_id(member.pk)
        for conversation, pair, *_rest in rows
        if pair
    }
    known = load_members(set(others.values()), member)
    titles = {conversation: known[pk].display_name for conversation, pk in others.items() if pk in known}
    titles |= {conversation: title for conversation, pair, title, *_rest in rows if not pair}
    return [
        UnreadConversation(conversation, titles[conversation], unread, newest_at)
        for conversation, _pair, _title, unread, newest_at in rows
        if conversation in titles
    ]


def _unread_query(member: int) -> "QuerySet[Membership, tuple[int, str | None, str, int, datetime]]":
    # Of what is unread: the newest entry may be the member's own.
    unread = Entry.objects.messages().filter(
        conversation=OuterRef("conversation"), seq__gt=OuterRef("read_seq"), deleted_at=None
    )
    newest = unread.exclude(author=member).order_by("-seq").values("created_at")[:1]
    mine = Membership.objects.waiting().filter(member=member).annotate(newest_at=Subquery(newest))
    columns = ("conversation", "conversation__pair", "conversation__title", "unread", "newest_at")
    rows = mine.filter(newest_at__isnull=False).order_by("-sort_key").values_list(*columns)
    return rows[:MOST_COUNTED]


_UNREAD = CompiledQuery(_unread_query)


def undelivered_conversations(member_id: int) -> list[tuple[int, int]]:
    """Return (conversation, newest number) of unread conversations with messages that no tab of the member received,
    up to MOST_COUNTED. One query."""
    return _UNDELIVERED.fetch(member=member_id)


def _undelivered_query(member: int) -> "QuerySet[Membership, tuple[int, int]]":
    newest = F("conversation__last_seq")
    mine = Membership.objects.waiting().filter(member=member, delivered_seq__lt=newest)
    return mine.values_list("conversation", "conversation__last_seq")[:MOST_COUNTED]


_UNDELIVERED = CompiledQuery(_undelivered_query)
