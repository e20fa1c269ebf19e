"""Health checks of the database and Redis (R15): a real round trip each, in bounded time, even when one hangs."""

import logging
import secrets
import select
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Literal

import psycopg2
import psycopg2.extensions
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .breaker import WARN_EVERY
from .redis_errors import describe_redis_error
from .throttle import Throttle

logger = logging.getLogger(__name__)

# How long one check may take, in seconds; a response to a monitor takes hardly longer.
TIMEOUT_SECONDS = 0.8
# The lifetime of a probe's key in Redis when it could not be deleted.
PROBE_MILLISECONDS = 10_000

Status = Literal["ok", "failing", "not configured"]


@dataclass(frozen=True)
class ProbeResult:
    """The status that a probe found, and the milliseconds that it took."""

    status: Status
    milliseconds: float | None = None
    is_silent: bool = False  # no response at all, as of a server that is stopped or unreachable

    @property
    def is_good(self) -> bool:
        return self.status != "failing"


@dataclass
class _Check:
    """One running round trip, in a separate thread."""

    started: float = field(default_factory=time.monotonic)
    finished: Event = field(default_factory=Event)
    result: ProbeResult = ProbeResult("failing")


class Probe:
    """Checks whether one server responds.

    At most one check is running: callers meanwhile wait for its result, so that hung checks never pile up. `ask`
    returns the status or raises; exceptions are logged by class only, and never shown.
    """

    def __init__(self, name: str, ask: Callable[[], Status], *, timeout: float = TIMEOUT_SECONDS) -> None:
        self.name = name
        self._ask = ask
        self._timeout = timeout
        self._warnings = Throttle(WARN_EVERY)
        self._lock = Lock()
        self._check: _Check | None = None

    def start_check(self) -> _Check:
        """Return the running check, or start a new one."""

        def run_check(check: _Check) -> None:
            status: Status = "failing"
            is_silent = False
            try:
                status = self._ask()
            except Exception as error:  # noqa: BLE001 -- whatever it is, the server does not answer
                is_silent = isinstance(error, TimeoutError)
                self._log_failure(describe_redis_error(error))
            seconds = time.monotonic() - check.started
            check.result = ProbeResult(status, round(seconds * 1000, 1), is_silent)
            check.finished.set()

        with self._lock:
            check = self._check
            if check is None or check.finished.is_set():
                check = self._check = _Check()
                Thread(target=run_check, args=(check,), name=f"health-{self.name}", daemon=True).start()
            return check

    def wait_for_result(self, check: _Check) -> ProbeResult:
        """Return the result of `check`; failing when it takes too long."""
        left = check.started + self._timeout - time.monotonic()
        if check.finished.wait(max(0.0, left)):
            return check.result
        self._log_failure(f"does not answer (no answer within {self._timeout:.1f} s)")
        return ProbeResult("failing", is_silent=True)

    def _log_failure(self, reason: str) -> None:
        """Warn at most once a minute, without the text of the error, which may contain a URL with a password."""
        if self._warnings.allow():
            logger.warning("health: %s %s", self.name, reason)


def run_probes(*probes: Probe) -> dict[str, ProbeResult]:
    """Run all `probes` at once; takes as long as the slowest, at most its timeout."""
    checks = [(probe, probe.start_check()) for probe in probes]
    return {probe.name: probe.wait_for_result(check) for probe, check in checks}


def wait_until_ready(
    connection: psycopg2.extensions.connection,
    seconds_left: Callable[[], float],
    on_silence: Callable[[], None],
) -> None:
    """Drive an asynchronous psycopg2 connection until it is ready.

    `on_silence` is called whenever the server has sent nothing for `seconds_left()`; it may raise to give up.
    """
    while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
        waiter = select.poll()
        waiter.register(
            connection, select.POLLIN if state == psycopg2.extensions.POLL_READ else select.POLLOUT
        )
        if not waiter.poll(max(0.0, seconds_left()) * 1000):
            on_silence()


def _time_out() -> None:
    raise TimeoutError


def ask_database() -> Status:
    """Make a round trip to the database on a new connection; raises when it does not respond (R15.2)."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    parameters = wrapper.get_connection_params()
    if wrapper.vendor == "postgresql":
        # Asynchronous, because libpq's own timeouts are at least two seconds.
        until = time.monotonic() + TIMEOUT_SECONDS * 0.9
        parameters.pop("cursor_factory", None)
        server = psycopg2.connect(**parameters, async_=True)
        try:
            wait_until_ready(server, lambda: until - time.monotonic(), _time_out)
            cursor = server.cursor()
            cursor.execute("SELECT 1")
            wait_until_ready(server, lambda: until - time.monotonic(), _time_out)
            if cursor.fetchone() != (1,):
                raise ValueError
        finally:
            server.close()
        return "ok"
    # Not through Django: this thread ends soon, and a cached connection proves nothing.
    connection = sqlite3.connect(
        parameters["database"],
        uri=True,
        timeout=TIMEOUT_SECONDS,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA schema_version").fetchone()  # reads the file, as SELECT 1 would not
    finally:
        connection.close()
    return "ok"


def ask_redis() -> Status:
    """Write and delete a key on a new connection; raises when Redis does not respond or refuses (R15.3).

    A read-only replica, a Redis whose memory is full, and one that refuses writes since its last snapshot failed would
    all respond to PING; the cache and live updates need writes.
    """
    url = getattr(settings, "REDIS_URL", "")
    if not url:
        return "not configured"
    seconds = TIMEOUT_SECONDS / 2
    client = Redis.from_url(
        url, socket_connect_timeout=seconds, socket_timeout=seconds, retry=Retry(NoBackoff(), 0)
    )
    try:
        write_probe(client)
    finally:
        client.close()
    return "ok"


def write_probe(client: "Redis") -> None:
    """Set and delete a short-lived key. Raises the error of Redis, or ValueError when the key is lost."""
    key = f"linkup:probe:{secrets.token_hex(8)}"
    if not client.set(key, b"1", px=PROBE_MILLISECONDS) or client.delete(key) != 1:
        raise ValueError("the key that was written is gone")


database = Probe("database", ask_database)
redis = Probe("redis", ask_redis)
