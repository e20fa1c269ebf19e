"""What the crowd is told: of the reactions to and comments on some of its posts."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from django.db.models import Max, OuterRef, Subquery
from django.utils import timezone

from demo.notifications import UNREAD
from feed.models import Comment, Post, Reaction
from notifications.kinds import Kind
from notifications.models import Activity, Notification

TOLD = 0.25


@dataclass(frozen=True)
class Deed:
    """What somebody did with a post; `source` is the row that makes it true."""

    at: datetime
    post_id: int
    kind: Kind
    actor_id: int
    source: dict[str, Reaction | Comment]


def tell_some(
    posts: Sequence[Post], reactions: Sequence[Reaction], comments: Sequence[Comment], dice: random.Random
) -> None:
    """Tell the authors of some of `posts` what came back, one line for each kind, as notifications.services does."""
    told = {post.pk: post for post in posts if dice.random() < TOLD}
    deeds = [
        *(Deed(row.created_at, row.post_id, Kind.REACTION, row.member_id, {"reaction": row}) for row in reactions),
        *(Deed(row.created_at, row.post_id, Kind.COMMENT, row.author_id, {"comment": row}) for row in comments),
    ]  # fmt: skip
    heard = [deed for deed in deeds if deed.post_id in told and deed.actor_id != told[deed.post_id].author_id]
    heard.sort(key=attrgetter("at"))
    lines: dict[tuple[int, Kind], Notification] = {}
    for deed in heard:
        line = lines.setdefault((deed.post_id, deed.kind), _line(told[deed.post_id], deed))
        line.latest_at = deed.at
        line.read_at = deed.at if deed.at < timezone.now() - UNREAD else None
    Notification.objects.bulk_create(lines.values())
    Activity.objects.bulk_create(
        [
            Activity(
                notification=lines[deed.post_id, deed.kind],
                actor_id=deed.actor_id,
                created_at=deed.at,
                **deed.source,
            )
            for deed in heard
        ]
    )
    latest = Activity.objects.filter(notification=OuterRef("pk")).values("notification")
    Notification.objects.filter(pk__in=[line.pk for line in lines.values()]).update(
        sort_key=Subquery(latest.annotate(last=Max("pk")).values("last"))
    )


def _line(post: Post, first: Deed) -> Notification:
    return Notification(
        recipient_id=post.author_id,
        kind=first.kind,
        key=f"post:{post.pk}",
        post=post,
        created_at=first.at,
        latest_at=first.at,
    )
