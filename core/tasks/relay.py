"""Finds due tasks that no executor has: those of the future, failed ones, and those that a broker or a process lost."""

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from core.models import QueuedTask, TaskWorker

from .registry import list_periodic

# Seconds between two looks at whether all periodic tasks have their row.
ENSURE_EVERY = 60.0
# Seconds between two notes that this worker lives, and how long the note of an ended one is kept.
NOTE_EVERY = 10.0
FORGET_AFTER = timedelta(days=1)

_next_ensure = 0.0
_next_note = 0.0


def find_due(limit: int) -> list[int]:
    """Return the ids of at most `limit` due tasks that no attempt and no broker has, the oldest first."""
    due = QueuedTask.objects.available(timezone.now()).order_by("due_at", "pk")
    return list(due.values_list("pk", flat=True)[:limit])


def lease_due(limit: int, lease: timedelta) -> list[int]:
    """Lease at most `limit` due tasks to a broker, and return their ids; no two relays get the same one."""
    if not find_due(1):
        return []
    with transaction.atomic():
        now = timezone.now()
        due = QueuedTask.objects.available(now).order_by("due_at", "pk").select_for_update(skip_locked=True)
        ids = list(due.values_list("pk", flat=True)[:limit])
        QueuedTask.objects.filter(pk__in=ids).update(lease_until=now + lease, leased_by="")
    return ids


def ensure_periodic_tasks() -> None:
    """Add the rows of periodic tasks that have none; looks at most once in ENSURE_EVERY seconds."""
    global _next_ensure  # noqa: PLW0603 -- one clock for each process
    if time.monotonic() < _next_ensure:
        return
    add_periodic_tasks(timezone.now())
    _next_ensure = time.monotonic() + ENSURE_EVERY


def add_periodic_tasks(now: datetime) -> None:
    """Add the rows of periodic tasks that have none. Several hosts may do so at once: the key is unique."""
    tasks = {definition.periodic_key: definition for definition in list_periodic()}
    known = QueuedTask.objects.filter(key__in=tasks).values_list("key", flat=True)
    missing = [tasks[key] for key in tasks.keys() - set(known)]
    rows = [
        QueuedTask(name=task.name, arguments="{}", key=task.periodic_key, due_at=task.next_due(now))
        for task in missing
    ]
    QueuedTask.objects.bulk_create(rows, ignore_conflicts=True)


def note_worker(name: str) -> None:
    """Store that the worker `name` has consumed a message, at most once in NOTE_EVERY seconds."""
    global _next_note  # noqa: PLW0603 -- one clock for each process
    if time.monotonic() < _next_note:
        return
    now = timezone.now()
    TaskWorker.objects.update_or_create(name=name[:100], defaults={"seen_at": now})
    TaskWorker.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()
    _next_note = time.monotonic() + NOTE_EVERY
