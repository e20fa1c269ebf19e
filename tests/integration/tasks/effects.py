"""Tasks with effects that can be counted: each adds rows to a table without any unique key."""

import random
from datetime import timedelta
from typing import Any

from django.db import connection

from core.models import QueuedTask
from core.tasks import enqueue_on_commit, execution, periodic, registry, task

# The second task of a chain has the number of the first plus this.
FOLLOWS = 1_000_000
PERIOD = timedelta(seconds=2)


def quicken() -> None:
    """Let leases and waits be short, so that a seed takes seconds; what they are measured by is unchanged."""
    registry.HARD_MARGIN = 1
    registry.LEASE_MARGIN = 1
    execution.FIRST_WAIT = 0.2


def add_effect(kind: str, number: int, milliseconds: int = 0) -> None:
    """Add a row, after and before the database has slept."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [milliseconds / 2000])
        cursor.execute("INSERT INTO test_effects (kind, number) VALUES (%s, %s)", [kind, number])
        cursor.execute("SELECT pg_sleep(%s)", [milliseconds / 2000])


@task("tests.note", seconds=2)
def note(*, number: int, milliseconds: int) -> None:
    """One effect."""
    add_effect("note", number, milliseconds)


@task("tests.chain", seconds=2)
def chain(*, number: int, milliseconds: int) -> None:
    """An effect, and a task that has another."""
    add_effect("note", number, milliseconds)
    enqueue_on_commit("tests.note", number=number + FOLLOWS, milliseconds=milliseconds)


@task("tests.flaky", seconds=2)
def flaky(*, number: int, milliseconds: int) -> None:
    """An effect, and in the first attempt an error after it."""
    add_effect("note", number, milliseconds)
    row = QueuedTask.objects.get(name="tests.flaky", arguments__contains=f'"number": {number},')
    if row.attempts == 1:
        raise RuntimeError("as it happens")


@task("tests.long")
def long(*, number: int, milliseconds: int) -> None:
    """An effect with the limits of an ordinary task."""
    add_effect("note", number, milliseconds)


@periodic("tests.tick", every=PERIOD, is_atomic=True)
def tick() -> None:
    """An effect in each period."""
    add_effect("tick", 0)


def random_tasks(rng: random.Random, first: int, number: int) -> list[tuple[str, dict[str, Any], set[int]]]:
    """Return so many tasks with their values, and the numbers of their effects."""
    tasks = []
    for own in range(first, first + number):
        name = rng.choice(["tests.note", "tests.note", "tests.chain", "tests.flaky"])
        effects = {own, own + FOLLOWS} if name == "tests.chain" else {own}
        tasks.append((name, {"number": own, "milliseconds": rng.choice([0, 0, 10, 100, 400])}, effects))
    return tasks
