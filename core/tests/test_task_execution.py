"""Attempts of tasks: leases, retries, versions, deleted rows, and what two attempts at once do (one thing)."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connections, transaction
from django.utils import timezone

from core import tasks
from core.models import QueuedTask
from core.observability import metrics
from core.tasks import execution, registry, relay
from core.tasks.registry import DEFAULT_ATTEMPTS, TaskDefinition, find_task, longest_seconds
from tests.cases import all_cases

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_tasks")]


def add_row(name: str = "tests.work", version: int = 1, **values: Any) -> QueuedTask:
    return QueuedTask.objects.create(name=name, version=version, arguments=json.dumps(values))


def make_group(name: str = "made") -> None:
    Group.objects.create(name=name)


def register(function: Any, name: str = "tests.work", **options: Any) -> TaskDefinition:
    tasks.task(name, **options)(function)
    definition = find_task(name)
    assert definition
    return definition


def start_again() -> None:
    """Forget the tasks, rows and effects of the case before."""
    registry._definitions.clear()
    QueuedTask.objects.all().delete()
    Group.objects.all().delete()


def success_deletes_the_row_with_the_effects(caplog: pytest.LogCaptureFixture) -> None:
    register(make_group)
    row = add_row(name="tests.work")
    assert execution.execute_task(row.pk)
    assert Group.objects.filter(name="made").exists()
    assert not QueuedTask.objects.exists()
    assert not execution.execute_task(row.pk), "the second delivery finds nothing"


def a_failure_leaves_no_effect_and_sets_the_next_attempt(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        make_group()
        raise RuntimeError("the server said: token=abcdef123456 is wrong " + "x" * 1000)

    register(fail)
    row = add_row()
    execution.execute_task(row.pk)
    row.refresh_from_db()
    assert not Group.objects.exists()
    assert (row.state, row.attempts, row.leased_by, row.lease_until) == ("waiting", 1, "", None)
    assert timedelta(seconds=3) < row.due_at - timezone.now() < timedelta(seconds=7)
    assert row.last_error.startswith("RuntimeError: the server said: token=[masked] is wrong xxx")
    assert len(row.last_error) <= execution.MAX_ERROR_LENGTH
    assert not execution.execute_task(row.pk), "it is not due yet"


def test_waits_double_up_to_an_hour_and_the_lease_is_longer_than_the_time_limits() -> None:
    with all_cases() as case:
        with case("waits double up to an hour and differ"):
            waits = [[execution.wait_after(attempt) for _ in range(50)] for attempt in range(1, 15)]
            for number, those in enumerate(waits):
                middle = min(5.0 * 2**number, 3600.0)
                assert middle * 0.75 <= min(those) < max(those) <= middle * 1.25
            assert len(set(waits[3])) > 40
        with case("the lease is longer than the time limits"):
            definition = register(make_group, seconds=100)
            assert definition.seconds < definition.hard_seconds < definition.lease.total_seconds()
            assert longest_seconds() == definition.hard_seconds


def after_the_last_attempt_it_has_failed_and_stays_visible(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("no")

    register(fail, attempts=3)
    row = add_row()
    with caplog.at_level(logging.ERROR, "core.tasks"):
        for _ in range(5):
            QueuedTask.objects.update(due_at=timezone.now())
            execution.execute_task(row.pk)
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("failed", 3)
    assert row.last_error.startswith("RuntimeError: no (fail, line ")
    assert [record.getMessage() for record in caplog.records] == [f"task tests.work ({row.pk}) failed"]
    assert relay.find_due(10) == []


def test_code_and_rows_that_do_not_fit_wait_for_each_other_and_end_as_failed() -> None:
    def work(member: int) -> None:
        raise AssertionError("it must not run")

    register(work, version=2)
    rows = {
        "unknown task": (add_row("tests.unknown"), "UnknownTaskError"),
        "older version": (add_row(version=1, member=7), "have version 1, this code knows 2"),
        "newer version": (add_row(version=3, member=7), "have version 3, this code knows 2"),
        "another argument": (add_row(version=2, person=7), "UnfitArgumentsError"),
        "a missing argument": (add_row(version=2), "UnfitArgumentsError"),
    }
    with all_cases() as case:
        for name, (row, expected) in rows.items():
            with case(name):
                execution.execute_task(row.pk)
                row.refresh_from_db()
                assert (row.state, row.attempts) == ("waiting", 1)
                assert expected in row.last_error
                assert row.due_at > timezone.now() + timedelta(seconds=50)
                QueuedTask.objects.filter(pk=row.pk).update(
                    due_at=timezone.now(), attempts=execution.UNKNOWN_ATTEMPTS - 1
                )
                execution.execute_task(row.pk)
                row.refresh_from_db()
                assert row.state == "failed"


def a_row_waits_through_a_deployment_until_the_code_knows_its_task(caplog: pytest.LogCaptureFixture) -> None:
    row = QueuedTask.objects.create(name="tests.new", arguments=json.dumps({"name": "made"}))
    execution.execute_task(row.pk)
    assert not Group.objects.exists()
    register(make_group, name="tests.new")
    QueuedTask.objects.update(due_at=timezone.now())
    execution.execute_task(row.pk)
    assert Group.objects.filter(name="made").exists()
    assert not QueuedTask.objects.exists()


def a_task_about_something_deleted_ends_quietly(caplog: pytest.LogCaptureFixture) -> None:
    def rename(group: int) -> None:
        found = Group.objects.get(pk=group)
        found.name = "renamed"
        found.save()

    register(rename)
    row = add_row(group=404)
    with caplog.at_level(logging.WARNING, "core.tasks"):
        execution.execute_task(row.pk)
    assert not QueuedTask.objects.exists()
    assert caplog.records == []


def test_a_lease_keeps_others_away_until_it_ends() -> None:
    register(make_group)
    now = timezone.now()
    with all_cases() as case:
        for leased_by, seconds, expected in [
            ("other-host:1:aa", 30, False),
            ("other-host:1:aa", -1, True),
            ("", 30, True),
            ("", -1, True),
        ]:
            with case((leased_by, seconds)):
                Group.objects.all().delete()
                row = add_row()
                QueuedTask.objects.filter(pk=row.pk).update(
                    leased_by=leased_by, lease_until=now + timedelta(seconds=seconds), attempts=1
                )
                assert execution.execute_task(row.pk) is expected
                assert Group.objects.exists() is expected


def an_attempt_whose_lease_was_taken_over_has_no_effect(caplog: pytest.LogCaptureFixture) -> None:
    def slow() -> None:
        make_group()
        # As if this process had slept past its lease, and another attempt had begun.
        QueuedTask.objects.update(leased_by="other-host:1:aa")

    register(slow)
    row = add_row()
    execution.execute_task(row.pk)
    assert not Group.objects.exists()
    assert "its lease had expired" in caplog.text
    assert QueuedTask.objects.filter(pk=row.pk, state="waiting").exists()


def attempts_that_end_with_their_process_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    register(make_group)
    row = add_row()
    past = timezone.now() - timedelta(seconds=1)
    QueuedTask.objects.update(leased_by="dead:1:aa", lease_until=past, attempts=DEFAULT_ATTEMPTS)
    assert not execution.execute_task(row.pk)
    row.refresh_from_db()
    assert (row.state, row.last_error) == ("failed", "the process ended during the last attempt")


def test_two_attempts_at_once_are_one() -> None:
    begun, goes_on = Event(), Event()
    runs: list[int] = []

    def wait() -> None:
        runs.append(1)
        begun.set()
        goes_on.wait(10)

    register(wait, is_atomic=False)
    row = add_row()

    def execute() -> bool:
        try:
            return execution.execute_task(row.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(execute)
        assert begun.wait(10)
        others = [pool.submit(execute) for _ in range(3)]
        assert [other.result(10) for other in others] == [False] * 3
        goes_on.set()
        assert first.result(10)
    assert runs == [1]
    assert not QueuedTask.objects.exists()


def what_a_task_enqueues_starts_after_its_commit(caplog: pytest.LogCaptureFixture) -> None:
    order: list[str] = []

    def outer() -> None:
        tasks.enqueue_on_commit("tests.inner")
        order.append("outer")
        assert transaction.get_connection().in_atomic_block

    register(outer)
    register(lambda: order.append("inner"), name="tests.inner")
    execution.execute_task(add_row().pk)
    assert order == ["outer", "inner"]
    assert not QueuedTask.objects.exists()


def outcomes_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    def count(outcome: str) -> float:
        return metrics.registry.get_sample_value("linkup_task_attempts_total", {"outcome": outcome}) or 0.0

    def fail() -> None:
        raise RuntimeError("no")

    before = {outcome: count(outcome) for outcome in ("done", "retried", "failed")}
    register(make_group)
    register(fail, name="tests.fail", attempts=2)
    execution.execute_task(add_row().pk)
    row = QueuedTask.objects.create(name="tests.fail")
    for _ in range(2):
        QueuedTask.objects.update(due_at=timezone.now())
        execution.execute_task(row.pk)
    assert {outcome: count(outcome) - before[outcome] for outcome in before} == dict.fromkeys(before, 1.0)


ATTEMPTS = (
    outcomes_are_counted,
    success_deletes_the_row_with_the_effects,
    a_failure_leaves_no_effect_and_sets_the_next_attempt,
    after_the_last_attempt_it_has_failed_and_stays_visible,
    a_row_waits_through_a_deployment_until_the_code_knows_its_task,
    a_task_about_something_deleted_ends_quietly,
    an_attempt_whose_lease_was_taken_over_has_no_effect,
    attempts_that_end_with_their_process_are_counted,
    what_a_task_enqueues_starts_after_its_commit,
)


def test_an_attempt_ends_with_its_effects_or_with_none(caplog: pytest.LogCaptureFixture) -> None:
    with all_cases() as case:
        for check in ATTEMPTS:
            start_again()
            caplog.clear()
            with case(check.__name__):
                check(caplog)
