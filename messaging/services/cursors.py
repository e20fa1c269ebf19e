"""How far each member has got a conversation, and read it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import connection, transaction

from core.sockets.publisher import publish

from ..models import Conversation, Entry, Membership
from ..topics import conversation_topic
from .log import notify_own_tabs

# So many pairs are looked up in one statement.
AT_ONCE = 200


@dataclass(frozen=True)
class CursorPosition:
    """How far a member says to have come; reading includes having got."""

    delivered: int = 0
    read: int = 0

    def max_with(self, other: "CursorPosition") -> "CursorPosition":
        """The further one of both cursors."""
        return CursorPosition(max(self.delivered, other.delivered), max(self.read, other.read))


# By conversation and member.
Pair = tuple[int, int]


@transaction.atomic
def move_cursors(reached: Mapping[Pair, CursorPosition], *, patient: bool = True) -> set[Pair]:
    """Move the cursors of members forward, never back nor beyond the newest entry; tell those who see them.

    Pairs of which the member is not in the conversation are passed over. Without `patient`, rows that somebody else
    holds at the moment are left alone; returns those pairs, to be tried again.
    """
    if not reached:
        return set()
    wanted = list(reached)[:AT_ONCE]
    there = _places(wanted)
    # Whoever adds a message updates these rows after storing it, so what is read below includes every message that
    # is counted in `unread` already, and none that is not.
    rows = list(
        Membership.objects.filter(pk__in=there.values(), left_at=None)
        .select_for_update(no_key=True, skip_locked=not patient)
        .order_by("pk")
    )
    conversations = {row.conversation_id for row in rows}
    newest = dict(Conversation.objects.filter(pk__in=conversations).values_list("pk", "last_seq"))
    moved = [step for row in rows if (step := _step(row, reached[_pair(row)], newest[row.conversation_id]))]
    _store(moved)
    _tell(moved)
    held = set() if patient else set(there) - {_pair(row) for row in rows}
    return held | (set(reached) - set(wanted))


@dataclass(frozen=True)
class _Step:
    """A membership whose cursors move."""

    row: Membership
    delivered: int
    read: int
    unread: int


def _pair(row: Membership) -> Pair:
    return (row.conversation_id, row.member_id)


def _places(wanted: Collection[Pair]) -> dict[Pair, int]:
    """The ids of the memberships of those pairs who are in."""
    conversations, members = {pair[0] for pair in wanted}, {pair[1] for pair in wanted}
    found = Membership.objects.filter(conversation__in=conversations, member__in=members, left_at=None)
    rows = found.values_list("conversation_id", "member_id", "pk")
    return {(row[0], row[1]): row[2] for row in rows if (row[0], row[1]) in set(wanted)}


def _step(row: Membership, to: CursorPosition, newest: int) -> _Step | None:
    """Where the cursors of `row` stand from now on, or None where they stand there already."""
    read = max(row.read_seq, min(to.read, newest))
    delivered = max(row.delivered_seq, min(to.delivered, newest), read)
    if (read, delivered) == (row.read_seq, row.delivered_seq):
        return None
    unread = row.unread
    if read > row.read_seq:
        unread = 0 if read == newest else _unread_after(row, read)
    return _Step(row, delivered, read, unread)


_MOVE = """
UPDATE messaging_membership SET delivered_seq = moved.column2, read_seq = moved.column3, unread = moved.column4
FROM (VALUES %s) AS moved WHERE messaging_membership.id = moved.column1
"""


def _store(moved: Collection[_Step]) -> None:
    """Write the cursors of rows that are held, all with one statement, which SQLite and PostgreSQL speak alike."""
    if not moved:
        return
    rows = ", ".join(["(%s, %s, %s, %s)"] * len(moved))
    values = [value for step in moved for value in (step.row.pk, step.delivered, step.read, step.unread)]
    with connection.cursor() as query:
        query.execute(_MOVE % rows, values)


def _tell(moved: Collection[_Step]) -> None:
    """Those who have read see it in their own tabs, and who has a conversation open sees how far others are."""
    for step in moved:
        if step.read > step.row.read_seq:
            notify_own_tabs(step.row.conversation_id, step.row.member_id)
    movers: dict[int, set[int]] = {}
    for step in moved:
        movers.setdefault(step.row.conversation_id, set()).add(step.row.member_id)
    for conversation_id, members in sorted(movers.items()):
        # One who moved alone knows; the hint is for the others.
        alone = members.pop() if len(members) == 1 else None
        publish(
            conversation_topic(conversation_id),
            {"type": "messaging.cursors", "conversation": conversation_id, "member": alone},
        )


def _unread_after(row: Membership, read: int) -> int:
    unread = Entry.objects.messages().filter(conversation=row.conversation_id, deleted_at=None)
    return unread.filter(seq__gt=max(read, row.first_seq - 1)).exclude(author=row.member_id).count()
