"""Members who joined lately from the school or employer of another member."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from core.database.compiled_queries import CompiledQuery
from core.text.folding import name_key
from users.audience import Audience
from users.models import Education, Experience, User

from .graph import load_candidates
from .models import Member

# The latest accounts that are looked at, and the latest members of one organisation: no more are read or named.
MAX_ACCOUNTS = 1000
MAX_FOUND = 50
# What members without an employer write: these have nothing in common.
NO_ORGANISATION = frozenset(
    {"", "self employed", "selfemployed", "freelance", "freelancer", "independent", "various", "none", "n a",
     "selbststandig", "selbstandig", "freiberuflich", "freiberufler", "freiberuflerin"}
)  # fmt: skip


@dataclass(frozen=True)
class Newcomers:
    """The latest members to join, by the organisations of their profiles that all members may see.

    Organisations are compared by `name_key`: without case, accents and punctuation, in any alphabet.
    """

    joined_at: Mapping[int, datetime]
    by_organisation: Mapping[str, Sequence[int]]


def load_newcomers(since: datetime) -> Newcomers:
    """Load those of the latest accounts that joined after `since`. Three queries, for any number of viewers."""
    # In the order of ids, which needs no index by date: an address is confirmed within days, or never.
    latest = Member.objects.order_by("-pk").values_list("pk", "joined_at")[:MAX_ACCOUNTS]
    joined_at = {pk: joined for pk, joined in latest if joined and joined > since}
    entries = [
        *Experience.objects.filter(
            user__in=joined_at, user__profile__experience_audience__lte=Audience.MEMBERS
        ).values_list("user_id", "employer"),
        *Education.objects.filter(
            user__in=joined_at, user__profile__education_audience__lte=Audience.MEMBERS
        ).values_list("user_id", "school"),
    ]
    by_organisation: dict[str, set[int]] = defaultdict(set)
    for member, organisation in entries:
        by_organisation[name_key(organisation)].add(member)
    return Newcomers(
        joined_at,
        {key: sorted(members) for key, members in by_organisation.items() if key not in NO_ORGANISATION},
    )


def find_newcomers(viewer: User, newcomers: Newcomers, since: datetime) -> list[tuple[Member, str]]:
    """Return those of `newcomers` who joined after `since` from a school or employer of `viewer`, the latest first.

    Each with the organisation, as the viewer writes it. They are available to the viewer, and there is neither a
    connection nor an invitation between them. Three queries, or two when there is none.
    """
    organisations: dict[int, str] = {}
    for query in (_SCHOOLS, _EMPLOYERS):
        for (name,) in query.fetch(user=viewer.pk):
            for member in newcomers.by_organisation.get(name_key(name), ()):
                if newcomers.joined_at[member] > since:
                    organisations.setdefault(member, name)
    latest = sorted(organisations, key=lambda pk: newcomers.joined_at[pk], reverse=True)[:MAX_FOUND]
    found = {member.pk: member for member in load_candidates(viewer, latest)}
    return [(found[pk], organisations[pk]) for pk in latest if pk in found]


def _schools_query(user: int) -> QuerySet[Education, tuple[str]]:
    return Education.objects.filter(user=user).values_list("school")


def _employers_query(user: int) -> QuerySet[Experience, tuple[str]]:
    return Experience.objects.filter(user=user).values_list("employer")


_SCHOOLS = CompiledQuery(_schools_query)
_EMPLOYERS = CompiledQuery(_employers_query)
