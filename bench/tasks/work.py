"""The task of the bench, and what enqueues it: `python -m bench.tasks.work NUMBER PER_SECOND`, prints JSON."""

import json
import statistics
import sys
import time

import django
from django.apps import apps

if not apps.ready:
    django.setup()

from django.db import connection, transaction

from core.models import QueuedTask
from core.tasks import enqueue_on_commit, prepare_executor, task

TABLE = "CREATE TABLE IF NOT EXISTS bench_started (due double precision, started double precision)"
PATIENCE = 120.0


@task("bench.note")
def note(*, due: float) -> None:
    """Add when it was due and when it started."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_started VALUES (%s, %s)", [due, time.time()])


def enqueue(number: int, per_second: float) -> tuple[list[float], list[float]]:
    """Enqueue so many at this rate (0: as fast as possible); return the milliseconds of INSERT and of commit."""
    inserts, commits = [], []
    begun = time.monotonic()
    for turn in range(number):
        if per_second:
            time.sleep(max(0.0, begun + turn / per_second - time.monotonic()))
        with transaction.atomic():
            # A request has used its transaction before.
            QueuedTask.objects.filter(pk=0).exists()
            started = time.perf_counter()
            enqueue_on_commit("bench.note", due=time.time())
            stored = time.perf_counter()
        inserts.append((stored - started) * 1000)
        commits.append((time.perf_counter() - stored) * 1000)
    return inserts, commits


def wait_until_started(number: int) -> list[float]:
    """Wait until all have started; return the seconds from due to started, sorted."""
    deadline = time.monotonic() + PATIENCE
    while QueuedTask.objects.filter(name="bench.note").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    with connection.cursor() as cursor:
        cursor.execute("SELECT started - due FROM bench_started ORDER BY 1")
        delays = [float(delay) for (delay,) in cursor.fetchall()]
    if len(delays) != number:
        raise RuntimeError(f"{len(delays)} of {number} tasks started")
    return delays


def main(number: int, per_second: float) -> None:
    """Measure one run."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute("TRUNCATE bench_started")
    prepare_executor()
    enqueue(3, 0)
    wait_until_started(3)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_started")
    begun = time.monotonic()
    inserts, commits = enqueue(number, per_second)
    delays = wait_until_started(number)
    seconds = time.monotonic() - begun
    figures = {
        "enqueue, in the transaction, ms p50": statistics.median(inserts),
        "commit and hand-over, ms p50": statistics.median(commits),
        "due → started, s p50": statistics.median(delays),
        "due → started, s p95": delays[int(len(delays) * 0.95)],
        "tasks/s": number / seconds,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
