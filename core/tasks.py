"""Background tasks, enqueued by name, after commit, with plain values only.

A thread of this process runs the tasks (core.task_thread). Queued tasks are lost when the process ends; so the work
itself is stored in a table, which a task marked `when_idle` reads as well.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import transaction

from .database.db_errors import is_outage
from .task_thread import TaskThread

logger = logging.getLogger(__name__)

Task = Callable[..., None]

_tasks: dict[str, Task] = {}
_idle_tasks: list[str] = []


def task(name: str, *, when_idle: bool = False) -> Callable[[Task], Task]:
    """Register the decorated function as the task `name` ("app.verb"). Raises ValueError for a duplicate name.

    With `when_idle` it also runs, without values, whenever the task thread has been idle for some seconds.
    """

    def register(function: Task) -> Task:
        if name in _tasks:
            raise ValueError(f"the task {name!r} is registered twice")
        _tasks[name] = function
        if when_idle:
            _idle_tasks.append(name)
        return function

    return register


def enqueue_on_commit(name: str, **values: Any) -> None:
    """Run the task `name` with `values` once the surrounding transaction has committed, never if it rolls back.

    Raises TypeError unless JSON can represent `values` (ids, text, numbers, lists, dicts), and LookupError for an
    unknown name. Exceptions of the task are logged and not raised, since the change is already stored. The caller does
    not wait for the task, unless TASKS_IN_THREAD is off.
    """
    if name not in _tasks:
        raise LookupError(f"no task is called {name!r}")
    payload = json.dumps(values)

    def run() -> None:
        run_task(name, payload)

    def submit_or_run() -> None:
        if not settings.TASKS_IN_THREAD:
            run()
        elif not thread.submit(run):
            logger.warning("task %s was dropped: too many wait; it runs later", name)

    transaction.on_commit(submit_or_run, robust=True)


def run_task(name: str, payload: str) -> None:
    """Run the task `name` with the JSON object `payload`; log exceptions instead of raising them."""
    try:
        _tasks[name](**json.loads(payload))
    except Exception:
        logger.exception("task %s failed", name)


def start_thread() -> None:
    """Start the task thread, so that it finds work that an earlier process left in the tables."""
    if settings.TASKS_IN_THREAD:
        thread.start()


def _run_idle_tasks() -> None:
    for name in _idle_tasks:
        try:
            _tasks[name]()
        except Exception as error:
            # Requests log the outage already; this would repeat it every few seconds.
            if not is_outage(error):
                logger.exception("task %s failed", name)


thread = TaskThread(_run_idle_tasks)
