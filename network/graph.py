"""Queries over the graph of connections: degrees, mutual connections, suggestions."""

import zlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache as cache_function
from functools import reduce
from operator import or_
from typing import cast

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Window

from core.database.compiled_queries import CompiledQuery, CompiledSQL
from users.models import User

from .contact_counts import count_connections
from .models import (
    Connection,
    Follow,
    Member,
    MemberQuerySet,
    are_connected,
    are_paired,
    available_to,
)
from .pair_sql import connected_sql

# Suggestions use at most this many connections, the latest ones: more make them slower, not better.
MAX_CONNECTIONS = 500
MAX_SUGGESTIONS = 12
# Without mutual connections, only the latest members to join are suggested: a member may know all of very many.
MAX_NEWEST = 500
# How many connections of connections are looked at for a path of three.
MAX_LINKS = 5000
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
    """Return the connections that `viewer` and `member` share and that exist for the viewer.

    One query; two more where the connections of both were not counted lately.
    """
    few, many = _order_by_connections(viewer, member)
    found = _SHARED.fetch(viewer=viewer.pk, few=few, many=many)
    return Mutual(count=found[0].total if found else 0, first=found)  # type: ignore[attr-defined]


def find_degree(viewer: User, member: User, *, connected: bool, mutual: int) -> int | None:
    """Return the length of the shortest path, 1 to 3, or None if it is longer; only 2 and more need a query.

    A path of three is looked for in the first MAX_LINKS connections of the connections of one of them.
    """
    if connected:
        return 1
    if mutual:
        return 2
    few, many = _order_by_connections(viewer, member)
    return 3 if _compile_bridge(connection.vendor).fetch(few=few, many=many) else None


def _order_by_connections(one: User, other: User) -> tuple[int, int]:
    """Return the ids, first that of the member with fewer connections: those are read, the other's are looked up."""
    few, many = sorted((one.pk, other.pk), key=count_connections)
    return few, many


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
    candidates = load_candidates(viewer, best)
    found = sorted(candidates, key=lambda member: (-counts[member.pk], member.sort_name))[:most]
    if len(found) < most:
        known = [member.pk for member in found]
        found += _LATEST.fetch(viewer=viewer.pk, known=known)[: most - len(found)]
    for member in found:
        member.mutual = counts[member.pk]
    return found


def load_candidates(viewer: User, ids: Collection[int]) -> list[Member]:
    """Return those of `ids` that the viewer could invite: without any connection row. At most one query."""
    return _CANDIDATES.fetch(viewer=viewer.pk, members=ids) if ids else []


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


def _shared_query(viewer: int, few: int, many: int) -> MemberQuerySet:
    me = User(pk=viewer)
    shared = Member.objects.visible_to(me).connected_to(few).filter(are_connected(many, OuterRef("pk")))
    return (
        shared.for_display(me).annotate(total=Window(Count("pk"))).order_by("sort_name", "pk")[:FIRST_MUTUAL]
    )


# A connection between the connections of the two.
_BRIDGE = """
SELECT 1 FROM (
    SELECT CASE WHEN link.low_id = near.id THEN link.high_id ELSE link.low_id END AS other_id
    FROM (
        SELECT high_id AS id FROM network_connection WHERE low_id = %(few)s AND state = {connected:d}
        UNION ALL SELECT low_id FROM network_connection WHERE high_id = %(few)s AND state = {connected:d}
    ) AS near
    JOIN network_connection AS link ON (link.low_id = near.id OR link.high_id = near.id)
    WHERE link.state = {connected:d} LIMIT {limit:d}
) AS far WHERE {are_connected} LIMIT 1
"""


@cache_function
def _compile_bridge(vendor: str) -> CompiledSQL:
    """Compile the statement, in the SQL of `vendor`; its values are the ids `few` and `many`."""
    are_both_connected = connected_sql(vendor, "CAST(%(many)s AS bigint)", "far.other_id")
    connected = Connection.State.CONNECTED
    return CompiledSQL(_BRIDGE.format(connected=connected, limit=MAX_LINKS, are_connected=are_both_connected))


_CONNECTED = CompiledQuery(_connected_query)
_CANDIDATES = CompiledQuery(_candidates_query)
_LATEST = CompiledQuery(_latest_query)
_SHARED = CompiledQuery(_shared_query)
