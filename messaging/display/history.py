"""The part of a conversation's history that a page shows: the newest entries, those before a number or around one."""

from dataclasses import dataclass

from core.database.compiled_queries import CompiledQuery

from ..models import Entry, Membership
from ..models.entry import EntryQuerySet

# Entries of one page.
PAGE_SIZE = 50
# Numbers on each side of the requested one; edits and deletions have numbers, but are not shown themselves.
AROUND = 40


@dataclass(frozen=True)
class HistoryWindow:
    """Consecutive entries, oldest first, and whether there are more on either side."""

    entries: list[Entry]
    has_older: bool
    has_later: bool

    @property
    def first(self) -> int:
        """The number of the oldest entry, or 0."""
        return self.entries[0].seq if self.entries else 0

    @property
    def last(self) -> int:
        """The number of the newest entry, or 0."""
        return self.entries[-1].seq if self.entries else 0


def load_newest(mine: Membership) -> HistoryWindow:
    """Load the newest entries. One query."""
    return load_before(mine, mine.conversation.last_seq + 1, has_later=False)


def load_before(mine: Membership, seq: int, *, has_later: bool = True) -> HistoryWindow:
    """Load the entries before the number `seq`. One query."""
    found = _BEFORE.fetch(conversation=mine.conversation_id, first=mine.first_seq, end=seq)
    return HistoryWindow(found[:PAGE_SIZE][::-1], has_older=len(found) > PAGE_SIZE, has_later=has_later)


def load_around(mine: Membership, seq: int) -> HistoryWindow:
    """Load the entries on both sides of the number `seq`, with it. One query."""
    seq = min(max(seq, mine.first_seq), mine.conversation.last_seq)
    low, high = max(seq - AROUND, mine.first_seq), seq + AROUND
    # The first number of a member's history is always shown.
    found = _BETWEEN.fetch(conversation=mine.conversation_id, low=low, high=high)
    return HistoryWindow(found, low > mine.first_seq, has_later=high < mine.conversation.last_seq)


def _visible_entries(conversation: int) -> EntryQuerySet:
    # What searches look into is as long as the words, and no page shows it.
    return Entry.objects.lines().filter(conversation=conversation).defer("search_text")


def _before_query(conversation: int, first: int, end: int) -> EntryQuerySet:
    found = _visible_entries(conversation).filter(seq__gte=first, seq__lt=end)
    return found.order_by("-seq")[: PAGE_SIZE + 1]


def _between_query(conversation: int, low: int, high: int) -> EntryQuerySet:
    return _visible_entries(conversation).filter(seq__gte=low, seq__lte=high).order_by("seq")


_BEFORE = CompiledQuery(_before_query)
_BETWEEN = CompiledQuery(_between_query)
