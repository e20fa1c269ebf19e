"""How far each member has received and read a conversation."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import connection, transaction

from core.sockets.publisher import publish

from ..models import Conversation, Entry, Membership
from ..topics import conversation_topic
from .log import notify_own_tabs

# Pairs of one statement.
AT_ONCE = 200


@dataclass(frozen=True)
class CursorPosition:
    """How far a client has received and read; what is read has been received."""

    delivered: int = 0
    read: int = 0

    def max_with(self, other: "CursorPosition") -> "CursorPosition":
        """Return the maximum of both positions."""
        return CursorPosition(max(self.delivered, other.delivered), max(self.read, other.read))


# By conversation and member.
Pair = tuple[int, int]


@transaction.atomic
def move_cursors(positions: Mapping[Pair, CursorPosition], *, patient: bool = True) -> set[Pair]:
    """Move the cursors of members forward, never back nor beyond the newest entry; notify the tabs that show them.

    Pairs (conversation, member) of non-members are skipped. Without `patient`, rows that are locked are skipped, too;
    returns their pairs, to be tried again.
    """
    if not positions:
        return set()
    wanted = set(list(positions)[:AT_ONCE])
    members = Membership.objects.filter(
        conversation__in={pair[0] for pair in wanted}, member__in={pair[1] for pair in wanted}, left_at=None
    )
    found = members.values_list("conversation_id", "member_id", "pk")
    membership_ids = {row[:2]: row[2] for row in found if row[:2] in wanted}
    # Sending updates these rows after storing the message, so the newest number read below includes every message
    # that is counted in `unread`, and no other.
    rows = list(
        Membership.objects.filter(pk__in=membership_ids.values(), left_at=None)
        .select_for_update(no_key=True, skip_locked=not patient)
        .order_by("pk")
    )
    conversations = {row.conversation_id for row in rows}
    newest = dict(Conversation.objects.filter(pk__in=conversations).values_list("pk", "last_seq"))
    moves = [
        move for row in rows if (move := _find_move(row, positions[_pair(row)], newest[row.conversation_id]))
    ]
    if moves:
        # One statement, which SQLite and PostgreSQL both understand.
        values = [value for move in moves for value in (move.row.pk, move.delivered, move.read, move.unread)]
        with connection.cursor() as query:
            query.execute(_MOVE % ", ".join(["(%s, %s, %s, %s)"] * len(moves)), values)
    _notify_of_moves(moves)
    held = set() if patient else set(membership_ids) - {_pair(row) for row in rows}
    return held | (set(positions) - wanted)


@dataclass(frozen=True)
class _CursorMove:
    """New cursors of a membership."""

    row: Membership
    delivered: int
    read: int
    unread: int


def _pair(row: Membership) -> Pair:
    return (row.conversation_id, row.member_id)


def _find_move(row: Membership, to: CursorPosition, newest: int) -> _CursorMove | None:
    """Return the new cursors of `row`, or None where nothing changes."""
    read = max(row.read_seq, min(to.read, newest))
    delivered = max(row.delivered_seq, min(to.delivered, newest), read)
    if (read, delivered) == (row.read_seq, row.delivered_seq):
        return None
    unread = row.unread
    if read > row.read_seq:
        unread = 0 if read == newest else _unread_after(row, read)
    return _CursorMove(row, delivered, read, unread)


_MOVE = """
UPDATE messaging_membership SET delivered_seq = moved.column2, read_seq = moved.column3, unread = moved.column4
FROM (VALUES %s) AS moved WHERE messaging_membership.id = moved.column1
"""


def _notify_of_moves(moves: Collection[_CursorMove]) -> None:
    """Notify the members' own tabs of what is read, and tabs with the conversation open of the cursors of others."""
    for move in moves:
        if move.read > move.row.read_seq:
            notify_own_tabs(move.row.conversation_id, move.row.member_id)
    movers: dict[int, set[int]] = {}
    for move in moves:
        movers.setdefault(move.row.conversation_id, set()).add(move.row.member_id)
    for conversation_id, members in sorted(movers.items()):
        # A member who moved alone knows it already.
        only_mover = members.pop() if len(members) == 1 else None
        publish(
            conversation_topic(conversation_id),
            {"type": "messaging.cursors", "conversation": conversation_id, "member": only_mover},
        )


def _unread_after(row: Membership, read: int) -> int:
    unread = Entry.objects.messages().filter(conversation=row.conversation_id, deleted_at=None)
    return unread.filter(seq__gt=max(read, row.first_seq - 1)).exclude(author=row.member_id).count()
