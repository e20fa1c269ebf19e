"""Ties in the crowd: a few members know very many, many know a few."""

import random
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import accumulate, islice

from django.utils import timezone

from network.models import Block, Connection, Follow

from .people import BATCH, SEED

CONNECTIONS_EACH, FOLLOWS_EACH = 20, 5
BENCH_CONNECTIONS, BENCH_FOLLOWS, BENCH_INVITATIONS = 30, 10, 5
BLOCKS_PER_THOUSAND = 10
# How fast the number of ties falls from the best known member to the next (the exponent of Zipf's law).
SKEW = 0.6


class Popularity:
    """Draws members, the well-known ones more often."""

    def __init__(self, ids: list[int], dice: random.Random) -> None:
        self._ids = dice.sample(ids, len(ids))
        self._weights = list(accumulate((rank + 1) ** -SKEW for rank in range(len(ids))))
        self._dice = dice

    def draw(self, count: int = 1) -> list[int]:
        """`count` members; the same one may come twice."""
        return self._dice.choices(self._ids, cum_weights=self._weights, k=count)

    def others(self, me: int, count: int) -> list[int]:
        """Up to `count` different members, not `me`, in no order."""
        found: dict[int, None] = {}
        for _attempt in range(20):
            found |= dict.fromkeys(pk for pk in self.draw(count) if pk != me)
            if len(found) >= count:
                break
        return list(islice(found, count))


def tie_members(ids: list[int]) -> None:
    """Connect the members `ids`, of whom the first is the one that benches sign in as."""
    dice = random.Random(f"{SEED}:graph")  # noqa: S311 -- repeatable on purpose
    bench, rest = ids[0], ids[1:]
    popular = Popularity(rest, dice)
    known = popular.others(bench, BENCH_CONNECTIONS + BENCH_FOLLOWS + BENCH_INVITATIONS)
    friends = known[:BENCH_CONNECTIONS]
    followed = known[BENCH_CONNECTIONS : BENCH_CONNECTIONS + BENCH_FOLLOWS]
    asking = known[BENCH_CONNECTIONS + BENCH_FOLLOWS :]

    pairs = _pairs(
        popular, wanted=len(rest) * CONNECTIONS_EACH // 2, possible=len(rest) * (len(rest) - 1) // 2
    )
    _store(
        Connection, (_connection(one, two, dice) for one, two in [*pairs, *((bench, pk) for pk in friends)])
    )
    _store(Connection, (_invitation(pk, bench) for pk in asking))
    follows = {
        (pk, other) for pk in rest for other in popular.others(pk, dice.randint(1, 2 * FOLLOWS_EACH - 1))
    }
    _store(
        Follow,
        (
            Follow(follower_id=me, followed_id=pk)
            for me, pk in [*sorted(follows), *((bench, pk) for pk in followed)]
        ),
    )
    blocks = {tuple(dice.sample(rest, 2)) for _block in range(len(rest) * BLOCKS_PER_THOUSAND // 1000)}
    _store(Block, (Block(blocker_id=one, blocked_id=two) for one, two in sorted(blocks)))


def _pairs(popular: Popularity, *, wanted: int, possible: int) -> list[tuple[int, int]]:
    """`wanted` different pairs, or as many as a small crowd gives."""
    pairs: set[tuple[int, int]] = set()
    for _attempt in range(40):
        ends = popular.draw(2 * (wanted - len(pairs)))
        pairs |= {
            (min(pair), max(pair)) for pair in zip(ends[::2], ends[1::2], strict=True) if pair[0] != pair[1]
        }
        if len(pairs) >= min(wanted, possible):
            break
    return sorted(pairs)


def _connection(one: int, two: int, dice: random.Random) -> Connection:
    low, high = sorted((one, two))
    at = timezone.now() - timedelta(days=dice.uniform(0, 700))
    connected = Connection.State.CONNECTED
    return Connection(
        low_id=low, high_id=high, inviter_id=one, state=connected, invited_at=at, connected_at=at
    )


def _invitation(inviter: int, invitee: int) -> Connection:
    low, high = sorted((inviter, invitee))
    return Connection(low_id=low, high_id=high, inviter_id=inviter, note="We met at the annual meeting.")


def _store(
    model: type[Connection] | type[Follow] | type[Block], rows: Iterable[Connection | Follow | Block]
) -> None:
    for batch in _batches(rows):
        model._default_manager.bulk_create(batch)  # type: ignore[arg-type]


def _batches(rows: Iterable[Connection | Follow | Block]) -> Iterator[list[Connection | Follow | Block]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch
