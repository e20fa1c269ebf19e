"""Workers that overlap at a reload, and the access log (professional_network.web_workers)."""

import signal
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.workers.gthread import ThreadWorker

from professional_network import web_workers
from professional_network.web_workers import READY, RELOADED, AccessLog, OverlappingWorker
from tests.cases import all_cases


def worker(age: int, *, reloaded: int, ready: int, patience: float = 20.0) -> OverlappingWorker:
    """A worker that serves nothing, beside others as the ages say."""
    made: Any = OverlappingWorker.__new__(OverlappingWorker)
    made.age, made.cfg = age, SimpleNamespace(graceful_timeout=patience)
    made.ages = {RELOADED: reloaded, READY: ready}
    return made  # type: ignore[no-any-return]


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signals for which a worker stopped."""
    signals: list[int] = []
    monkeypatch.setattr(ThreadWorker, "handle_exit", lambda self, sig, frame: signals.append(sig))
    monkeypatch.setattr(web_workers, "POLL_SECONDS", 0.001)
    return signals


def wait_until_stopped(stopped: list[int]) -> None:
    deadline = time.monotonic() + 10
    while not stopped and time.monotonic() < deadline:
        time.sleep(0.001)
    assert stopped == [signal.SIGTERM]


def test_a_worker_is_needed_from_a_reload_until_a_younger_one_is_ready() -> None:
    ages = {
        "no reload so far": (3, 0, 4, False),
        "reloaded, the new ones start": (3, 4, 4, True),
        "reloaded, the first new one is ready": (3, 4, 5, False),
        "a new one itself": (5, 4, 5, False),
        "reloaded again before the new ones were ready": (5, 6, 4, True),
    }
    with all_cases() as case:
        for what, (age, reloaded, ready, needed) in ages.items():
            with case(what):
                assert worker(age, reloaded=reloaded, ready=ready).is_needed() is needed


def test_a_worker_that_is_not_needed_stops_at_once(stopped: list[int]) -> None:
    worker(3, reloaded=0, ready=4).handle_exit(signal.SIGTERM, None)
    assert stopped == [signal.SIGTERM]


def test_a_worker_stops_when_it_is_replaced_and_not_before(stopped: list[int]) -> None:
    old = worker(3, reloaded=4, ready=4)
    old.handle_exit(signal.SIGTERM, None)
    assert stopped == []
    old.ages[READY] = 5
    wait_until_stopped(stopped)


def test_a_worker_does_not_wait_for_ever(stopped: list[int]) -> None:
    worker(3, reloaded=4, ready=4, patience=0.01).handle_exit(signal.SIGTERM, None)
    wait_until_stopped(stopped)


def test_the_access_log_has_no_query_and_no_key() -> None:
    lines = {
        "/posts/1/?q=salary": "GET /posts/1/",
        "/accounts/confirm-email/AbC:dEf/": "GET /accounts/confirm-email/…",
        "/notifications/unsubscribe/t0ken/": "GET /notifications/unsubscribe/…",
        "/a%0d%0aGET%20/forged/": "GET /a%0d%0aGET%20/forged/",
    }
    log = AccessLog(Config())
    response = SimpleNamespace(status="200 OK", sent=1, headers=[])
    with all_cases() as case:
        for path, line in lines.items():
            environ = {"RAW_URI": path, "REQUEST_METHOD": "GET", "SERVER_PROTOCOL": "HTTP/1.1"}
            with case(path):
                assert log.atoms(response, SimpleNamespace(headers=[]), environ, timedelta())["r"] == line
