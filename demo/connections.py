"""Ties the members of the demo network: who is connected, who follows whom, which invitations wait."""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations

from network import services
from network.models import Connection, Follow
from users.models import User

from .content import MemberText, PostText, TieTexts
from .people import ADMINISTRATOR

Pair = frozenset[str]

# How likely two members know each other: any two, two of one world, two who talk to each other.
LIKELY, LIKELY_AT_WORK, LIKELY_IN_TALK = 0.07, 0.2, 0.35
FOLLOW_THE_OFFICE = 0.7


@dataclass(frozen=True)
class Ties:
    """Pairs who are connected, and (follower, followed)."""

    connected: list[Pair]
    follows: list[tuple[str, str]]


def planned(
    members: Collection[MemberText], posts: Iterable[PostText], texts: TieTexts, dice: random.Random
) -> Ties:
    """The ties that `texts` name, those that `posts` for connections need, and others by lot."""
    posts = list(posts)
    circles = {name: set(tie["circle"]) for name, tie in texts.of.items() if "circle" in tie}
    closed = {frozenset((row["inviter"], row["invitee"])) for row in texts.invitations}
    closed |= {
        frozenset((name, other)) for name, tie in texts.of.items() for other in tie.get("stranger_to", [])
    }
    connected = {frozenset((name, other)) for name, circle in circles.items() for other in circle}
    connected |= {
        frozenset((name, other)) for name, tie in texts.of.items() for other in tie.get("knows", [])
    }
    connected |= {pair for post in posts if post.audience == "connections" for pair in _talks(post)}
    talks = {pair for post in posts for pair in _talks(post)}
    outgoing = {member.username: dice.uniform(0.5, 1.5) for member in members}
    for one, two in combinations(members, 2):
        pair = frozenset((one.username, two.username))
        likely = LIKELY_AT_WORK if one.world == two.world else LIKELY
        likely = (likely + LIKELY_IN_TALK * (pair in talks)) * outgoing[one.username] * outgoing[two.username]
        if dice.random() < likely and not pair & {*circles, ADMINISTRATOR} and pair not in closed:
            connected.add(pair)
    follows = _follows(members, posts, texts, connected | closed, dice)
    return Ties(sorted(connected, key=sorted), follows)


def _talks(post: PostText) -> Iterable[Pair]:
    return (frozenset((post.author, said.author)) for said in post.voices() if said.author != post.author)


def _follows(
    members: Collection[MemberText],
    posts: list[PostText],
    texts: TieTexts,
    tied: Collection[Pair],
    dice: random.Random,
) -> list[tuple[str, str]]:
    """Everybody follows a few of those who write much, most follow the office."""
    writes = Counter(post.author for post in posts)
    names, weights = [*writes], [*writes.values()]
    follows = {(name, other) for name, tie in texts.of.items() for other in tie.get("follows", [])}
    for member in members:
        me = member.username
        if "follows" in texts.of.get(me, {}):
            continue
        others = {
            *dice.choices(names, weights, k=dice.randint(1, 5)),
            *([ADMINISTRATOR] * (dice.random() < FOLLOW_THE_OFFICE)),
        }
        follows |= {(me, other) for other in others if other != me and frozenset((me, other)) not in tied}
    return sorted(follows)


def make(
    ties: Ties,
    texts: TieTexts,
    members: Mapping[str, User],
    joined: Mapping[str, datetime],
    *,
    now: datetime,
    dice: random.Random,
    say: Callable[[str], None],
) -> None:
    """Let the members invite, accept and follow, in the order of time, and set the dates afterwards."""
    _connect(ties.connected, members, joined, now, dice)
    _follow(ties.follows, members, joined, now, dice)
    for row in texts.invitations:
        services.invite_member(
            inviter=members[row["inviter"]], invitee=members[row["invitee"]], note=row.get("note", "")
        )
    waiting = list(
        Connection.objects.filter(state=Connection.State.INVITED, inviter__in=members.values()).order_by("pk")
    )
    for place, invitation in enumerate(reversed(waiting)):
        invitation.invited_at = now - timedelta(hours=5 + 19 * place)
    Connection.objects.bulk_update(waiting, ["invited_at"])
    say(
        f"{len(ties.connected)} connections, {len(ties.follows)} follows, {len(waiting)} invitations that wait."
    )


def _since(
    names: Iterable[str], joined: Mapping[str, datetime], now: datetime, dice: random.Random
) -> datetime:
    """A moment when all of `names` had joined, rather early than late."""
    start = max(joined[name] for name in names)
    return start + (now - start) * dice.random() ** 2 * 0.97


def _connect(
    pairs: Iterable[Pair],
    members: Mapping[str, User],
    joined: Mapping[str, datetime],
    now: datetime,
    dice: random.Random,
) -> None:
    dated = sorted(
        ((_since(pair, joined, now, dice), sorted(pair)) for pair in pairs), key=lambda item: item[0]
    )
    rows = []
    for at, names in dated:
        one, two = (members[name] for name in dice.sample(names, 2))
        row = services.accept_invitation(connection=services.invite_member(inviter=one, invitee=two), by=two)
        row.connected_at, row.invited_at = at, at - timedelta(hours=dice.expovariate(1 / 20))
        rows.append(row)
    Connection.objects.bulk_update(rows, ["connected_at", "invited_at"], batch_size=100)


def _follow(
    pairs: Iterable[tuple[str, str]],
    members: Mapping[str, User],
    joined: Mapping[str, datetime],
    now: datetime,
    dice: random.Random,
) -> None:
    dated = sorted(((_since(pair, joined, now, dice), pair) for pair in pairs), key=lambda item: item[0])
    when = {}
    for at, (follower, followed) in dated:
        services.follow_member(follower=members[follower], followed=members[followed])
        when[members[follower].pk, members[followed].pk] = at
    rows = list(Follow.objects.filter(follower__in=members.values(), followed__in=members.values()))
    for row in rows:
        row.created_at = when[row.follower_id, row.followed_id]
    Follow.objects.bulk_update(rows, ["created_at"], batch_size=100)
