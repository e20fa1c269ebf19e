"""Work after commit: when it runs, when it does not, and what its failing costs the caller (nothing)."""

import datetime
import logging
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core import tasks
from core.models import QueuedTask
from core.tasks import relay, thread
from tests.cases import all_cases

done: list[dict[str, Any]] = []


@pytest.fixture(autouse=True)
def _two_tasks(own_tasks: None) -> None:
    """A task that notes its values, and one that always fails; both are gone after the test."""
    done.clear()

    @tasks.task("tests.note")
    def note(**values: Any) -> None:
        done.append(values)

    @tasks.task("tests.fail")
    def fail() -> None:
        raise RuntimeError("the task broke")


@pytest.mark.django_db(transaction=True)
def test_it_runs_after_the_commit_once_per_call_and_in_order() -> None:
    with all_cases() as case:
        with case("it runs after the commit and not before"):
            done.clear()
            with transaction.atomic():
                tasks.enqueue_on_commit("tests.note", member=7)
                assert done == []
            assert done == [{"member": 7}]
        with case("it runs once per call and in order"):
            done.clear()
            with transaction.atomic():
                for number in range(3):
                    tasks.enqueue_on_commit("tests.note", number=number)
            assert done == [{"number": 0}, {"number": 1}, {"number": 2}]
        with case("it waits for the outermost transaction"):
            done.clear()
            with transaction.atomic():
                with transaction.atomic():
                    tasks.enqueue_on_commit("tests.note", member=7)
                assert done == []
            assert done == [{"member": 7}]
        with case("outside a transaction it runs at once"):
            done.clear()
            tasks.enqueue_on_commit("tests.note", member=7)
            assert done == [{"member": 7}]
        with case("what a task gets is a copy made at the call"):
            done.clear()
            numbers = [1]
            with transaction.atomic():
                tasks.enqueue_on_commit("tests.note", numbers=numbers)
                numbers.append(2)
            assert done == [{"numbers": [1]}]


@pytest.mark.django_db(transaction=True)
def test_it_never_runs_after_a_rollback() -> None:
    with all_cases() as case:
        with case("it never runs after a rollback"):
            done.clear()
            with transaction.atomic():
                tasks.enqueue_on_commit("tests.note", member=7)
                transaction.set_rollback(True)
            assert done == []
        with case("it never runs after a rollback to a savepoint"):
            done.clear()
            with transaction.atomic():
                with transaction.atomic():
                    tasks.enqueue_on_commit("tests.note", lost=True)
                    transaction.set_rollback(True)
                tasks.enqueue_on_commit("tests.note", lost=False)
            assert done == [{"lost": False}]


@pytest.mark.django_db(transaction=True)
def test_a_failing_task_is_logged_and_does_not_reach_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "core.tasks"), transaction.atomic():
        tasks.enqueue_on_commit("tests.fail")
        tasks.enqueue_on_commit("tests.note", after="the failure")
    assert done == [{"after": "the failure"}]
    (failed,) = QueuedTask.objects.all()
    (record,) = caplog.records
    assert record.getMessage().startswith(f"task tests.fail ({failed.pk}) failed, attempt 1")
    assert "the task broke" in caplog.text


@pytest.mark.django_db
def test_names_and_values_are_checked_at_the_call_and_a_task_stays_a_plain_function() -> None:
    with all_cases() as case:
        with case("an unknown name is an error at the call"):
            done.clear()
            with pytest.raises(LookupError, match=r"tests\.nobody"):
                tasks.enqueue_on_commit("tests.nobody")
        for value in [object(), {1, 2}, b"bytes", datetime.date(2026, 1, 1), 1j]:
            with case(type(value)):
                done.clear()
                with pytest.raises(TypeError):
                    tasks.enqueue_on_commit("tests.note", value=value)
                assert done == []
        with case("a name can be taken only once"):
            done.clear()
            with pytest.raises(ValueError, match="twice"):
                tasks.task("tests.note")(lambda: None)
        with case("a task stays a plain function"):
            done.clear()

            @tasks.task("tests.plain")
            def plain(number: int) -> None:
                done.append({"number": number})

            plain(3)
            assert done == [{"number": 3}]


@pytest.mark.django_db
def test_a_task_is_one_insert_in_the_callers_transaction(django_assert_num_queries: Any) -> None:
    with transaction.atomic(), django_assert_num_queries(1):
        tasks.enqueue_on_commit("tests.note", member=7)
    row = QueuedTask.objects.get()
    assert (row.name, row.arguments, row.version, row.key) == ("tests.note", '{"member": 7}', 1, None)
    assert (row.state, row.attempts, row.lease_until, row.leased_by) == ("waiting", 0, None, "")


@pytest.mark.both
@pytest.mark.django_db(transaction=True)
def test_equal_keys_that_wait_are_one_task_and_one_that_runs_is_followed_by_another() -> None:
    started: list[int] = []

    @tasks.task("tests.count")
    def count(number: int) -> None:
        started.append(number)
        if number == 1:
            # What changes while it runs may be too late for it.
            tasks.enqueue_on_commit("tests.count", key="same", number=3)

    with transaction.atomic():
        tasks.enqueue_on_commit("tests.count", key="same", number=1)
        tasks.enqueue_on_commit("tests.count", key="same", number=2)
        tasks.enqueue_on_commit("tests.count", key="other", number=4)
        assert QueuedTask.objects.count() == 2
    assert started == [1, 3, 4]
    assert not QueuedTask.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_task_of_the_future_waits_for_its_time() -> None:
    later = timezone.now() + datetime.timedelta(hours=1)
    tasks.enqueue_on_commit("tests.note", due_at=later, member=7)
    assert done == []
    assert relay.find_due(10) == []
    QueuedTask.objects.update(due_at=timezone.now())
    thread.execute_due()
    assert done == [{"member": 7}]


@pytest.mark.postgres_only
@pytest.mark.both
@pytest.mark.django_db(transaction=True)
def test_the_table_keeps_room_in_its_pages_and_is_vacuumed_early() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT unnest(reloptions) FROM pg_class WHERE relname = 'core_queuedtask'")
        options = {str(option) for (option,) in cursor.fetchall()}
    assert {"fillfactor=70", "autovacuum_vacuum_scale_factor=0.01"} <= options
