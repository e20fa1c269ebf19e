"""Connects the members of the demo network: connections, follows, and pending invitations."""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import TypeVar

from network import services
from network.models import Connection, Follow
from users.models import User

from .content import ConnectionTexts, MemberText, PostText
from .people import ADMINISTRATOR

Pair = frozenset[str]
Names = TypeVar("Names", Pair, tuple[str, str])

# The chance that two members are connected: any two, two of one field of work, two who comment on each other.
CHANCE, CHANCE_AT_WORK, CHANCE_IN_THREAD = 0.07, 0.2, 0.35
FOLLOW_THE_OFFICE = 0.7


@dataclass(frozen=True)
class PlannedConnections:
    """Connected pairs, and pairs (follower, followed)."""

    connected: list[Pair]
    follows: list[tuple[str, str]]


def plan_connections(
    members: Collection[MemberText], posts: Iterable[PostText], texts: ConnectionTexts, rng: random.Random
) -> PlannedConnections:
    """Return the connections that `texts` name, those that `posts` for connections need, and random others."""
    posts = list(posts)
    complete = {name: set(row["circle"]) for name, row in texts.by_member.items() if "circle" in row}
    closed = {frozenset((row["inviter"], row["invitee"])) for row in texts.invitations}
    closed |= {
        frozenset((name, other))
        for name, row in texts.by_member.items()
        for other in row.get("stranger_to", [])
    }
    connected = {frozenset((name, other)) for name, known in complete.items() for other in known}
    connected |= {
        frozenset((name, other)) for name, row in texts.by_member.items() for other in row.get("knows", [])
    }
    connected |= {pair for post in posts if post.audience == "connections" for pair in _talking_pairs(post)}
    talking = {pair for post in posts for pair in _talking_pairs(post)}
    outgoing = {member.username: rng.uniform(0.5, 1.5) for member in members}
    for one, two in combinations(members, 2):
        pair = frozenset((one.username, two.username))
        chance = CHANCE_AT_WORK if one.world == two.world else CHANCE
        chance = (
            (chance + CHANCE_IN_THREAD * (pair in talking)) * outgoing[one.username] * outgoing[two.username]
        )
        if rng.random() < chance and not pair & {*complete, ADMINISTRATOR} and pair not in closed:
            connected.add(pair)
    follows = _plan_follows(members, posts, texts, connected | closed, rng)
    return PlannedConnections(sorted(connected, key=sorted), follows)


def _talking_pairs(post: PostText) -> Iterable[Pair]:
    return (
        frozenset((post.author, comment.author))
        for comment in post.all_comments()
        if comment.author != post.author
    )


def _plan_follows(
    members: Collection[MemberText],
    posts: list[PostText],
    texts: ConnectionTexts,
    excluded: Collection[Pair],
    rng: random.Random,
) -> list[tuple[str, str]]:
    """Let every member follow a few frequent authors, and most the administrator."""
    writes = Counter(post.author for post in posts)
    names, weights = [*writes], [*writes.values()]
    follows = {(name, other) for name, row in texts.by_member.items() for other in row.get("follows", [])}
    for member in members:
        me = member.username
        if "follows" in texts.by_member.get(me, {}):
            continue
        others = {
            *rng.choices(names, weights, k=rng.randint(1, 5)),
            *([ADMINISTRATOR] * (rng.random() < FOLLOW_THE_OFFICE)),
        }
        follows |= {(me, other) for other in others if other != me and frozenset((me, other)) not in excluded}
    return sorted(follows)


def create_connections(
    planned: PlannedConnections,
    texts: ConnectionTexts,
    members: Mapping[str, User],
    joined: Mapping[str, datetime],
    *,
    now: datetime,
    rng: random.Random,
    log: Callable[[str], None],
) -> None:
    """Invite, accept and follow in the order of time, and set the dates afterwards."""
    connections = []
    for at, pair in _with_times(planned.connected, joined, now, rng):
        one, two = (members[name] for name in rng.sample(sorted(pair), 2))
        row = services.accept_invitation(connection=services.invite_member(inviter=one, invitee=two), by=two)
        row.connected_at, row.invited_at = at, at - timedelta(hours=rng.expovariate(1 / 20))
        connections.append(row)
    Connection.objects.bulk_update(connections, ["connected_at", "invited_at"], batch_size=100)
    times = {}
    for at, (follower, followed) in _with_times(planned.follows, joined, now, rng):
        services.follow_member(follower=members[follower], followed=members[followed])
        times[members[follower].pk, members[followed].pk] = at
    follows = list(Follow.objects.filter(follower__in=members.values(), followed__in=members.values()))
    for follow in follows:
        follow.created_at = times[follow.follower_id, follow.followed_id]
    Follow.objects.bulk_update(follows, ["created_at"], batch_size=100)
    for text in texts.invitations:
        inviter, invitee = members[text["inviter"]], members[text["invitee"]]
        services.invite_member(inviter=inviter, invitee=invitee, note=text.get("note", ""))
    waiting = list(
        Connection.objects.filter(state=Connection.State.INVITED, inviter__in=members.values()).order_by("pk")
    )
    for index, invitation in enumerate(reversed(waiting)):
        invitation.invited_at = now - timedelta(hours=5 + 19 * index)
    Connection.objects.bulk_update(waiting, ["invited_at"])
    log(
        f"{len(planned.connected)} connections, {len(planned.follows)} follows, {len(waiting)} invitations that wait."
    )


def _with_times(
    pairs: Iterable[Names], joined: Mapping[str, datetime], now: datetime, rng: random.Random
) -> list[tuple[datetime, Names]]:
    """Return `pairs` in the order of time: each gets a moment after both have joined, more often early than late."""
    dated = []
    for pair in pairs:
        start = max(joined[name] for name in pair)
        dated.append((start + (now - start) * rng.random() ** 2 * 0.97, pair))
    return sorted(dated, key=lambda item: item[0])
