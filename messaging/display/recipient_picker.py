"""Choosing people from one's connections, page by page of a form: who is chosen stays chosen while one searches."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from core.text.cleaning import clean_parameter
from core.web import rate_limits
from network.models import Member, MemberQuerySet
from users.models import User

# So many connections are offered at once; more are found by name.
OFFERED = 24
# Nobody ticks more; a request with more is cut.
MOST_CHOSEN = 60
LONGEST_SEARCH = 80


@dataclass(frozen=True)
class RecipientChoice:
    """What a form offers, and what was ticked in it.

    `is_complete` tells that everybody ticked is a connection; `refusal` says why nobody was searched for.
    """

    words: str = ""
    chosen: list[Member] = field(default_factory=list)
    offered: list[Member] = field(default_factory=list)
    has_more: bool = False
    is_complete: bool = True
    error: str = ""
    refusal: str = ""


def choose_recipients(
    viewer: User, usernames: Sequence[str], words: str, *, without: Collection[int] = (), error: str = ""
) -> RecipientChoice:
    """The connections called `usernames` as chosen, and those that `words` find to choose from. Two queries."""
    words = clean_parameter(words, LONGEST_SEARCH)
    chosen, is_complete = find_chosen(viewer, usernames)
    try:
        if words:
            rate_limits.consume("search", viewer.pk)
    except rate_limits.RateLimited as refusal:
        return RecipientChoice(words, chosen, is_complete=is_complete, error=error, refusal=refusal.words)
    found = connections_of(viewer).exclude(pk__in={*without, *(member.pk for member in chosen)})
    rows = list(found.named(words).order_by("sort_name", "pk")[: OFFERED + 1])
    return RecipientChoice(words, chosen, rows[:OFFERED], len(rows) > OFFERED, is_complete, error)


def find_chosen(viewer: User, usernames: Sequence[str]) -> tuple[list[Member], bool]:
    """The connections called `usernames`, and whether all of them are. One query, or none."""
    wanted = {clean_parameter(name, LONGEST_SEARCH).lower() for name in usernames[:MOST_CHOSEN]}
    if not wanted:
        return [], True
    chosen = list(connections_of(viewer).filter(username__in=wanted).order_by("sort_name", "pk"))
    return chosen, len(chosen) == len(wanted)


def connections_of(viewer: User) -> MemberQuerySet:
    """The viewer's connections, as the viewer may see them."""
    return Member.objects.visible_to(viewer).for_display(viewer).connected_to(viewer.pk)
