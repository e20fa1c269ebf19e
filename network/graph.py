"""Queries over the graph of connections: degrees, mutual connections, suggestions."""

import zlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Exists, F, OuterRef, Q, Window

from users.models import User

from .models import Connection, Follow, Member, available_to

# Suggestions use at most this many connections, the latest ones: more make them slower, not better.
MAX_CONNECTIONS = 500


@dataclass(frozen=True)
class Mutual:
    """The mutual connections of two members: their number, and the first few."""

    count: int
    first: list[Member]

    @property
    def other_count(self) -> int:
        """The number of mutual connections without the first one."""
        return max(self.count - 1, 0)


def mutual_connections(viewer: User, member: User, *, first: int = 3) -> Mutual:
    """Return the connections that `viewer` and `member` share and that exist for the viewer. One query."""
    shared = (
        Member.objects.visible_to(viewer)
        .connected_to(viewer.pk)
        .connected_to(member.pk)
        .for_display(viewer)
        .annotate(total=Window(Count("pk")))
        .order_by("sort_name", "pk")[:first]
    )
    found = list(shared)
    return Mutual(count=found[0].total if found else 0, first=found)  # type: ignore[attr-defined]


def find_degree(viewer: User, member: User, *, connected: bool, mutual: int) -> int | None:
    """Return the length of the shortest path, 1 to 3, or None if it is longer; only 2 and more need a query."""
    if connected:
        return 1
    if mutual:
        return 2
    connections = Connection.objects.connected()
    mine, theirs = connections.other_ends(viewer.pk), connections.other_ends(member.pk)
    bridge = Q(low__in=mine, high__in=theirs) | Q(low__in=theirs, high__in=mine)
    return 3 if connections.filter(bridge).exists() else None


def within_two_degrees(member: User, ids: Collection[int]) -> set[int]:
    """Return those of `ids` that are connected to `member`, share a connection with it, or follow it. One query."""
    connections, them = Connection.objects.connected(), OuterRef("pk")
    mine = connections.other_ends(member.pk)
    near = [
        connections.filter(low=member, high=them),
        connections.filter(high=member, low=them),
        Follow.objects.filter(follower=them, followed=member),
        connections.filter(low=them, high__in=mine),
        connections.filter(high=them, low__in=mine),
    ]
    found = Member.objects.filter(reduce(or_, (Q(Exists(each)) for each in near)), pk__in=ids)
    return set(found.values_list("pk", flat=True))


def suggest_members(viewer: User, *, most: int) -> list[Member]:
    """Return people `viewer` may know: by mutual connections (set as `.mutual`), then the latest to join.

    Members with any connection row are left out, also those with an open or ignored invitation. Up to five queries.
    """
    counts = _load_mutual_counts(viewer)
    paired = Connection.objects.other_ends(viewer.pk)
    candidates = (
        Member.objects.visible_to(viewer).exclude(pk=viewer.pk).exclude(pk__in=paired).for_display(viewer)
    )
    best = [pk for pk, _count in counts.most_common(most * 4)]
    found = sorted(candidates.filter(pk__in=best), key=lambda member: (-counts[member.pk], member.sort_name))[
        :most
    ]
    if len(found) < most:
        known = [member.pk for member in found]
        found += list(candidates.exclude(pk__in=known).order_by("-pk")[: most - len(found)])
    for member in found:
        member.mutual = counts[member.pk]
    return found


def _load_mutual_counts(viewer: User) -> Counter[int]:
    """Return how many of the viewer's connections each other person shares.

    The counts are cached for some minutes. The key contains the viewer's connections, so a change of those shows at
    once; a change of other members' connections shows when the entry expires.
    """
    connected = list(Connection.objects.connected().order_by("-pk").other_ends(viewer.pk)[:MAX_CONNECTIONS])
    key = f"network.mutual.{viewer.pk}.{zlib.crc32(repr(connected).encode())}"
    entry = cache.get(key)
    try:
        # JSON has text keys; an entry of another shape counts as absent.
        return Counter({int(person): int(shared) for person, shared in entry.items()})
    except (AttributeError, TypeError, ValueError, OverflowError):
        counts: Counter[int] = Counter()
    for near, far in (("low", "high"), ("high", "low")):
        rows = (
            Connection.objects.connected()
            .filter(available_to(viewer, near), **{f"{near}__in": connected})
            .exclude(**{f"{far}__in": [*connected, viewer.pk]})
            .values(person=F(far))
            .annotate(shared=Count("pk"))
            .order_by("-shared")[: 10 * MAX_CONNECTIONS]
        )
        counts.update({row["person"]: row["shared"] for row in rows})
    cache.set(key, counts, settings.CACHE_TIMEOUTS["suggestions"])
    return counts
