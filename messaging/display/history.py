"""Which lines of a conversation a page shows: the newest, those before a number, or those around one."""

from dataclasses import dataclass

from ..models import Entry, Membership
from ..models.entry import EntryQuerySet

# So many lines come at once.
LINES = 50
# So many numbers to each side of the one that was asked for; changes of messages take numbers, but are no lines.
AROUND = 40


@dataclass(frozen=True)
class Window:
    """Lines that follow each other, oldest first, and whether there are others on either side."""

    entries: list[Entry]
    has_older: bool
    has_later: bool

    @property
    def first(self) -> int:
        """The number of the oldest line, or 0 where there is none."""
        return self.entries[0].seq if self.entries else 0

    @property
    def last(self) -> int:
        """The number of the newest line, or 0 where there is none."""
        return self.entries[-1].seq if self.entries else 0


def newest(mine: Membership) -> Window:
    """The newest lines. One query."""
    return before(mine, mine.conversation.last_seq + 1, has_later=False)


def before(mine: Membership, seq: int, *, has_later: bool = True) -> Window:
    """The lines before the number `seq`. One query."""
    found = list(_lines(mine).filter(seq__gte=mine.first_seq, seq__lt=seq).order_by("-seq")[: LINES + 1])
    return Window(found[:LINES][::-1], has_older=len(found) > LINES, has_later=has_later)


def around(mine: Membership, seq: int) -> Window:
    """The lines on both sides of the number `seq`, with it. One query."""
    seq = min(max(seq, mine.first_seq), mine.conversation.last_seq)
    low, high = max(seq - AROUND, mine.first_seq), seq + AROUND
    # The first number of a member's history is always a line.
    return Window(
        list(_lines(mine).filter(seq__gte=low, seq__lte=high).order_by("seq")),
        low > mine.first_seq,
        has_later=high < mine.conversation.last_seq,
    )


def _lines(mine: Membership) -> EntryQuerySet:
    # What searches look into is as long as the words, and no page shows it.
    return Entry.objects.lines().filter(conversation=mine.conversation_id).defer("search_text")
