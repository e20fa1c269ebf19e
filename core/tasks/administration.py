"""What operators do with tasks: `manage.py jobs` and the admin page."""

from collections.abc import Collection
from datetime import datetime

from django.utils import timezone

from core.models import QueuedTask, QueuedTaskQuerySet


def describe_state(row: QueuedTask, now: datetime) -> str:
    """Return `failed`, `running`, `waiting` (due, and nobody has begun) or `scheduled` (due later)."""
    if row.state == QueuedTask.State.FAILED:
        return "failed"
    if row.leased_by and row.lease_until and row.lease_until > now:
        return "running"
    return "waiting" if row.due_at <= now else "scheduled"


def retry_tasks(ids: Collection[int]) -> int:
    """Let the tasks be executed as soon as possible, with all attempts again; return how many.

    Those that are being executed are left out.
    """
    now = timezone.now()
    return _not_running(ids, now).update(
        state=QueuedTask.State.WAITING, due_at=now, attempts=0, lease_until=None, leased_by=""
    )


def drop_tasks(ids: Collection[int]) -> int:
    """Delete the tasks, whose work is not done; return how many. Those that are being executed are left out."""
    return _not_running(ids, timezone.now()).delete()[0]


def _not_running(ids: Collection[int], now: datetime) -> QueuedTaskQuerySet:
    running = QueuedTask.objects.running(now).values("pk")
    return QueuedTask.objects.filter(pk__in=ids).exclude(pk__in=running)
