"""Concurrent actions: each runs on a thread with its own database connection."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier, Thread
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

Act = Callable[[], object]


def at_once(*acts: Act) -> list[Any]:
    """Run `acts` concurrently; return the result of each, or the exception that it raised, in their order."""
    start = Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(index: int, act: Act) -> None:
        try:
            connection.ensure_connection()
            start.wait(timeout=10)
            results[index] = act()
        except Exception as error:  # noqa: BLE001 -- the test checks every exception
            results[index] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=(index, act)) for index, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads), "a deadlock"
    return results


@dataclass(frozen=True)
class Meeting:
    """The outcome of two actions: whether the second waited for the first, what `look` saw, and the second's result."""

    waited: bool
    seen: Any
    result: Any


def meet(first: Act, second: Act, look: Act = lambda: None) -> Meeting:
    """Run `first` in a transaction and, before its commit, `second` on another connection (PostgreSQL).

    If `second` waits for a lock that `first` took, `look` runs before the commit. Races that are left to chance seldom
    happen; here, the second action always runs in the middle of the first.
    """
    seen = None
    with ThreadPoolExecutor(1) as elsewhere:
        with transaction.atomic():
            first()
            running = elsewhere.submit(at_once, second)
            waited = _waits_for_us(running)
            if waited:
                seen = look()
        (result,) = running.result(timeout=60)
    return Meeting(waited, seen, result)


def _waits_for_us(running: Future[list[Any]]) -> bool:
    """Return whether `running` waits for a lock of this connection before it ends."""
    until = time.monotonic() + 20
    while not running.done():
        with connection.cursor() as query:
            query.execute(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted"
                " AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
            )
            if query.fetchone()[0]:
                return True
        assert time.monotonic() < until, "it neither ends nor waits for us"
        time.sleep(0.005)
    return False


def hold(rows: QuerySet[Any]) -> Act:
    """Return an action that locks `rows` for a change but allows new references to them."""
    return lambda: list(rows.select_for_update(no_key=True).values("pk"))


def is_free(rows: QuerySet[Any]) -> bool:
    """Return whether no other transaction locks any of `rows`."""
    try:
        with transaction.atomic():
            list(rows.select_for_update(no_key=True, nowait=True).values("pk"))
    except OperationalError:
        return False
    return True
