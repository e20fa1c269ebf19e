"""Questions to the graph of connections: how far, through whom, who else."""

import zlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Exists, F, OuterRef, Q, Window

from users.models import User

from .models import Connection, Follow, Member, available_to

# Suggestions look through this many connections, the latest; beyond it they do not get better, only slower.
WIDEST_CIRCLE = 500


@dataclass(frozen=True)
class Mutual:
    """Whom two members both know: how many, and the first few."""

    count: int
    first: list[Member]

    @property
    def others(self) -> int:
        """How many there are beside the first one."""
        return max(self.count - 1, 0)


def mutual_connections(viewer: User, member: User, *, first: int = 3) -> Mutual:
    """The connections that `viewer` and `member` share, as far as they exist for the viewer. One query."""
    shared = (
        Member.objects.visible_to(viewer)
        .connected_to(viewer.pk)
        .connected_to(member.pk)
        .for_display(viewer)
        .annotate(of_all=Window(Count("pk")))
        .order_by("sort_name", "pk")[:first]
    )
    found = list(shared)
    return Mutual(count=found[0].of_all if found else 0, first=found)  # type: ignore[attr-defined]


def degree(viewer: User, member: User, *, connected: bool, mutual: int) -> int | None:
    """The length of the shortest path, 1 to 3, or None beyond; the first two are known from what is given."""
    if connected:
        return 1
    if mutual:
        return 2
    ties = Connection.objects.connected()
    mine, theirs = ties.other_ends(viewer.pk), ties.other_ends(member.pk)
    bridge = Q(low__in=mine, high__in=theirs) | Q(low__in=theirs, high__in=mine)
    return 3 if ties.filter(bridge).exists() else None


def within_two_degrees(member: User, ids: Collection[int]) -> set[int]:
    """Those of `ids` who are connected to `member`, share a connection with it, or follow it. One query."""
    ties, them = Connection.objects.connected(), OuterRef("pk")
    mine = ties.other_ends(member.pk)
    near = [
        ties.filter(low=member, high=them),
        ties.filter(high=member, low=them),
        Follow.objects.filter(follower=them, followed=member),
        ties.filter(low=them, high__in=mine),
        ties.filter(high=them, low__in=mine),
    ]
    found = Member.objects.filter(reduce(or_, (Q(Exists(each)) for each in near)), pk__in=ids)
    return set(found.values_list("pk", flat=True))


def suggestions(viewer: User, *, most: int) -> list[Member]:
    """People `viewer` may know: by mutual connections (set as `.mutual`), then the latest to join.

    Nobody is suggested who is tied to the viewer already, be it by an open or ignored invitation. Up to five queries.
    """
    counts = _mutual_counts(viewer)
    tied = Connection.objects.other_ends(viewer.pk)
    candidates = (
        Member.objects.visible_to(viewer).exclude(pk=viewer.pk).exclude(pk__in=tied).for_display(viewer)
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


def _mutual_counts(viewer: User) -> Counter[int]:
    """How many connections each person beyond the viewer's circle shares with it.

    Kept for some minutes: what others do shows after them, a change of the own circle at once, since the key holds it.
    """
    circle = list(Connection.objects.connected().order_by("-pk").other_ends(viewer.pk)[:WIDEST_CIRCLE])
    key = f"network.mutual.{viewer.pk}.{zlib.crc32(repr(circle).encode())}"
    counts = _read_counts(cache.get(key))
    if counts is None:
        counts = _counted(viewer, circle)
        cache.set(key, counts, settings.CACHE_TIMEOUTS["suggestions"])
    return counts


def _read_counts(entry: Any) -> Counter[int] | None:
    """The counts in an entry of the cache, which is JSON, whose keys are text; None when it is of another shape."""
    try:
        return Counter({int(person): int(shared) for person, shared in entry.items()})
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None


def _counted(viewer: User, circle: list[int]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for near, far in (("low", "high"), ("high", "low")):
        rows = (
            Connection.objects.connected()
            .filter(available_to(viewer, near), **{f"{near}__in": circle})
            .exclude(**{f"{far}__in": [*circle, viewer.pk]})
            .values(person=F(far))
            .annotate(shared=Count("pk"))
            .order_by("-shared")[: 10 * WIDEST_CIRCLE]
        )
        counts.update({row["person"]: row["shared"] for row in rows})
    return counts
