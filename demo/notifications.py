"""Dates the notifications of the demo network by the activities that they report."""

from datetime import datetime, timedelta

from notifications.models import Fact, Notification

# Older ones were read.
UNREAD = timedelta(days=2)
BATCH = 500


def date_notifications(now: datetime) -> None:
    """Give every fact the time of its activity, order the notifications by it, and mark the older ones as read."""
    sources = ("notification__post", "reaction", "comment", "shared", "connection", "follow")
    facts = list(Fact.objects.select_related(*sources))
    latest: dict[int, datetime] = {}
    for fact in facts:
        done = fact.reaction or fact.comment or fact.shared or fact.follow or fact.notification.post
        if fact.connection:
            fact.created_at = fact.connection.connected_at or fact.connection.invited_at
        elif done:
            fact.created_at = done.created_at
        latest[fact.notification_id] = max(latest.get(fact.notification_id, fact.created_at), fact.created_at)
    Fact.objects.bulk_update(facts, ["created_at"], batch_size=BATCH)
    rows = sorted(Notification.objects.in_bulk(latest).values(), key=lambda row: (latest[row.pk], row.pk))
    for number, row in enumerate(rows, 1):
        row.place, row.created_at, row.latest_at = number, latest[row.pk], latest[row.pk]
        row.read_at = latest[row.pk] if latest[row.pk] < now - UNREAD else None
    fields = ["place", "created_at", "latest_at", "read_at"]
    Notification.objects.bulk_update(rows, fields, batch_size=BATCH)
