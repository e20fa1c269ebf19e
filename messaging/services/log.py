"""How an entry gets its number, and who is told."""

from collections.abc import Iterable
from typing import Any

from django.db import connection

from core.sockets.publisher import member_topic, publish

from ..errors import NotIn
from ..models import Conversation, Entry, Membership

# The number is taken and the row is held with one statement; and the same client id stores nothing, without an error
# that would end the transaction. SQLite and PostgreSQL speak both.
_NUMBER = "UPDATE messaging_conversation SET last_seq = last_seq + 1 WHERE id = %s RETURNING last_seq"
_FIELDS = [field for field in Entry._meta.concrete_fields if not field.primary_key]
_STORE = (
    f"INSERT INTO messaging_entry ({', '.join(str(field.column) for field in _FIELDS)})"  # noqa: S608 -- our own columns
    f" VALUES ({', '.join(['%s'] * len(_FIELDS))}) ON CONFLICT (author_id, client_id) DO NOTHING RETURNING id"
)


def lock_conversation(conversation: Conversation) -> Conversation:
    """The conversation as it is now, held until the transaction ends."""
    return Conversation.objects.select_for_update(no_key=True).get(pk=conversation.pk)


def lock_members(conversation: Conversation, member_id: int) -> tuple[Membership, list[Membership]]:
    """The membership of one who acts, and those of all others who are in. Raises NotIn when the one is not.

    All of them are held until the transaction ends, by id: whoever holds several takes them in this order.
    """
    within = Membership.objects.within(conversation).select_for_update(no_key=True).order_by("pk")
    return split_members(within, member_id)


def split_members(memberships: Iterable[Membership], member_id: int) -> tuple[Membership, list[Membership]]:
    """The membership of one who acts, and all others. Raises NotIn when the one has none."""
    mine, others = None, []
    for membership in memberships:
        if membership.member_id == member_id:
            mine = membership
        else:
            others.append(membership)
    if mine is None:
        raise NotIn
    return mine, others


def take_number(conversation: Conversation) -> int:
    """Take the next number of the conversation, whose row is held until the transaction ends. Raises NotIn where the
    conversation is gone."""
    with connection.cursor() as query:
        query.execute(_NUMBER, [conversation.pk])
        row = query.fetchone()
    if row is None:
        raise NotIn
    return int(row[0])


def insert_entry(entry: Entry) -> bool:
    """Store a new entry; False where its author has stored one with the same client id, now or at this moment."""
    with connection.cursor() as query:
        query.execute(
            _STORE, [field.get_db_prep_save(getattr(entry, field.attname), connection) for field in _FIELDS]
        )
        row = query.fetchone()
    if row is None:
        return False
    entry.pk = row[0]
    # As Model.save does.
    entry._state.adding, entry._state.db = False, connection.alias  # noqa: SLF001
    return True


def append_entry(conversation: Conversation, **values: Any) -> Entry:
    """Store an entry under the next number of the locked `conversation`; returns it."""
    conversation.last_seq = take_number(conversation)
    entry = Entry(conversation=conversation, seq=conversation.last_seq, **values)
    insert_entry(entry)
    return entry


def notify_members(entry: Entry, member_ids: Iterable[int]) -> None:
    """Hint to every tab of these members that the conversation has something new.

    Not what: so hints of several entries are equal, and a tab that is busy looks once for all of them.
    """
    publish(
        [member_topic(member_id) for member_id in member_ids],
        {"type": "messaging.entry", "conversation": entry.conversation_id},
    )


def notify_own_tabs(conversation_id: int, member_id: int) -> None:
    """Hint to the member's own tabs that the member's side of the conversation changed."""
    publish(member_topic(member_id), {"type": "messaging.mine", "conversation": conversation_id})
