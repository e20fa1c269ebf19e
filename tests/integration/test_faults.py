"""Faults, for real: servers killed, stopped and frozen under the running stack (the bar's table of faults)."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from scripts.stack import Stack
from scripts.visitor import NoResponse, Visitor

from .conftest import FaultTable
from .people import PASSWORD


def seconds_until(condition: Callable[[], bool], limit: float = 30.0) -> float:
    """After how many seconds the condition holds; fails after `limit`."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < limit, "it never came back"
        time.sleep(0.05)
    return time.monotonic() - started


def answers(visitor: Visitor, path: str, status: int = 200) -> bool:
    """Whether the page is there; a connection that breaks is a no."""
    try:
        return visitor.get(path).status == status
    except NoResponse:
        return False


@contextmanager
def without(stop: Callable[[], None], start: Callable[[], None]) -> Iterator[None]:
    stop()
    try:
        yield
    finally:
        start()


class Crowd:
    """Visitors who ask for a page again and again until stopped."""

    def __init__(self, stack: Stack, size: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self.slowest = 0.0
        self._enough = threading.Event()
        self._pool = ThreadPoolExecutor(size)
        self._visits = [self._pool.submit(self._visit, stack) for _ in range(size)]

    def _visit(self, stack: Stack) -> None:
        with Visitor(stack) as visitor:
            while not self._enough.is_set():
                try:
                    response = visitor.get("/accounts/login/")
                    self.outcomes[str(response.status)] += 1
                    self.slowest = max(self.slowest, response.seconds)
                except NoResponse as error:
                    self.outcomes[type(error).__name__] += 1

    def go_home(self) -> Counter[str]:
        """What they got, by status or by error."""
        self._enough.set()
        for visit in self._visits:
            visit.result()
        self._pool.shutdown()
        return self.outcomes


def test_a_reload_under_load_loses_no_request(stack: Stack, fault_table: FaultTable) -> None:
    crowd = Crowd(stack, 8)
    for _ in range(2):
        before = set(stack.web.children())
        time.sleep(0.5)
        stack.reload_web()
        seconds_until(lambda old=before: not old & set(stack.web.children()))  # type: ignore[misc]
    time.sleep(0.5)
    outcomes = crowd.go_home()
    fault_table.record_count("2 reloads under load", "requests", sum(outcomes.values()))
    fault_table.record_count("2 reloads under load", "failed", sum(outcomes.values()) - outcomes["200"])
    fault_table.record_duration("2 reloads under load", "slowest page", crowd.slowest)
    assert set(outcomes) == {"200"}


def test_a_killed_worker_is_replaced(stack: Stack, visitor: Visitor, fault_table: FaultTable) -> None:
    victim = stack.kill_worker()
    worst = seconds_until(lambda: answers(visitor, "/accounts/login/"))
    replaced = seconds_until(lambda: victim not in stack.web.children() and len(stack.web.children()) == 2)
    fault_table.record_duration("gunicorn worker kill -9", "next page after", worst, most=5)
    fault_table.record_duration("gunicorn worker kill -9", "all workers are back after", replaced, most=5)


def test_all_workers_killed_come_back(stack: Stack, visitor: Visitor, fault_table: FaultTable) -> None:
    stack.kill_workers()
    back = seconds_until(lambda: answers(visitor, "/accounts/login/"))
    fault_table.record_duration("all gunicorn workers kill -9", "next page after", back, most=5)


@pytest.fixture(params=["stopped", "frozen"])
def postgres_fault(
    request: pytest.FixtureRequest, stack: Stack
) -> tuple[str, Callable[[], None], Callable[[], None]]:
    """How PostgreSQL goes, and how it comes back."""
    if request.param == "stopped":
        return "PostgreSQL stopped", stack.postgres.stop, stack.postgres.start
    return "PostgreSQL frozen", stack.postgres.pause, stack.postgres.resume


def test_without_postgresql_pages_say_503_and_come_back(
    stack: Stack,
    alice: Visitor,
    fault_table: FaultTable,
    postgres_fault: tuple[str, Callable[[], None], Callable[[], None]],
) -> None:
    name, goes, comes = postgres_fault
    static = next(line for line in alice.get("/").text.split('"') if line.startswith("/static/"))
    with without(goes, comes):
        pages = [alice.get("/") for _ in range(5)]
        slowest = max(page.seconds for page in pages)
        fault_table.record_duration(name, "slowest 503", slowest, most=3)
        assert {page.status for page in pages} == {503}
        assert all(page.header("Retry-After") for page in pages)
        assert alice.get(static).status == 200
        found = {
            path: alice.get(path) for path in ("/health/", "/health/db/", "/health/redis/", "/readiness/")
        }
        assert [response.status for response in found.values()] == [200, 503, 200, 503]
        fault_table.record_duration(
            name, "slowest health answer", max(response.seconds for response in found.values())
        )
    back = seconds_until(lambda: answers(alice, "/") and answers(alice, "/readiness/"))
    fault_table.record_duration(name, "pages are back after", back, most=5)


def test_health_answers_while_a_frozen_postgresql_holds_every_thread(
    stack: Stack, visitor: Visitor, fault_table: FaultTable
) -> None:
    crowd = Crowd(stack, 16)
    with without(stack.postgres.pause, stack.postgres.resume):
        time.sleep(3)
        slowest = max(visitor.get("/health/").seconds for _ in range(20))
    crowd.go_home()
    fault_table.record_duration(
        "PostgreSQL frozen, 16 visitors", "slowest /health/ after 3 s", slowest, most=3
    )


@pytest.fixture(params=["stopped", "frozen"])
def redis_fault(
    request: pytest.FixtureRequest, stack: Stack
) -> tuple[str, Callable[[], None], Callable[[], None]]:
    """How Redis goes, and how it comes back."""
    if request.param == "stopped":
        return "Redis stopped", stack.redis.stop, stack.redis.start
    return "Redis frozen", stack.redis.pause, stack.redis.resume


def test_without_redis_pages_are_there_and_members_sign_in(
    stack: Stack,
    alice: Visitor,
    fault_table: FaultTable,
    redis_fault: tuple[str, Callable[[], None], Callable[[], None]],
) -> None:
    name, goes, comes = redis_fault
    calm = max(alice.get("/").seconds for _ in range(3))
    with without(goes, comes):
        pages = [alice.get("/") for _ in range(5)]
        slowest = max(page.seconds for page in pages)
        fault_table.record_duration(name, "slowest page beyond the usual", slowest - calm, most=1)
        assert {page.status for page in pages} == {200}
        assert "alice" in pages[-1].text
        with Visitor(stack) as bob:
            bob.sign_in("bob", PASSWORD)
            assert bob.get("/settings/profile/").status in {200, 301, 302}
        found = {
            path: alice.get(path) for path in ("/health/", "/health/db/", "/health/redis/", "/readiness/")
        }
        assert [response.status for response in found.values()] == [200, 200, 503, 503]
    back = seconds_until(lambda: answers(alice, "/readiness/"))
    fault_table.record_duration(name, "readiness is back after", back, most=10)


def test_a_drained_server_is_not_ready_but_serves(stack: Stack, visitor: Visitor) -> None:
    stack.run_manage_command("drain")
    assert visitor.get("/readiness/").status == 503
    assert visitor.get("/accounts/login/").status == 200
    stack.run_manage_command("drain", "--off")
    assert visitor.get("/readiness/").status == 200
