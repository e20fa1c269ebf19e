"""Work off the request path. A task is started by name, after commit, with plain values only.

A thread of this process runs the tasks (core.task_thread). It is quick, and forgets when the process ends; so a task
says only "look", and what there is to do stands in a table that a task marked `when_idle` reads as well.
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
    """Register the decorated function as the task `name` ("app.verb"); a name taken twice is a ValueError.

    With `when_idle` it also runs, without values, whenever the thread of tasks has had nothing to do for some seconds.
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

    `values` must survive JSON (ids, text, numbers, lists, dicts): TypeError otherwise. An unknown name is a
    LookupError. Both are raised at the call, where the mistake is. What the task itself raises is logged and
    does not reach the caller: the change it follows is already stored. The caller does not wait for the task, unless
    TASKS_IN_THREAD is off.
    """
    if name not in _tasks:
        raise LookupError(f"no task is called {name!r}")
    payload = json.dumps(values)

    def run() -> None:
        run_task(name, payload)

    def hand_over() -> None:
        if not settings.TASKS_IN_THREAD:
            run()
        elif not thread.submit(run):
            logger.warning("task %s was dropped: too many wait; it is done later", name)

    transaction.on_commit(hand_over, robust=True)


def run_task(name: str, payload: str) -> None:
    """Run the task `name` with the JSON object `payload`; what it raises is logged, not raised."""
    try:
        _tasks[name](**json.loads(payload))
    except Exception:
        logger.exception("task %s failed", name)


def start_thread() -> None:
    """Start the thread of tasks, so that it finds what an earlier process left in the tables."""
    if settings.TASKS_IN_THREAD:
        thread.start()


def _run_idle_tasks() -> None:
    for name in _idle_tasks:
        try:
            _tasks[name]()
        except Exception as error:
            # Requests say that the database is away; this would say it every few seconds.
            if not is_outage(error):
                logger.exception("task %s failed", name)


thread = TaskThread(_run_idle_tasks)
