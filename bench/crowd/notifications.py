"""Creates notifications about reactions to and comments on some posts."""

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

NOTIFIED_SHARE = 0.25


@dataclass(frozen=True)
class Act:
    """A reaction or comment; `source` is its row, under the name of the field of Activity."""

    at: datetime
    post_id: int
    kind: Kind
    actor_id: int
    source: dict[str, Reaction | Comment]


def create_notifications(
    posts: Sequence[Post], reactions: Sequence[Reaction], comments: Sequence[Comment], rng: random.Random
) -> None:
    """Notify the authors of some of `posts`, once for each kind, as notifications.services does."""
    notified = {post.pk: post for post in posts if rng.random() < NOTIFIED_SHARE}
    activities = [
        *(Act(row.created_at, row.post_id, Kind.REACTION, row.member_id, {"reaction": row}) for row in reactions),
        *(Act(row.created_at, row.post_id, Kind.COMMENT, row.author_id, {"comment": row}) for row in comments),
    ]  # fmt: skip
    delivered = [
        activity
        for activity in activities
        if activity.post_id in notified and activity.actor_id != notified[activity.post_id].author_id
    ]
    delivered.sort(key=attrgetter("at"))
    notifications: dict[tuple[int, Kind], Notification] = {}
    for activity in delivered:
        notification = notifications.setdefault(
            (activity.post_id, activity.kind), _create_notification(notified[activity.post_id], activity)
        )
        notification.latest_at = activity.at
        notification.read_at = activity.at if activity.at < timezone.now() - UNREAD else None
    Notification.objects.bulk_create(notifications.values())
    Activity.objects.bulk_create(
        [
            Activity(
                notification=notifications[activity.post_id, activity.kind],
                actor_id=activity.actor_id,
                created_at=activity.at,
                **activity.source,
            )
            for activity in delivered
        ]
    )
    latest = Activity.objects.filter(notification=OuterRef("pk")).values("notification")
    Notification.objects.filter(pk__in=[notification.pk for notification in notifications.values()]).update(
        sort_key=Subquery(latest.annotate(last=Max("pk")).values("last"))
    )


def _create_notification(post: Post, first: Act) -> Notification:
    return Notification(
        recipient_id=post.author_id,
        kind=first.kind,
        key=f"post:{post.pk}",
        post=post,
        created_at=first.at,
        latest_at=first.at,
    )
