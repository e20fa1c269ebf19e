"""The thread of tasks: order, bounds, faults, idle work, and its end."""

import os
from collections.abc import Iterator
from threading import Event, get_ident

import pytest

from core.tasks.thread import TaskThread

pytestmark = pytest.mark.django_db(transaction=True)


def nothing() -> None:
    """No work in the tables."""


@pytest.fixture
def thread() -> Iterator[TaskThread]:
    made = TaskThread(nothing, idle_seconds=30, max_waiting=3)
    yield made
    made.stop(10)


def test_jobs_run_in_order_and_not_in_the_caller(thread: TaskThread) -> None:
    begun_in: list[tuple[str, int]] = []
    finished = Event()
    thread.submit(lambda: begun_in.append(("first", get_ident())))
    thread.submit(lambda: begun_in.append(("second", get_ident())))
    thread.submit(finished.set)
    assert finished.wait(10)
    assert [name for name, _ in begun_in] == ["first", "second"]
    assert get_ident() not in [ident for _, ident in begun_in]


def test_a_full_queue_refuses(thread: TaskThread) -> None:
    begun, goes_on = Event(), Event()

    def wait() -> None:
        begun.set()
        goes_on.wait(10)

    assert thread.submit(wait)
    assert begun.wait(10)
    assert [thread.submit(nothing) for _ in range(4)] == [True, True, True, False]
    goes_on.set()


def test_a_job_that_fails_does_not_end_the_thread(
    thread: TaskThread, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("the job broke")

    finished = Event()
    thread.submit(fail)
    thread.submit(finished.set)
    assert finished.wait(10)
    assert "the job broke" in caplog.text


def test_it_looks_for_work_when_nothing_comes() -> None:
    looked = Event()
    thread = TaskThread(looked.set, idle_seconds=0.01)
    thread.start()
    assert looked.wait(10)
    thread.stop(10)


def test_stopping_lets_the_job_in_hand_end_and_drops_the_rest(thread: TaskThread) -> None:
    begun, goes_on, dropped = Event(), Event(), Event()
    done = []

    def work() -> None:
        begun.set()
        goes_on.wait(10)
        done.append("work")

    thread.submit(work)
    thread.submit(dropped.set)
    assert begun.wait(10)
    stopper = TaskThread(nothing)
    stopper.submit(lambda: thread.stop(10))
    goes_on.set()
    stopper.stop(10)
    thread.stop(10)
    assert done == ["work"]
    assert thread.submit(nothing), "it starts again with the next job"


def test_a_forked_child_has_a_thread_of_its_own(thread: TaskThread) -> None:
    thread.submit(nothing)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        written = Event()

        def write() -> None:
            os.write(writer, b"from the child")
            written.set()

        thread.submit(write)
        written.wait(10)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == b"from the child"
    os.waitpid(child, 0)
