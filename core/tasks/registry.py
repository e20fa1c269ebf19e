"""The tasks of all apps, by name, with their limits and periods."""

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from core.models import QueuedTask

TaskFunction = Callable[..., None]

# A killed task runs again when its lease has expired, 40 s after it started unless the task says otherwise.
DEFAULT_SECONDS = 30
# Celery raises SoftTimeLimitExceeded after `seconds`, and kills the process HARD_MARGIN later. The lease ends after
# that, so that no second attempt starts while the first one may still run.
HARD_MARGIN = 5
LEASE_MARGIN = 5
# Less than Celery's visibility timeout (core.tasks.celery_app).
MAX_SECONDS = 6 * 3600
DEFAULT_ATTEMPTS = 8
MIDNIGHT = datetime(2000, 1, 1, tzinfo=timezone.get_fixed_timezone(0))


class UnfitArgumentsError(Exception):
    """The row has another version, or other arguments, than the task of this code."""


@dataclass(frozen=True)
class TaskDefinition:
    """A registered task: its function, and how it is executed."""

    name: str
    function: TaskFunction
    # Of the arguments; rows of another version wait for code that knows it.
    version: int = 1
    attempts: int = DEFAULT_ATTEMPTS
    seconds: int = DEFAULT_SECONDS
    # Whether the database effects and the deletion of the row are one transaction.
    is_atomic: bool = True
    # For periodic tasks: the period, and the offset from midnight UTC.
    every: timedelta | None = None
    offset: timedelta = timedelta()

    @property
    def hard_seconds(self) -> int:
        """Seconds after which the process is killed."""
        return self.seconds + HARD_MARGIN

    @property
    def lease(self) -> timedelta:
        """How long an attempt excludes others: longer than it can run."""
        return timedelta(seconds=self.hard_seconds + LEASE_MARGIN)

    @property
    def periodic_key(self) -> str:
        """The key of the one row of a periodic task."""
        return f"{QueuedTask.PERIODIC_KEY}{self.name}"

    def next_due(self, after: datetime) -> datetime:
        """Return the first moment of the period after `after`: the same on every host."""
        if self.every is None:
            raise ValueError(f"the task {self.name!r} is not periodic")
        periods = (after - MIDNIGHT - self.offset) // self.every + 1
        return MIDNIGHT + self.offset + periods * self.every

    def parse_arguments(self, version: int, arguments: str) -> dict[str, Any]:
        """Return the keyword arguments of a row. Raises UnfitArgumentsError when this code does not take them."""
        if version != self.version:
            raise UnfitArgumentsError(f"its arguments have version {version}, this code knows {self.version}")
        values: dict[str, Any] = json.loads(arguments)
        try:
            inspect.signature(self.function).bind(**values)
        except TypeError as error:
            raise UnfitArgumentsError(str(error)) from error
        return values


_definitions: dict[str, TaskDefinition] = {}


def task(
    name: str,
    *,
    version: int = 1,
    attempts: int = DEFAULT_ATTEMPTS,
    seconds: int = DEFAULT_SECONDS,
    is_atomic: bool = True,
) -> Callable[[TaskFunction], TaskFunction]:
    """Register the decorated function as the task `name` ("app.verb"). Raises ValueError for a duplicate name.

    It runs in a transaction that also deletes its row: its effects in the database happen once. With `is_atomic` off
    (it speaks with other servers, or works in batches) it may run again after it has succeeded, and must allow that.
    `seconds` limits an attempt, `attempts` their number; raise `version` when the arguments change incompatibly.
    """

    def register(function: TaskFunction) -> TaskFunction:
        _add(TaskDefinition(name, function, version, attempts, seconds, is_atomic))
        return function

    return register


def periodic(
    name: str,
    *,
    every: timedelta,
    offset: timedelta = timedelta(),
    seconds: int = DEFAULT_SECONDS,
    is_atomic: bool = False,
) -> Callable[[TaskFunction], TaskFunction]:
    """Register the decorated function, which takes no arguments, to run once in each period on one of the hosts.

    Periods are counted from midnight UTC, plus `offset`. See `task` for the rest.
    """

    def register(function: TaskFunction) -> TaskFunction:
        _add(TaskDefinition(name, function, 1, DEFAULT_ATTEMPTS, seconds, is_atomic, every, offset))
        return function

    return register


def _add(definition: TaskDefinition) -> None:
    if definition.name in _definitions:
        raise ValueError(f"the task {definition.name!r} is registered twice")
    if not 0 < definition.seconds <= MAX_SECONDS:
        raise ValueError(
            f"the task {definition.name!r} takes {definition.seconds} s, not up to {MAX_SECONDS}"
        )
    _definitions[definition.name] = definition


def find_task(name: str) -> TaskDefinition | None:
    """Return the task with that name, or None when this code does not know it."""
    return _definitions.get(name)


def list_periodic() -> list[TaskDefinition]:
    """Return all periodic tasks."""
    return [definition for definition in _definitions.values() if definition.every]


def longest_seconds() -> int:
    """Return the hard time limit of the longest task."""
    return max((definition.hard_seconds for definition in _definitions.values()), default=DEFAULT_SECONDS)
