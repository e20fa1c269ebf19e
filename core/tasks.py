"""Work off the request path. A task is started by name, after commit, with plain values only.

For now the work is done in place, right after the commit; a queue takes over behind the same call.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

from django.db import transaction

logger = logging.getLogger(__name__)

Task = Callable[..., None]

_tasks: dict[str, Task] = {}


def task(name: str) -> Callable[[Task], Task]:
    """Register the decorated function as the task `name` ("app.verb"); a name taken twice is a ValueError."""

    def register(function: Task) -> Task:
        if name in _tasks:
            raise ValueError(f"the task {name!r} is registered twice")
        _tasks[name] = function
        return function

    return register


def enqueue_on_commit(name: str, **values: Any) -> None:
    """Run the task `name` with `values` once the surrounding transaction has committed, never if it rolls back.

    `values` must survive JSON (ids, text, numbers, lists, dicts): TypeError otherwise. An unknown name is a
    LookupError. Both are raised at the call, where the mistake is. What the task itself raises is logged and
    does not reach the caller: the change it follows is already stored.
    """
    if name not in _tasks:
        raise LookupError(f"no task is called {name!r}")
    payload = json.dumps(values)

    def run() -> None:
        run_task(name, payload)

    transaction.on_commit(run, robust=True)


def run_task(name: str, payload: str) -> None:
    """Run the task `name` with the JSON object `payload`; what it raises is logged, not raised."""
    try:
        _tasks[name](**json.loads(payload))
    except Exception:
        logger.exception("task %s failed", name)
