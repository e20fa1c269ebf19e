"""Database access of a server process: bounded waiting, and a bounded thread pool for the ASGI server.

gunicorn's threads keep their connections. Under an ASGI server threads come and go, so connections would either be
opened for each query or pile up: consumers call `in_database` instead, whose few threads keep theirs.
"""

import asyncio
import contextvars
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg2 import OperationalError, extensions

from core.observability import health
from core.observability.breaker import Breaker

P = ParamSpec("P")
T = TypeVar("T")

# The lifetime of a pool connection in seconds; it is checked before each use.
KEEP_SECONDS = 600
# After this many seconds without a response, a second connection checks whether the server is alive.
QUIET_SECONDS = 1.0

# The connections of the pool's threads.
_kept: list[BaseDatabaseWrapper] = []

breaker = Breaker("PostgreSQL", rest=1.0)


def serve_asynchronously() -> None:
    """Configure Django for an ASGI server: connections are closed at the end of the request.

    Threads are created per request, so a connection that outlives the request would never be reused.
    """
    for alias in connections:
        connections.settings[alias]["CONN_MAX_AGE"] = 0


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function` in one of DATABASE_THREADS threads, and return or raise as it does.

    Each thread keeps one connection, checks it before use (PostgreSQL may have restarted), and replaces a broken one.
    Calls wait while all threads are busy. When the caller is cancelled, a call that has begun runs to its end.
    """

    def call() -> T:
        # The connections of this thread outlive the call, despite `serve_asynchronously`.
        for alias in connections:
            connection = connections[alias]
            if connection.settings_dict is connections.settings[alias]:
                kept = {"CONN_MAX_AGE": KEEP_SECONDS, "CONN_HEALTH_CHECKS": True}
                connection.settings_dict = {**connection.settings_dict, **kept}
                _kept.append(connection)
        _drop_unusable()
        try:
            return function(*args, **kwargs)
        finally:
            _drop_unusable()

    return await asyncio.get_running_loop().run_in_executor(
        _thread_pool(), contextvars.copy_context().run, call
    )


def shut_pool() -> None:
    """Wait for the pool's calls and close its connections, at the end of a test; the next call makes a new pool."""
    if _thread_pool.cache_info().currsize:
        _thread_pool().shutdown()
        _thread_pool.cache_clear()
    while _kept:
        connection = _kept.pop()
        connection.inc_thread_sharing()
        connection.close()


@functools.cache
def _thread_pool() -> ThreadPoolExecutor:
    size = getattr(settings, "DATABASE_THREADS", 4)
    return ThreadPoolExecutor(max_workers=size, thread_name_prefix="database")


def _drop_unusable() -> None:
    """Close old and broken connections; the others are checked before their next query."""
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()


def limit_waiting() -> None:
    """Stop all threads of this process from waiting for a PostgreSQL that does not answer.

    libpq waits for ever once a query is sent: `statement_timeout` needs a running server, and the kernel acknowledges
    packets for a stopped process. With this, a query may take long as long as the server responds to a second
    connection. If it does not, the connection is closed with OperationalError after about two seconds, and so is every
    further attempt, at once, until the server responds again. COPY and large objects do not work in this mode
    (psycopg2's documentation, "Support for coroutine libraries"), so commands do not use it.
    """

    def wait_for_server(connection: extensions.connection) -> None:
        """Wait in place of psycopg2; raising closes the connection."""
        if breaker.is_open:
            raise OperationalError("PostgreSQL does not answer")
        if breaker.has_tripped:
            _refuse_if_silent()
            breaker.reset()
        health.wait_until_ready(connection, lambda: QUIET_SECONDS, _refuse_if_silent)

    if connections[DEFAULT_DB_ALIAS].vendor == "postgresql":
        extensions.set_wait_callback(wait_for_server)


def _refuse_if_silent() -> None:
    """Raise OperationalError when PostgreSQL does not answer; an error such as "too many clients" is a response."""
    if health.run_probes(health.database)["database"].is_silent:
        error = OperationalError("PostgreSQL does not answer")
        breaker.trip(error)
        raise error
