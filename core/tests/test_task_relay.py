"""The relay and periodic tasks: what is due is handed over once, and periods run once however many hosts there are."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from core import tasks
from core.models import QueuedTask
from core.tasks import execution, relay, thread
from core.tasks.registry import TaskDefinition
from tests.cases import all_cases

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_tasks")]

LEASE = timedelta(seconds=30)


def add_rows(number: int) -> list[int]:
    return [QueuedTask.objects.create(name="tests.work").pk for _ in range(number)]


def in_parallel(number: int, function: Callable[..., Any], *arguments: object) -> list[list[int]]:
    def run(_: int) -> list[int]:
        try:
            found = function(*arguments)
            return found if isinstance(found, list) else []
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


def test_what_is_due_is_leased_once_in_batches_the_oldest_first() -> None:
    with all_cases() as case:
        with case("what is due is leased in batches the oldest first"):
            QueuedTask.objects.all().delete()
            ids = add_rows(5)
            QueuedTask.objects.filter(pk=ids[4]).update(due_at=timezone.now() - timedelta(hours=1))
            QueuedTask.objects.filter(pk=ids[3]).update(due_at=timezone.now() + timedelta(hours=1))
            assert relay.lease_due(2, LEASE) == [ids[4], ids[0]]
            assert relay.lease_due(9, LEASE) == [ids[1], ids[2]]
            assert relay.lease_due(9, LEASE) == []
            QueuedTask.objects.filter(pk=ids[0]).update(lease_until=timezone.now() - timedelta(seconds=1))
            assert relay.lease_due(9, LEASE) == [ids[0]], "the broker has lost it"
        with case("relays at once hand each task over once"):
            QueuedTask.objects.all().delete()
            ids = add_rows(40)
            handed = [row for batch in in_parallel(4, relay.lease_due, 40, LEASE) for row in batch]
            assert sorted(handed) == ids
        with case("failed and running tasks are left alone"):
            QueuedTask.objects.all().delete()
            failed, running = add_rows(2)
            QueuedTask.objects.filter(pk=failed).update(state="failed")
            QueuedTask.objects.filter(pk=running).update(
                leased_by="a:1:b", lease_until=timezone.now() + LEASE
            )
            assert relay.find_due(9) == relay.lease_due(9, LEASE) == []


def test_a_period_is_the_same_on_every_host() -> None:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    nightly = TaskDefinition("a", print, every=timedelta(days=1), offset=timedelta(hours=4, minutes=40))
    often = TaskDefinition("b", print, every=timedelta(seconds=10))
    assert nightly.next_due(at("2026-11-30 04:39:59")) == at("2026-11-30 04:40:00")
    assert nightly.next_due(at("2026-11-30 04:40:00")) == at("2026-12-01 04:40:00")
    assert often.next_due(at("2026-11-30 23:59:55")) == at("2026-12-01 00:00:00")


def test_a_periodic_task_has_one_row_which_success_moves_to_the_next_period() -> None:
    ran: list[int] = []
    tasks.periodic("tests.tick", every=timedelta(hours=1))(lambda: ran.append(1))
    in_parallel(4, relay.add_periodic_tasks, timezone.now())
    row = QueuedTask.objects.get()
    assert timezone.now() < row.due_at <= timezone.now() + timedelta(hours=1)
    QueuedTask.objects.update(due_at=timezone.now(), last_error="of yesterday", attempts=3)
    in_parallel(4, execution.execute_task, row.pk)
    assert ran == [1]
    row.refresh_from_db()
    assert row.due_at > timezone.now()
    assert (row.attempts, row.last_error, row.leased_by, row.lease_until) == (0, "", "", None)
    relay.add_periodic_tasks(timezone.now())
    assert QueuedTask.objects.count() == 1


def test_a_periodic_task_that_fails_is_tried_again_for_ever_and_counts_as_failed() -> None:
    def fail() -> None:
        raise RuntimeError("no")

    tasks.periodic("tests.tick", every=timedelta(minutes=1))(fail)
    relay.add_periodic_tasks(timezone.now())
    row = QueuedTask.objects.get()
    for _ in range(12):
        QueuedTask.objects.update(due_at=timezone.now())
        execution.execute_task(row.pk)
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("waiting", 12)
    assert row.due_at - timezone.now() <= timedelta(minutes=1), "no later than its period"
    assert list(QueuedTask.objects.failed()) == [row]


def test_a_periodic_task_that_no_code_knows_any_more_goes() -> None:
    row = QueuedTask.objects.create(name="tests.former", key="periodic:tests.former")
    execution.execute_task(row.pk)
    QueuedTask.objects.update(due_at=timezone.now(), attempts=execution.UNKNOWN_ATTEMPTS - 1)
    execution.execute_task(row.pk)
    assert not QueuedTask.objects.exists()


def test_the_thread_executes_what_is_due_and_what_periodic_tasks_enqueue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[str] = []

    def tick() -> None:
        ran.append("tick")
        with transaction.atomic():
            tasks.enqueue_on_commit("tests.work")

    tasks.task("tests.work")(lambda: ran.append("work"))
    tasks.periodic("tests.tick", every=timedelta(hours=1))(tick)
    monkeypatch.setattr(relay, "_next_ensure", 0.0)
    thread.execute_due()
    QueuedTask.objects.update(due_at=timezone.now())
    thread.execute_due()
    assert ran == ["tick", "work"]
