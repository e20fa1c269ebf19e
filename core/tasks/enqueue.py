"""Adds a task to the table, in the caller's transaction, and starts it after the commit."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from . import thread
from .registry import find_task

# How long a task that was handed to a broker is left to it. When the broker loses it, the relay hands it over again.
HANDOVER = timedelta(seconds=30)
EXECUTORS = {
    "celery": "core.tasks.broker.send_task",
    "thread": "core.tasks.thread.submit_task",
    "immediate": "core.tasks.execution.execute_now",
}
# Raw SQL, since the ORM takes longer to build this statement than the database takes to execute it. The columns
# that are not here have the defaults of a new row.
INSERT = """
INSERT INTO core_queuedtask
  (name, arguments, version, key, state, due_at, lease_until, leased_by, attempts, last_error, created_at)
VALUES (%s, %s, %s, %s, 'waiting', %s, %s, '', 0, '', %s)
ON CONFLICT DO NOTHING RETURNING id
"""


def enqueue_on_commit(
    name: str, *, key: str | None = None, due_at: datetime | None = None, **values: Any
) -> None:
    """Execute the task `name` with `values` once the surrounding transaction has committed, never if it rolls back.

    It is stored with one INSERT, and executed at `due_at` or as soon as possible. While a task with the same `key`
    waits for its first attempt, nothing is added; a transaction that adds the same key waits until this one ends, so a
    key should name one thing, such as a member. Exceptions of the task do not reach the caller (core.tasks.execution).

    Raises TypeError unless JSON can represent `values` (ids, text, numbers, lists, dicts), and LookupError for an
    unknown name.
    """
    definition = find_task(name)
    if definition is None:
        raise LookupError(f"no task is called {name!r}")
    connection = transaction.get_connection()
    now = timezone.now()
    due_at = due_at or now
    is_due = due_at <= now
    adapt = connection.ops.adapt_datetimefield_value
    is_handed_over = is_due and settings.TASK_EXECUTOR == "celery"
    lease = adapt(now + HANDOVER) if is_handed_over else None
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT, [name, json.dumps(values), definition.version, key, adapt(due_at), lease, adapt(now)]
        )
        rows = cursor.fetchall()
    if rows and is_due:
        row_id = int(rows[0][0])

        def start() -> None:
            start_task(row_id, name)

        transaction.on_commit(start, robust=True)


def start_task(row_id: int, name: str) -> None:
    """Hand the row of a committed task to the executor of the settings."""
    find_executor(settings.TASK_EXECUTOR)(row_id, name)


def prepare_executor() -> None:
    """Load the executor before the first task needs it; start the thread, which may find tasks in the table."""
    find_executor(settings.TASK_EXECUTOR)
    if settings.TASK_EXECUTOR == "thread":
        thread.task_thread.start()


@cache
def find_executor(executor: str) -> Callable[[int, str], object]:
    """Return the function that hands a row over. Celery is imported only where it is used: it takes 20 MB."""
    found: Callable[[int, str], object] = import_string(EXECUTORS[executor])
    return found
