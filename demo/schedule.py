"""Who does what and when, in the sixty days that the demo network looks back on."""

import random
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from feed.models import Reaction

from .content import CommentText, MemberText, PostText

DAYS = 60
# People write by day, and less at weekends: the share of what is written on a working day at noon.
AT_NIGHT, AT_WEEKENDS = 0.2, 0.4
# So many hours ago the latest posts were written, whatever the day of the week, so that there is always news.
LATEST = (0.6, 2.1, 4.8, 8.5, 13.2, 19.7)
# The last thing happened so long ago.
QUIET = timedelta(minutes=12)
LONGEST_LIST_OF_REACTIONS = 42


@dataclass(frozen=True)
class Publish:
    """Somebody posts, or passes a post on."""

    at: datetime
    post: PostText


@dataclass(frozen=True)
class Rewrite:
    """The author mends the words of a post."""

    at: datetime
    post: PostText


@dataclass(frozen=True)
class Say:
    """Somebody comments on a post, or replies to a comment."""

    at: datetime
    post: PostText
    comment: CommentText
    parent: CommentText | None


@dataclass(frozen=True)
class React:
    """Somebody reacts to a post."""

    at: datetime
    post: PostText
    member: str
    kind: Reaction.Kind


Act = Publish | Rewrite | Say | React
Pair = frozenset[str]


def written(decks: Iterable[list[PostText]], now: datetime, dice: random.Random) -> list[Act]:
    """All posts, edits and comments in the order of time; each post comes after those before it in its deck."""
    posts = list(_side_by_side(decks, dice))
    acts: list[Act] = []
    for post, at in zip(posts, _times(len(posts), now, dice), strict=True):
        acts.append(Publish(at, post))
        if post.former:
            acts.append(Rewrite(at + min(timedelta(minutes=38), (now - at) / 2), post))
        acts += _conversation(post, at, now, dice)
    return sorted(acts, key=lambda act: act.at)


def reactions(
    acts: Iterable[Act],
    members: Collection[MemberText],
    connected: Collection[Pair],
    now: datetime,
    dice: random.Random,
) -> list[Act]:
    """How the members react to what was published: most to those they know, and only to what they may read."""
    old_hands = [member.username for member in members if not member.newcomer]
    return [
        React(_soon_after(act.at, now, dice), act.post, member, _kind(act.post, dice))
        for act in acts
        if isinstance(act, Publish) and (act.post.text or not act.post.repost)
        for member in _readers(act.post, old_hands, connected, dice)
    ]


def joining_times(
    members: Collection[MemberText], acts: Iterable[Act], now: datetime, dice: random.Random
) -> dict[str, datetime]:
    """When each member joined: within the last year or so, newcomers a few days before their first word."""
    first: dict[str, datetime] = {}
    for act in acts:
        if isinstance(act, Publish | Say):
            first.setdefault(act.comment.author if isinstance(act, Say) else act.post.author, act.at)
    return {
        member.username: first.get(member.username, now) - timedelta(days=6)
        if member.newcomer
        else now - timedelta(days=dice.uniform(DAYS + 20, 425))
        for member in members
    }


def _side_by_side(decks: Iterable[list[PostText]], dice: random.Random) -> Iterator[PostText]:
    """The decks merged evenly, as if all of them ran through the same days."""
    placed = [
        ((index + dice.random()) / len(deck), number, post)
        for number, deck in enumerate(decks)
        for index, post in enumerate(deck)
    ]
    return (post for _place, _number, post in sorted(placed, key=lambda item: item[:2]))


def _times(count: int, now: datetime, dice: random.Random) -> list[datetime]:
    found = [now - timedelta(hours=hours * dice.uniform(0.9, 1.1)) for hours in LATEST[:count]]
    while len(found) < count:
        at = now - timedelta(days=dice.uniform(1, DAYS))
        likely = (1 if at.weekday() < 5 else AT_WEEKENDS) * (1 if 6 <= at.hour < 22 else AT_NIGHT)
        if dice.random() < likely:
            found.append(at)
    return sorted(found)


def _conversation(post: PostText, start: datetime, now: datetime, dice: random.Random) -> Iterator[Say]:
    at, end = start, now - QUIET / 2
    planned: list[tuple[datetime, CommentText, CommentText | None]] = []
    for comment in post.comments:
        at += timedelta(minutes=dice.expovariate(1 / 190) + 4)
        planned.append((at, comment, None))
        answered = at
        for reply in comment.replies:
            answered += timedelta(minutes=dice.expovariate(1 / 70) + 3)
            planned.append((answered, reply, comment))
    latest = max((moment for moment, _comment, _parent in planned), default=start)
    pace = min(1.0, (end - start) / (latest - start)) if latest > start else 1.0
    for moment, comment, parent in planned:
        yield Say(start + (moment - start) * pace, post, comment, parent)


def _soon_after(start: datetime, now: datetime, dice: random.Random) -> datetime:
    later = start + timedelta(hours=dice.expovariate(1 / 9), minutes=1)
    return later if later < now else start + (now - start) * dice.random()


def _readers(
    post: PostText, members: Iterable[str], connected: Collection[Pair], dice: random.Random
) -> Iterator[str]:
    """Some of those who may read `post`, without doubles; friends are four times as likely."""
    eligible = [name for name in members if name != post.author]
    if post.audience == "connections":
        eligible = [name for name in eligible if frozenset((name, post.author)) in connected]
    wanted = round(dice.lognormvariate(1.3, 0.6)) + len(post.comments)
    weight = {name: 4.0 if frozenset((name, post.author)) in connected else 1.0 for name in eligible}
    # Weighted draw without replacement (Efraimidis and Spirakis, 2006).
    ranked = sorted(eligible, key=lambda name: dice.random() ** (1 / weight[name]), reverse=True)
    return iter(ranked[: min(wanted, LONGEST_LIST_OF_REACTIONS)])


def _kind(post: PostText, dice: random.Random) -> Reaction.Kind:
    lot = dice.random()
    if lot < 0.5:
        return Reaction.Kind(post.mood)
    return Reaction.Kind.LIKE if lot < 0.88 else dice.choice(list(Reaction.Kind))
