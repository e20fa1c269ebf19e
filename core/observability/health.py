"""Checks that the database and Redis answer (R15): a real round trip each, in bounded time, even when one hangs."""

import logging
import secrets
import select
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any, Literal

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

# How long one question may take, in seconds; an answer to a monitor takes hardly longer than that.
PATIENCE = 0.8
# How long a key of a check lives in Redis when it could not be deleted.
PROBE_MILLISECONDS = 10_000

Status = Literal["ok", "failing", "not configured"]


@dataclass(frozen=True)
class Finding:
    """What one check found, and after how many milliseconds."""

    status: Status
    milliseconds: float | None = None
    is_silent: bool = False  # failing without a word, as a server that is stopped or unreachable

    @property
    def is_good(self) -> bool:
        return self.status != "failing"


@dataclass
class _Question:
    """One round trip under way in a thread of its own."""

    asked: float = field(default_factory=time.monotonic)
    answered: Event = field(default_factory=Event)
    finding: Finding = Finding("failing")


class Probe:
    """Asks one server whether it answers.

    At most one question is under way: who comes meanwhile waits for its answer, so hung questions never pile up.
    `ask` returns what was found or raises; what it raises is logged by class alone, and never shown.
    """

    def __init__(self, name: str, ask: Callable[[], Status], *, patience: float = PATIENCE) -> None:
        self.name = name
        self._ask = ask
        self._patience = patience
        self._warnings = Throttle(WARN_EVERY)
        self._lock = Lock()
        self._question: _Question | None = None

    def start(self) -> _Question:
        """The question under way, or a new one."""
        with self._lock:
            question = self._question
            if question is None or question.answered.is_set():
                question = self._question = _Question()
                Thread(target=self._run, args=(question,), name=f"health-{self.name}", daemon=True).start()
            return question

    def answer(self, question: _Question) -> Finding:
        """What `question` found; failing when it has had its time."""
        left = question.asked + self._patience - time.monotonic()
        if question.answered.wait(max(0.0, left)):
            return question.finding
        self._warn(f"does not answer (no answer within {self._patience:.1f} s)")
        return Finding("failing", is_silent=True)

    def _run(self, question: _Question) -> None:
        status: Status = "failing"
        silent = False
        try:
            status = self._ask()
        except Exception as error:  # noqa: BLE001 -- whatever it is, the server does not answer
            silent = isinstance(error, TimeoutError)
            self._warn(describe_redis_error(error))
        taken = time.monotonic() - question.asked
        question.finding = Finding(status, round(taken * 1000, 1), silent)
        question.answered.set()

    def _warn(self, reason: str) -> None:
        """At most once a minute: monitors ask often. The text of an error stays out, it may hold an address."""
        if self._warnings.allow():
            logger.warning("health: %s %s", self.name, reason)


def examine(*probes: Probe) -> dict[str, Finding]:
    """Ask all `probes` at once; takes as long as the slowest, at most its patience."""
    questions = [(probe, probe.start()) for probe in probes]
    return {probe.name: probe.answer(question) for probe, question in questions}


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


def _ask_postgres(parameters: dict[str, Any]) -> None:
    """A connection of its own and SELECT 1. Asynchronous, because libpq's own limits begin at two seconds."""
    until = time.monotonic() + PATIENCE * 0.9

    def seconds_left() -> float:
        return until - time.monotonic()

    plain = {name: value for name, value in parameters.items() if name != "cursor_factory"}
    connection = psycopg2.connect(**plain, async_=True)
    try:
        wait_until_ready(connection, seconds_left, _time_out)
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        wait_until_ready(connection, seconds_left, _time_out)
        if cursor.fetchone() != (1,):
            raise ValueError
    finally:
        connection.close()


def ask_database() -> Status:
    """A round trip to the database on a connection of its own; raises when there is no answer (R15.2)."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    if wrapper.vendor == "postgresql":
        _ask_postgres(wrapper.get_connection_params())
        return "ok"
    # Not through Django: this is one of our own threads, and no cached connection counts.
    connection = sqlite3.connect(
        wrapper.get_connection_params()["database"], uri=True, timeout=PATIENCE, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA schema_version").fetchone()  # reads the file, as SELECT 1 would not
    finally:
        connection.close()
    return "ok"


def ask_redis() -> Status:
    """Write and read a key on a connection of its own; raises when Redis does not answer or refuses (R15.3).

    A PING would be answered by a read-only replica, by a Redis whose memory is full, and by one that refuses writes
    since its last snapshot failed; the cache and live updates need one that takes writes.
    """
    url = getattr(settings, "REDIS_URL", "")
    if not url:
        return "not configured"
    client = Redis.from_url(
        url, socket_connect_timeout=PATIENCE / 2, socket_timeout=PATIENCE / 2, retry=Retry(NoBackoff(), 0)
    )
    try:
        write_probe(client)
    finally:
        client.close()
    return "ok"


def write_probe(client: "Redis") -> None:
    """Raise what Redis raises when it does not take a key with a short life, or does not give it back."""
    key = f"linkup:probe:{secrets.token_hex(8)}"
    if not client.set(key, b"1", px=PROBE_MILLISECONDS) or client.delete(key) != 1:
        raise ValueError("the key that was written is gone")


database = Probe("database", ask_database)
redis = Probe("redis", ask_redis)
