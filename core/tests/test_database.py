"""The pool of threads for the ASGI server, and an end to waiting for a PostgreSQL that does not answer."""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Iterator

import psycopg2
import pytest
from django.db import DatabaseError, connection, connections
from psycopg2 import extensions

from core.database import thread_pool
from core.database.thread_pool import in_database
from scripts.servers import Server, postgres_server
from tests.cases import all_cases
from users.models import User

pytestmark = pytest.mark.both

POOL = 4  # DATABASE_THREADS of the test settings


@pytest.mark.django_db(transaction=True)
async def test_a_function_in_the_pool_answers_raises_and_sees_its_context_as_in_its_caller() -> None:
    with all_cases() as case:
        with case("the answer of the function comes back"):
            assert await in_database(User.objects.count) == 0
        with case("what the function raises is raised"), pytest.raises(User.DoesNotExist):
            await in_database(User.objects.get, username="nobody")
        with case("a failed query leaves no trace for the next"):

            def fail() -> None:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT nonsense FROM nowhere")

            for _ in range(POOL * 2):
                with pytest.raises(DatabaseError):
                    await in_database(fail)
            assert await in_database(User.objects.count) == 0
        with case("the function sees the callers context"):
            number: contextvars.ContextVar[int] = contextvars.ContextVar("number")
            number.set(7)
            assert await in_database(number.get) == 7


def where() -> tuple[str, int]:
    """The thread, and the connection that it uses."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    time.sleep(0.02)
    return threading.current_thread().name, id(connection.connection)


@pytest.mark.django_db(transaction=True)
async def test_many_callers_share_few_threads_that_keep_their_connections() -> None:
    first = await asyncio.gather(*(in_database(where) for _ in range(40)))
    second = await asyncio.gather(*(in_database(where) for _ in range(40)))
    assert len(set(first)) <= POOL
    assert len({thread for thread, _ in first}) == len(set(first))
    assert set(second) <= set(first) or len(set(first) | set(second)) <= POOL


def own_process() -> int:
    """The process of PostgreSQL at the other end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
async def test_connections_that_the_server_has_dropped_are_replaced() -> None:
    def drop(processes: set[int]) -> None:
        with connection.cursor() as cursor:
            for process in processes - {own_process()}:
                cursor.execute("SELECT pg_terminate_backend(%s)", [process])

    old = set(await asyncio.gather(*(in_database(own_process) for _ in range(POOL * 3))))
    await asyncio.to_thread(_once, drop, old)
    new = set(await asyncio.gather(*(in_database(own_process) for _ in range(POOL * 3))))
    assert not old & new


def _once(function: Callable[[set[int]], None], processes: set[int]) -> None:
    try:
        function(processes)
    finally:
        connection.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL to freeze."""
    with postgres_server() as started:
        yield started


@pytest.fixture
def impatient(server: Server) -> Iterator[psycopg2.extensions.connection]:
    """A connection of a process that does not wait for ever."""
    former = connections.settings["default"].copy()
    parts = extensions.parse_dsn(server.url)
    connections.settings["default"].update(
        HOST=parts["host"], PORT=parts["port"], NAME=parts["dbname"], USER=parts["user"], PASSWORD=""
    )
    thread_pool.limit_waiting()
    opened = psycopg2.connect(server.url)
    yield opened
    server.resume()
    opened.close()
    extensions.set_wait_callback(None)
    connections.settings["default"].update(former)
    thread_pool.breaker.reset()


@pytest.mark.postgres_only
def test_a_frozen_postgresql_is_given_up_in_time(
    server: Server, impatient: psycopg2.extensions.connection
) -> None:
    cursor = impatient.cursor()
    cursor.execute("SELECT 1")
    server.pause()
    started = time.monotonic()
    with pytest.raises(psycopg2.OperationalError):
        cursor.execute("SELECT 2")
    assert time.monotonic() - started < 3
    assert impatient.closed


@pytest.mark.postgres_only
def test_while_it_is_frozen_others_are_refused_at_once_and_later_served(
    server: Server, impatient: psycopg2.extensions.connection
) -> None:
    server.pause()
    with pytest.raises(psycopg2.OperationalError):
        impatient.cursor().execute("SELECT 1")
    started = time.monotonic()
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(server.url)
    assert time.monotonic() - started < 0.5
    server.resume()
    time.sleep(thread_pool.breaker.rest + 0.1)
    psycopg2.connect(server.url).close()


@pytest.mark.postgres_only
def test_a_long_query_may_take_its_time_while_the_server_lives(
    server: Server, impatient: psycopg2.extensions.connection
) -> None:
    cursor = impatient.cursor()
    cursor.execute("SELECT pg_sleep(%s)", [thread_pool.QUIET_SECONDS * 2.2])
    assert cursor.fetchone() is not None
