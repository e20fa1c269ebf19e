"""Dates the notifications of the demo network by what they tell of."""

from datetime import datetime, timedelta

from notifications.models import Fact, Notification

# What is older was read.
UNREAD = timedelta(days=2)
BATCH = 500


def date_notifications(now: datetime) -> None:
    """Give every fact the time of what was done, and put the notifications in that order; the older ones are read."""
    sources = ("notification__post", "reaction", "comment", "shared", "connection", "follow")
    facts = list(Fact.objects.select_related(*sources))
    latest: dict[int, datetime] = {}
    for fact in facts:
        fact.created_at = _time_of(fact) or fact.created_at
        latest[fact.notification_id] = max(latest.get(fact.notification_id, fact.created_at), fact.created_at)
    Fact.objects.bulk_update(facts, ["created_at"], batch_size=BATCH)
    rows = sorted(Notification.objects.in_bulk(latest).values(), key=lambda row: (latest[row.pk], row.pk))
    for place, row in enumerate(rows, 1):
        row.place, row.created_at, row.latest_at = place, latest[row.pk], latest[row.pk]
        row.read_at = latest[row.pk] if latest[row.pk] < now - UNREAD else None
    fields = ["place", "created_at", "latest_at", "read_at"]
    Notification.objects.bulk_update(rows, fields, batch_size=BATCH)


def _time_of(fact: Fact) -> datetime | None:
    """When that was done which the fact tells of."""
    tie = fact.connection
    if tie:
        return tie.connected_at or tie.invited_at
    done = fact.reaction or fact.comment or fact.shared or fact.follow or fact.notification.post
    return done.created_at if done else None
