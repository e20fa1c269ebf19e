"""Celery's options, the hand-over through Redis, and a worker that looks after itself."""

import time
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from kombu.pools import reset as reset_pools
from pytest_django import Settings

from core import tasks
from core.models import QueuedTask
from core.tasks import broker, relay, worker
from core.tasks.celery_app import OPTIONS, RELAY, VISIBILITY_TIMEOUT, app, broker_url, make_app, tls_options
from core.tasks.registry import MAX_SECONDS, longest_seconds, task
from scripts.servers import Server
from tests.cases import all_cases

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def queue(redis: Server, settings: Settings) -> Iterator[Server]:
    """The broker is a Redis of the tests, in which nothing waits."""
    yield from use_redis(settings, redis.url, redis)


@pytest.fixture
def no_queue(settings: Settings) -> Iterator[None]:
    """The broker is a Redis that does not exist."""
    yield from use_redis(settings, NOBODY, None)


def use_redis(settings: Settings, url: str, yielded: Any) -> Iterator[Any]:
    def forget() -> None:
        reset_pools()  # type: ignore[no-untyped-call]
        broker._connection.cache_clear()
        broker._client.cache_clear()
        broker.breaker.reset()

    former = app.conf.broker_url
    settings.REDIS_URL, settings.TASK_EXECUTOR = url, "celery"
    app.conf.broker_url = url
    forget()
    if yielded:
        broker._client().flushdb()
    yield yielded
    app.conf.broker_url = former
    forget()


def test_the_visibility_timeout_exceeds_every_task_and_each_form_of_the_address_is_understood(
    own_tasks: None,
) -> None:
    with all_cases() as case:
        with case("the visibility timeout stands in all three places and exceeds every task"):
            conf = make_app(NOBODY, 2).conf
            assert conf.broker_transport_options["visibility_timeout"] == VISIBILITY_TIMEOUT
            assert conf.result_backend_transport_options["visibility_timeout"] == VISIBILITY_TIMEOUT
            assert conf.visibility_timeout == VISIBILITY_TIMEOUT
            assert longest_seconds() <= MAX_SECONDS < VISIBILITY_TIMEOUT
        with case("a task that takes longer is refused"), pytest.raises(ValueError, match="takes 30000 s"):
            task("tests.endless", seconds=30_000)(lambda: None)
        with case("each form of the address"):
            assert broker_url("redis://:a%40b@h:6379/1") == "redis://:a%40b@h:6379/1"
            assert broker_url("rediss://h:6379/1?ssl_cert_reqs=none") == "rediss://h:6379/1"
            assert (
                broker_url("unix://:pw@/run/redis.sock?db=2")
                == "redis+socket://:pw@/run/redis.sock?virtual_host=2"
            )
            assert tls_options("redis://h") == {}
            assert tls_options("rediss://h")["ssl_cert_reqs"] == "required"
            assert tls_options("rediss://h?ssl_cert_reqs=none")["ssl_cert_reqs"] == "none"
            assert OPTIONS["broker_connection_retry_on_startup"] is True


@pytest.mark.both
@pytest.mark.django_db(transaction=True)
def test_a_committed_task_is_handed_over_and_leased_to_the_broker(queue: Server, own_tasks: None) -> None:
    task("tests.work")(lambda: None)
    with transaction.atomic():
        tasks.enqueue_on_commit("tests.work")
        assert broker.count_queued() == 0
    assert broker.count_queued() == 1
    row = QueuedTask.objects.get()
    assert row.lease_until
    assert timezone.now() < row.lease_until < timezone.now() + timedelta(seconds=31)
    assert relay.find_due(9) == [], "the broker has it"
    assert [key for key in broker._client().scan_iter("*") if not key.startswith(b"linkup:")] == []


@pytest.mark.both
@pytest.mark.django_db(transaction=True)
def test_without_redis_the_caller_hardly_waits_and_the_relay_does_it_later(
    no_queue: None, own_tasks: None
) -> None:
    task("tests.work")(lambda: None)
    started = time.monotonic()
    for _ in range(20):
        tasks.enqueue_on_commit("tests.work")
    assert time.monotonic() - started < 5
    assert broker.breaker.is_open
    assert QueuedTask.objects.count() == 20
    QueuedTask.objects.update(lease_until=timezone.now())
    assert len(relay.find_due(99)) == 20


@pytest.mark.django_db(transaction=True)
def test_the_relay_hands_over_what_the_broker_lost(queue: Server, own_tasks: None) -> None:
    task("tests.work")(lambda: None)
    tasks.enqueue_on_commit("tests.work")
    broker._client().flushdb()
    QueuedTask.objects.update(lease_until=timezone.now())
    assert worker.hand_over_due(9) == 1
    assert broker.count_queued() == 1
    assert worker.hand_over_due(9) == 0
    broker.send_relay()
    assert broker.count_queued() == 2


def test_a_worker_that_could_fetch_and_a_beat_that_sends_no_relay_are_stuck() -> None:
    with all_cases() as case:
        with case("a worker that fetches nothing is stuck only if it could fetch"):
            watchdog, now = worker.Watchdog(), time.monotonic()
            assert not watchdog.is_stuck(queued=5, reserved=0, now=now + worker.STUCK_SECONDS - 1)
            assert watchdog.is_stuck(queued=5, reserved=0, now=now + worker.STUCK_SECONDS + 1)
            assert not watchdog.is_stuck(queued=5, reserved=1, now=now + 1000)
            assert not watchdog.is_stuck(queued=5, reserved=0, now=now + 1001)
            assert not watchdog.is_stuck(queued=0, reserved=0, now=now + 2000)
        with case("beat is silent until a relay comes"):
            watchdog, now = worker.Watchdog(), time.monotonic()
            assert watchdog.is_beat_silent(now + worker.SILENT_SECONDS + 1)
            watchdog.note_message(request=SimpleNamespace(name="another"))
            assert watchdog.is_beat_silent(now + worker.SILENT_SECONDS + 1)
            watchdog._relayed_at = now - 100
            watchdog.note_message(request=SimpleNamespace(name=RELAY))
            assert not watchdog.is_beat_silent(now + 1)


@pytest.mark.both
@pytest.mark.django_db(transaction=True)
def test_the_worker_executes_a_row_and_leaves_an_outage_to_the_relay(own_tasks: None) -> None:
    done: list[int] = []
    task("tests.work")(lambda: done.append(1))
    row = QueuedTask.objects.create(name="tests.work")
    worker.execute(row.pk)
    worker.execute(row.pk)
    assert done == [1]
