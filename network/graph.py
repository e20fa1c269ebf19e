"""Queries over the graph of connections: degrees, mutual connections, suggestions."""

import zlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import cast

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Window

from core.database.compiled_queries import CompiledQuery
from users.models import User

from .models import Connection, Follow, Member, MemberQuerySet, are_paired, available_to, connected_with

# Suggestions use at most this many connections, the latest ones: more make them slower, not better.
MAX_CONNECTIONS = 500
MAX_SUGGESTIONS = 12
# Without mutual connections, only the latest members to join are suggested: a member may know all of very many.
MAX_NEWEST = 500
# How many mutual connections a page names.
FIRST_MUTUAL = 3


@dataclass(frozen=True)
class Mutual:
    """The mutual connections of two members: their number, and the first few."""

    count: int
    first: list[Member]

    @property
    def other_count(self) -> int:
        """The number of mutual connections without the first one."""
        return max(self.count - 1, 0)


def mutual_connections(viewer: User, member: User) -> Mutual:
    """Return the connections that `viewer` and `member` share and that exist for the viewer. One query."""
    found = _SHARED.fetch(viewer=viewer.pk, member=member.pk)
    return Mutual(count=found[0].total if found else 0, first=found)  # type: ignore[attr-defined]


def find_degree(viewer: User, member: User, *, connected: bool, mutual: int) -> int | None:
    """Return the length of the shortest path, 1 to 3, or None if it is longer; only 2 and more need a query."""
    if connected:
        return 1
    if mutual:
        return 2
    return 3 if _BRIDGES.fetch(viewer=viewer.pk, member=member.pk) else None


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

    `most` is at most MAX_SUGGESTIONS.
    Members with any connection row are left out, also those with an open or ignored invitation. Up to five queries.
    """
    counts = _load_mutual_counts(viewer)
    best = [pk for pk, _count in counts.most_common(most * 4)]
    candidates = _CANDIDATES.fetch(viewer=viewer.pk, members=best)
    found = sorted(candidates, key=lambda member: (-counts[member.pk], member.sort_name))[:most]
    if len(found) < most:
        known = [member.pk for member in found]
        found += _LATEST.fetch(viewer=viewer.pk, known=known)[: most - len(found)]
    for member in found:
        member.mutual = counts[member.pk]
    return found


def _load_mutual_counts(viewer: User) -> Counter[int]:
    """Return how many of the viewer's connections each other person shares.

    The counts are cached for some minutes. The key contains the viewer's connections, so a change of those shows at
    once; a change of other members' connections shows when the entry expires.
    """
    connected = [pk for (pk,) in _CONNECTED.fetch(viewer=viewer.pk)]
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


def _connected_query(viewer: int) -> QuerySet[Connection, tuple[int]]:
    ends = Connection.objects.connected().order_by("-pk").other_ends(viewer)[:MAX_CONNECTIONS]
    # The same as tuples.
    return cast("QuerySet[Connection, tuple[int]]", ends)


def _candidates_of(viewer: int) -> MemberQuerySet:
    """Members without any connection row with the viewer."""
    me, unpaired = User(pk=viewer), ~are_paired(viewer, OuterRef("pk"))
    return Member.objects.visible_to(me).exclude(pk=viewer).filter(unpaired).for_display(me)


def _candidates_query(viewer: int, members: Collection[int]) -> MemberQuerySet:
    return _candidates_of(viewer).filter(pk__in=members)


def _latest_query(viewer: int, known: Collection[int]) -> MemberQuerySet:
    newest = Member.objects.order_by("-pk").values("pk")[:MAX_NEWEST]
    candidates = _candidates_of(viewer).exclude(pk__in=known).filter(pk__in=newest)
    return candidates.order_by("-pk")[:MAX_SUGGESTIONS]


def _shared_query(viewer: int, member: int) -> MemberQuerySet:
    me = User(pk=viewer)
    shared = Member.objects.visible_to(me).connected_to(member).filter(connected_with(me)).for_display(me)
    return shared.annotate(total=Window(Count("pk"))).order_by("sort_name", "pk")[:FIRST_MUTUAL]


def _bridges_query(viewer: int, member: int) -> QuerySet[Connection, tuple[int]]:
    """A connection between the connections of the two."""
    connections = Connection.objects.connected()
    mine, theirs = connections.other_ends(viewer), connections.other_ends(member)
    bridge = Q(low__in=mine, high__in=theirs) | Q(low__in=theirs, high__in=mine)
    return connections.filter(bridge).values_list("pk")[:1]


_CONNECTED = CompiledQuery(_connected_query)
_CANDIDATES = CompiledQuery(_candidates_query)
_LATEST = CompiledQuery(_latest_query)
_SHARED = CompiledQuery(_shared_query)
_BRIDGES = CompiledQuery(_bridges_query)
