"""Plans the activity of the demo network: who does what and when, in its sixty days."""

import random
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from feed.models import Reaction

from .content import CommentText, MemberText, PostText

DAYS = 60
# Members write by day, and less at weekends: the share of what is written on a working day at noon.
AT_NIGHT, AT_WEEKENDS = 0.2, 0.4
# The age of the latest posts in hours, whatever the day of the week, so that there are always recent ones.
LATEST = (0.6, 2.1, 4.8, 8.5, 13.2, 19.7)
# The time since the last activity.
QUIET = timedelta(minutes=12)
LONGEST_LIST_OF_REACTIONS = 42


@dataclass(frozen=True)
class Publish:
    """A member posts or reposts."""

    at: datetime
    post: PostText


@dataclass(frozen=True)
class Rewrite:
    """The author edits a post."""

    at: datetime
    post: PostText


@dataclass(frozen=True)
class WriteComment:
    """A member comments on a post, or replies to a comment."""

    at: datetime
    post: PostText
    comment: CommentText
    parent: CommentText | None


@dataclass(frozen=True)
class React:
    """A member reacts to a post."""

    at: datetime
    post: PostText
    member: str
    kind: Reaction.Kind


Act = Publish | Rewrite | WriteComment | React
Pair = frozenset[str]


def plan_acts(decks: Sequence[list[PostText]], now: datetime, rng: random.Random) -> list[Act]:
    """Plan all posts, edits and comments in the order of time; each deck keeps its order."""
    # The decks are merged evenly, as if all of them covered the same days.
    placed = sorted(
        ((index + rng.random()) / len(deck), number, index)
        for number, deck in enumerate(decks)
        for index in range(len(deck))
    )
    posts = [decks[number][index] for _share, number, index in placed]
    acts: list[Act] = []
    # The latest posts have given times, the others random ones: fewer at night and at weekends.
    times = [now - timedelta(hours=hours * rng.uniform(0.9, 1.1)) for hours in LATEST[: len(posts)]]
    while len(times) < len(posts):
        at = now - timedelta(days=rng.uniform(1, DAYS))
        likely = (1 if at.weekday() < 5 else AT_WEEKENDS) * (1 if 6 <= at.hour < 22 else AT_NIGHT)
        if rng.random() < likely:
            times.append(at)
    for post, at in zip(posts, sorted(times), strict=True):
        acts.append(Publish(at, post))
        if post.former:
            acts.append(Rewrite(at + min(timedelta(minutes=38), (now - at) / 2), post))
        acts += _plan_comments(post, at, now, rng)
    return sorted(acts, key=lambda act: act.at)


def plan_reactions(
    acts: Iterable[Act],
    members: Collection[MemberText],
    connected: Collection[Pair],
    now: datetime,
    rng: random.Random,
) -> list[Act]:
    """Plan the reactions: members react mostly to their connections, and only to what they may read."""
    usernames = [member.username for member in members if not member.newcomer]
    planned: list[Act] = []
    for act in acts:
        if not isinstance(act, Publish) or (act.post.repost and not act.post.text):
            continue
        post = act.post
        eligible = [name for name in usernames if name != post.author]
        if post.audience == "connections":
            eligible = [name for name in eligible if frozenset((name, post.author)) in connected]
        wanted = round(rng.lognormvariate(1.3, 0.6)) + len(post.comments)
        # Weighted draw without replacement (Efraimidis and Spirakis, 2006); connections are four times as likely.
        weights = [4.0 if frozenset((name, post.author)) in connected else 1.0 for name in eligible]
        lots = {name: rng.random() ** (1 / weight) for name, weight in zip(eligible, weights, strict=True)}
        ranked = sorted(eligible, key=lots.__getitem__, reverse=True)
        for member in ranked[: min(wanted, LONGEST_LIST_OF_REACTIONS)]:
            at = act.at + timedelta(hours=rng.expovariate(1 / 9), minutes=1)
            if at >= now:
                at = act.at + (now - act.at) * rng.random()
            lot = rng.random()
            kind = Reaction.Kind(post.mood) if lot < 0.5 else Reaction.Kind.LIKE
            if lot >= 0.88:
                kind = rng.choice(list(Reaction.Kind))
            planned.append(React(at, post, member, kind))
    return planned


def plan_joining_times(
    members: Collection[MemberText], acts: Iterable[Act], now: datetime, rng: random.Random
) -> dict[str, datetime]:
    """Plan when each member joined: within the last year or so, newcomers a few days before their first post."""
    first: dict[str, datetime] = {}
    for act in acts:
        if isinstance(act, Publish | WriteComment):
            first.setdefault(act.comment.author if isinstance(act, WriteComment) else act.post.author, act.at)
    return {
        member.username: first.get(member.username, now) - timedelta(days=6)
        if member.newcomer
        else now - timedelta(days=rng.uniform(DAYS + 20, 425))
        for member in members
    }


def _plan_comments(
    post: PostText, start: datetime, now: datetime, rng: random.Random
) -> Iterator[WriteComment]:
    at, end = start, now - QUIET / 2
    planned: list[tuple[datetime, CommentText, CommentText | None]] = []
    for comment in post.comments:
        at += timedelta(minutes=rng.expovariate(1 / 190) + 4)
        planned.append((at, comment, None))
        answered = at
        for reply in comment.replies:
            answered += timedelta(minutes=rng.expovariate(1 / 70) + 3)
            planned.append((answered, reply, comment))
    latest = max((moment for moment, _comment, _parent in planned), default=start)
    pace = min(1.0, (end - start) / (latest - start)) if latest > start else 1.0
    for moment, comment, parent in planned:
        yield WriteComment(start + (moment - start) * pace, post, comment, parent)
