"""Creates connections, follows and blocks: a few members have very many, most have a few."""

import random
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import accumulate, islice

from django.utils import timezone

from network.models import Block, Connection, Follow

from .members import BATCH, SEED

CONNECTIONS_EACH, FOLLOWS_EACH = 20, 5
BENCH_CONNECTIONS, BENCH_FOLLOWS, BENCH_INVITATIONS = 30, 10, 5
BLOCKS_PER_THOUSAND = 10
# How fast the number of connections falls from one member to the next (the exponent of Zipf's law).
ZIPF_EXPONENT = 0.6


class PopularitySampler:
    """Draws random members, popular ones more often."""

    def __init__(self, ids: list[int], rng: random.Random) -> None:
        self._ids = rng.sample(ids, len(ids))
        self._weights = list(accumulate((rank + 1) ** -ZIPF_EXPONENT for rank in range(len(ids))))
        self._dice = rng

    def draw(self, count: int = 1) -> list[int]:
        """Return `count` members, perhaps with repetitions."""
        return self._dice.choices(self._ids, cum_weights=self._weights, k=count)

    def draw_others(self, me: int, count: int) -> list[int]:
        """Return up to `count` different members other than `me`."""
        found: dict[int, None] = {}
        for _attempt in range(20):
            found |= dict.fromkeys(pk for pk in self.draw(count) if pk != me)
            if len(found) >= count:
                break
        return list(islice(found, count))


def connect_members(ids: list[int]) -> None:
    """Create connections, invitations, follows and blocks of the members `ids`; the first one is BENCH."""
    rng = random.Random(f"{SEED}:graph")  # noqa: S311 -- repeatable on purpose
    bench, others = ids[0], ids[1:]
    popular = PopularitySampler(others, rng)
    chosen = popular.draw_others(bench, BENCH_CONNECTIONS + BENCH_FOLLOWS + BENCH_INVITATIONS)
    friends = chosen[:BENCH_CONNECTIONS]
    followed = chosen[BENCH_CONNECTIONS : BENCH_CONNECTIONS + BENCH_FOLLOWS]
    inviters = chosen[BENCH_CONNECTIONS + BENCH_FOLLOWS :]

    pairs = _pairs(
        popular, wanted=len(others) * CONNECTIONS_EACH // 2, possible=len(others) * (len(others) - 1) // 2
    )
    _store(
        Connection,
        (_connection(first, second, rng) for first, second in [*pairs, *((bench, pk) for pk in friends)]),
    )
    _store(Connection, (_invitation(pk, bench) for pk in inviters))
    follows = {
        (pk, other)
        for pk in others
        for other in popular.draw_others(pk, rng.randint(1, 2 * FOLLOWS_EACH - 1))
    }
    _store(
        Follow,
        (
            Follow(follower_id=me, followed_id=pk)
            for me, pk in [*sorted(follows), *((bench, pk) for pk in followed)]
        ),
    )
    blocks = {tuple(rng.sample(others, 2)) for _block in range(len(others) * BLOCKS_PER_THOUSAND // 1000)}
    _store(Block, (Block(blocker_id=first, blocked_id=second) for first, second in sorted(blocks)))


def _pairs(popular: PopularitySampler, *, wanted: int, possible: int) -> list[tuple[int, int]]:
    """Return `wanted` different pairs, or fewer when there are too few members."""
    pairs: set[tuple[int, int]] = set()
    for _attempt in range(40):
        ends = popular.draw(2 * (wanted - len(pairs)))
        pairs |= {
            (min(pair), max(pair)) for pair in zip(ends[::2], ends[1::2], strict=True) if pair[0] != pair[1]
        }
        if len(pairs) >= min(wanted, possible):
            break
    return sorted(pairs)


def _connection(first: int, second: int, rng: random.Random) -> Connection:
    low, high = sorted((first, second))
    at = timezone.now() - timedelta(days=rng.uniform(0, 700))
    connected = Connection.State.CONNECTED
    return Connection(
        low_id=low, high_id=high, inviter_id=first, state=connected, invited_at=at, connected_at=at
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
