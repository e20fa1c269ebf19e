"""Work after commit: when it runs, when it does not, and what its failing costs the caller (nothing)."""

import datetime
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from core import tasks
from tests.cases import all_cases

done: list[dict[str, Any]] = []


@pytest.fixture(autouse=True)
def _two_tasks() -> Iterator[None]:
    """A task that notes its values, and one that always fails; both are gone after the test."""
    before = dict(tasks._tasks)
    done.clear()

    @tasks.task("tests.note")
    def note(**values: Any) -> None:
        done.append(values)

    @tasks.task("tests.fail")
    def fail() -> None:
        raise RuntimeError("the task broke")

    yield
    tasks._tasks.clear()
    tasks._tasks.update(before)


@pytest.mark.django_db(transaction=True)
def test_it_runs_after_the_commit_and_not_before() -> None:
    with transaction.atomic():
        tasks.enqueue_on_commit("tests.note", member=7)
        assert done == []
    assert done == [{"member": 7}]


@pytest.mark.django_db(transaction=True)
def test_it_runs_once_per_call_and_in_order() -> None:
    with transaction.atomic():
        for number in range(3):
            tasks.enqueue_on_commit("tests.note", number=number)
    assert done == [{"number": 0}, {"number": 1}, {"number": 2}]


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_the_outermost_transaction() -> None:
    with transaction.atomic():
        with transaction.atomic():
            tasks.enqueue_on_commit("tests.note", member=7)
        assert done == []
    assert done == [{"member": 7}]


@pytest.mark.django_db(transaction=True)
def test_it_never_runs_after_a_rollback() -> None:
    with transaction.atomic():
        tasks.enqueue_on_commit("tests.note", member=7)
        transaction.set_rollback(True)
    assert done == []


@pytest.mark.django_db(transaction=True)
def test_it_never_runs_after_a_rollback_to_a_savepoint() -> None:
    with transaction.atomic():
        with transaction.atomic():
            tasks.enqueue_on_commit("tests.note", lost=True)
            transaction.set_rollback(True)
        tasks.enqueue_on_commit("tests.note", lost=False)
    assert done == [{"lost": False}]


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_it_runs_at_once() -> None:
    tasks.enqueue_on_commit("tests.note", member=7)
    assert done == [{"member": 7}]


@pytest.mark.django_db(transaction=True)
def test_a_failing_task_is_logged_and_does_not_reach_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "core.tasks"), transaction.atomic():
        tasks.enqueue_on_commit("tests.fail")
        tasks.enqueue_on_commit("tests.note", after="the failure")
    assert done == [{"after": "the failure"}]
    assert [record.getMessage() for record in caplog.records] == ["task tests.fail failed"]
    assert "the task broke" in caplog.text


@pytest.mark.django_db
def test_an_unknown_name_is_an_error_at_the_call() -> None:
    with pytest.raises(LookupError, match=r"tests\.nobody"):
        tasks.enqueue_on_commit("tests.nobody")


@pytest.mark.django_db
def test_values_that_do_not_survive_json_are_an_error_at_the_call() -> None:
    with all_cases() as case:
        for value in [object(), {1, 2}, b"bytes", datetime.date(2026, 1, 1), 1j]:
            with case(type(value)):
                done.clear()
                with pytest.raises(TypeError):
                    tasks.enqueue_on_commit("tests.note", value=value)
                assert done == []


@pytest.mark.django_db(transaction=True)
def test_what_a_task_gets_is_a_copy_made_at_the_call() -> None:
    numbers = [1]
    with transaction.atomic():
        tasks.enqueue_on_commit("tests.note", numbers=numbers)
        numbers.append(2)
    assert done == [{"numbers": [1]}]


def test_a_name_can_be_taken_only_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        tasks.task("tests.note")(lambda: None)


def test_a_task_stays_a_plain_function() -> None:
    @tasks.task("tests.plain")
    def plain(number: int) -> None:
        done.append({"number": number})

    plain(3)
    assert done == [{"number": 3}]
