"""The database inside a server process: no endless waiting, and a bounded pool of threads for the ASGI server.

gunicorn's threads keep their connections by themselves. Under an ASGI server threads come and go, so connections would
either be made anew for each query or pile up: consumers call `in_database` instead, whose few threads keep theirs.
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

# How long a kept connection of the pool lives, in seconds; before each use it is asked whether it still works.
KEEP_SECONDS = 600
# After so many seconds of silence the server is asked whether it lives.
QUIET_SECONDS = 1.0

# The connections of the pool's threads.
_kept: list[BaseDatabaseWrapper] = []

breaker = Breaker("PostgreSQL", rest=1.0)


def serve_asynchronously() -> None:
    """Tell Django that this process is an ASGI server: a request's connections end with the request.

    Its threads are made per request, so a connection that outlives the request would never be found again.
    """
    for alias in connections:
        connections.settings[alias]["CONN_MAX_AGE"] = 0


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function` in one of DATABASE_THREADS threads and return its answer, or raise what it raises.

    Each thread keeps one connection, asks before use whether it still works (a restart of PostgreSQL leaves no stale
    one), and replaces it when it does not. Who comes while all are busy waits. When the caller is cancelled, a call
    that has begun runs to its end.
    """

    def call() -> T:
        return _with_kept_connections(function, *args, **kwargs)

    return await asyncio.get_running_loop().run_in_executor(_pool(), contextvars.copy_context().run, call)


def shut_pool() -> None:
    """Wait for the pool's calls and close its connections; the next call makes a new pool. For the end of a test."""
    if _pool.cache_info().currsize:
        _pool().shutdown()
        _pool.cache_clear()
    while _kept:
        connection = _kept.pop()
        connection.inc_thread_sharing()
        connection.close()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    size = getattr(settings, "DATABASE_THREADS", 4)
    return ThreadPoolExecutor(max_workers=size, thread_name_prefix="database")


def _with_kept_connections(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    _keep_connections()
    _drop_unusable()
    try:
        return function(*args, **kwargs)
    finally:
        _drop_unusable()


def _keep_connections() -> None:
    """This thread's connections outlive the call, whatever `serve_asynchronously` says of others."""
    for alias in connections:
        connection = connections[alias]
        if connection.settings_dict is connections.settings[alias]:
            kept = {"CONN_MAX_AGE": KEEP_SECONDS, "CONN_HEALTH_CHECKS": True}
            connection.settings_dict = {**connection.settings_dict, **kept}
            _kept.append(connection)


def _drop_unusable() -> None:
    """Close what is too old or broke; what stays is asked for its health before its next query."""
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()


def limit_waiting() -> None:
    """From now on no thread of this process waits for a PostgreSQL that has stopped answering.

    libpq itself waits for ever once a query is sent: `statement_timeout` needs a server that lives, and the kernel
    acknowledges for a stopped process. Here a query may take its time as long as the server answers another question
    meanwhile; when it does not, the connection is closed with OperationalError after about two seconds, and so is
    every further attempt, at once, until the server answers again. COPY and large objects do not work in this mode
    (psycopg2's documentation, "Support for coroutine libraries"), so commands do not use it.
    """
    if connections[DEFAULT_DB_ALIAS].vendor == "postgresql":
        extensions.set_wait_callback(_wait)


def _wait(connection: extensions.connection) -> None:
    """psycopg2 calls this instead of waiting; raising closes the connection."""
    if breaker.is_open:
        raise OperationalError("PostgreSQL does not answer")
    if breaker.has_tripped:
        _refuse_if_silent()
        breaker.reset()
    health.wait_until_ready(connection, lambda: QUIET_SECONDS, _refuse_if_silent)


def _refuse_if_silent() -> None:
    """OperationalError when PostgreSQL does not answer; a refusal, such as "too many clients", is an answer."""
    if health.examine(health.database)["database"].is_silent:
        error = OperationalError("PostgreSQL does not answer")
        breaker.trip(error)
        raise error
