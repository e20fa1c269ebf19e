"""Dates the notifications of the demo network by what they report."""

from datetime import datetime, timedelta

from notifications.models import Activity, Notification

# Older ones were read.
UNREAD = timedelta(days=2)
BATCH = 500


def date_notifications(now: datetime) -> None:
    """Date every activity as its source, order the notifications by it, and mark the older ones as read."""
    sources = ("notification__post", "reaction", "comment", "shared", "connection", "follow")
    activities = list(Activity.objects.select_related(*sources))
    latest: dict[int, datetime] = {}
    for activity in activities:
        done = activity.reaction or activity.comment or activity.shared or activity.follow
        done = done or activity.notification.post
        if activity.connection:
            activity.created_at = activity.connection.connected_at or activity.connection.invited_at
        elif done:
            activity.created_at = done.created_at
        former = latest.get(activity.notification_id, activity.created_at)
        latest[activity.notification_id] = max(former, activity.created_at)
    Activity.objects.bulk_update(activities, ["created_at"], batch_size=BATCH)
    rows = sorted(Notification.objects.in_bulk(latest).values(), key=lambda row: (latest[row.pk], row.pk))
    for number, row in enumerate(rows, 1):
        row.sort_key, row.created_at, row.latest_at = number, latest[row.pk], latest[row.pk]
        row.read_at = latest[row.pk] if latest[row.pk] < now - UNREAD else None
    fields = ["sort_key", "created_at", "latest_at", "read_at"]
    Notification.objects.bulk_update(rows, fields, batch_size=BATCH)
