"""How background tasks are doing: for metrics and `manage.py doctor`."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Min, Q
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from core.models import QueuedTask, TaskWorker
from core.observability.metrics_views import database_metrics

# A worker notes that it lives every ten seconds (core.tasks.relay).
SEEN_WITHIN = timedelta(seconds=60)


@dataclass(frozen=True)
class TaskCounts:
    """Numbers of tasks by state, the seconds that the oldest due one has waited, and the workers seen lately."""

    waiting: int
    running: int
    scheduled: int
    failed: int
    oldest_due_seconds: float
    workers: int


def count_tasks() -> TaskCounts:
    """Return the present counts."""
    now = timezone.now()
    is_running = ~Q(leased_by="") & Q(lease_until__gt=now)
    counts = QueuedTask.objects.waiting().aggregate(
        waiting=Count("pk", filter=Q(due_at__lte=now) & ~is_running),
        running=Count("pk", filter=is_running),
        scheduled=Count("pk", filter=Q(due_at__gt=now)),
        since=Min("due_at", filter=Q(due_at__lte=now) & ~is_running),
    )
    since = counts.pop("since")
    return TaskCounts(
        **counts,
        failed=QueuedTask.objects.failed().count(),
        oldest_due_seconds=(now - since).total_seconds() if since else 0.0,
        workers=TaskWorker.objects.filter(seen_at__gt=now - SEEN_WITHIN).count(),
    )


@database_metrics.add_query
def task_metrics() -> list[Metric]:
    """Return the number of tasks by state, the age of the oldest due one, and the number of workers."""
    counts = count_tasks()
    states = GaugeMetricFamily("linkup_tasks", "Background tasks in the table.", labels=["state"])
    for state in ("waiting", "running", "scheduled", "failed"):
        states.add_metric([state], getattr(counts, state))
    return [
        states,
        GaugeMetricFamily(
            "linkup_tasks_oldest_due_seconds",
            "How long the oldest due task waits.",
            value=counts.oldest_due_seconds,
        ),
        GaugeMetricFamily("linkup_task_workers", "Workers seen within a minute.", value=counts.workers),
    ]
