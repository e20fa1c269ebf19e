"""The log of a conversation: numbering and storing entries, notifying tabs."""

from collections.abc import Iterable
from typing import Any

from django.db import connection

from core.database.compiled_queries import CompiledSQL
from core.sockets.publisher import member_topic, publish

from ..errors import NotAMember
from ..models import Conversation, Entry, Membership

# Taking the number locks the row, in one statement. A repeated client id stores nothing, without an error that would
# end the transaction. SQLite and PostgreSQL understand both.
_NUMBER = CompiledSQL(
    "UPDATE messaging_conversation SET last_seq = last_seq + 1 WHERE id = %(conversation)s RETURNING last_seq"
)
_FIELDS = [field for field in Entry._meta.concrete_fields if not field.primary_key]
_COLUMNS = [str(field.column) for field in _FIELDS]
_INSERT = CompiledSQL(
    f"INSERT INTO messaging_entry ({', '.join(_COLUMNS)})"  # noqa: S608 -- our own columns
    f" VALUES ({', '.join(f'%({column})s' for column in _COLUMNS)})"
    " ON CONFLICT (author_id, client_id) DO NOTHING RETURNING id",
    allows_none=True,
)


def lock_conversation(conversation: Conversation) -> Conversation:
    """Return the conversation as it is now, locked until the transaction ends."""
    return Conversation.objects.select_for_update(no_key=True).get(pk=conversation.pk)


def lock_members(conversation: Conversation, member_id: int) -> tuple[Membership, list[Membership]]:
    """Return the membership of the member, and those of all others, locked in the order of ids.

    Raises NotAMember. Code that locks several memberships takes them in this order.
    """
    within = Membership.objects.within(conversation).select_for_update(no_key=True).order_by("pk")
    return split_members(within, member_id)


def split_members(memberships: Iterable[Membership], member_id: int) -> tuple[Membership, list[Membership]]:
    """Return the membership of the member, and the others. Raises NotAMember without one."""
    mine, others = None, []
    for membership in memberships:
        if membership.member_id == member_id:
            mine = membership
        else:
            others.append(membership)
    if mine is None:
        raise NotAMember
    return mine, others


def take_number(conversation: Conversation) -> int:
    """Return the next number of the conversation, whose row stays locked until the transaction ends.

    Raises NotAMember where the conversation is deleted.
    """
    for (number,) in _NUMBER.fetch(conversation=conversation.pk):
        return int(number)
    raise NotAMember


def insert_entry(entry: Entry) -> bool:
    """Insert a new entry; return False where its author has one with the same client id already."""
    values = [field.get_db_prep_save(getattr(entry, field.attname), connection) for field in _FIELDS]
    rows = _INSERT.fetch(**dict(zip(_COLUMNS, values, strict=True)))
    if not rows:
        return False
    ((entry.pk,),) = rows
    # As Model.save does.
    entry._state.adding, entry._state.db = False, connection.alias  # noqa: SLF001
    return True


def append_entry(conversation: Conversation, **values: Any) -> Entry:
    """Insert an entry under the next number of the locked `conversation`; return it."""
    conversation.last_seq = take_number(conversation)
    entry = Entry(conversation=conversation, seq=conversation.last_seq, **values)
    insert_entry(entry)
    return entry


def notify_members(entry: Entry, member_ids: Iterable[int]) -> None:
    """Notify every tab of these members that the conversation has a new entry.

    The events of several entries are equal, so that a busy tab queries once for all of them.
    """
    publish(
        [member_topic(member_id) for member_id in member_ids],
        {"type": "messaging.entry", "conversation": entry.conversation_id},
    )


def notify_own_tabs(conversation_id: int, member_id: int) -> None:
    """Notify the member's own tabs that the member's side of the conversation changed."""
    publish(member_topic(member_id), {"type": "messaging.mine", "conversation": conversation_id})
