"""What the database holds of a run's conversations, read past the product."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg2

MESSAGE, EDIT, DELETION, JOINED, LEFT = "message", "edit", "deletion", "joined", "left"


@dataclass(frozen=True)
class Row:
    """One entry."""

    conversation: int
    seq: int
    kind: str
    author: int | None
    client_id: str | None = None
    text: str = ""
    target: int | None = None
    subject: int | None = None
    is_deleted: bool = False


@dataclass(frozen=True)
class Seat:
    """One membership."""

    conversation: int
    member: int
    first_seq: int = 1
    has_left: bool = False
    delivered: int = 0
    read: int = 0
    unread: int = 0


@dataclass(frozen=True)
class Stored:
    """The conversations (id → the number of the last entry), their entries by number, who is in."""

    last_seq: dict[int, int]
    rows: Sequence[Row]
    seats: Sequence[Seat]

    @cached_property
    def _logs(self) -> dict[int, list[Row]]:
        logs: dict[int, list[Row]] = {}
        for row in sorted(self.rows, key=lambda row: row.seq):
            logs.setdefault(row.conversation, []).append(row)
        return logs

    def log(self, conversation: int) -> list[Row]:
        """The entries of one conversation, in order."""
        return self._logs.get(conversation, [])

    def seat(self, conversation: int, member: int) -> Seat | None:
        """The membership of one in a conversation."""
        found = (seat for seat in self.seats if (seat.conversation, seat.member) == (conversation, member))
        return next(found, None)


LAST = "SELECT id, last_seq FROM messaging_conversation WHERE id = ANY(%s)"
ROWS = """
SELECT entry.conversation_id, entry.seq, entry.kind, entry.author_id, entry.client_id::text, entry.text, target.seq,
       entry.subject_id, entry.deleted_at IS NOT NULL
FROM messaging_entry entry LEFT JOIN messaging_entry target ON target.id = entry.target_id
WHERE entry.conversation_id = ANY(%s) ORDER BY entry.conversation_id, entry.seq, entry.id
"""
SEATS = """
SELECT conversation_id, member_id, first_seq, left_at IS NOT NULL, delivered_seq, read_seq, unread
FROM messaging_membership WHERE conversation_id = ANY(%s)
"""


def read_stored(url: str, conversations: Collection[int]) -> Stored:
    """Read it as of one moment. Raises psycopg2.OperationalError while the database is away."""
    connection = psycopg2.connect(url, connect_timeout=2)
    try:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:

            def ask(query: str) -> list[tuple[Any, ...]]:
                cursor.execute(query, [list(conversations)])
                return list(cursor.fetchall())

            return Stored(
                dict(ask(LAST)), [Row(*row) for row in ask(ROWS)], [Seat(*row) for row in ask(SEATS)]
            )
    finally:
        connection.close()
