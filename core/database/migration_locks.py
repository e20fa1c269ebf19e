"""How `migrate` behaves beside visitors on PostgreSQL: it waits briefly, holds briefly, and runs alone.

While a change of a table waits for its lock, everybody who comes later waits behind it, readers too. So it waits for
LOCK_WAIT at most and tries again later. A LockMonitor, on a second connection, sees who is in the way, and
cancels what holds a table for longer than MAX_LOCK_SECONDS; what is cancelled is rolled back. Both together stay
below the `lock_timeout` of the pages (5 s, settings/production.py), so that no visitor gives up. docs/decisions/0021.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

Say = Callable[[str], Any]

LOCK_WAIT = 1.0
# Seconds; less than the 3 s that are promised, since the look and the cancelling take their time.
MAX_LOCK_SECONDS = 2.5
# How long to leave visitors alone between two tries: a minute altogether.
PAUSES = (2, 2, 4, 8, 15, 30)
# Any number will do, as long as it stays the same: the lock that keeps two `migrate` apart.
ADVISORY_KEY = 5_208_371_905
TURN_WAIT = 900.0
LOOK_EVERY = 0.1
# A wait of that length is told to whoever watches the command.
LONG_WAIT = 5.0

# What readers or writers of a table wait for.
IN_THE_WAY = ["ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"]
_TABLES = """
SELECT oid::bigint FROM pg_class
WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""
_SESSIONS = """
SELECT pid, coalesce(nullif(application_name, ''), 'no name'), usename,
       coalesce(host(client_addr), 'an unknown address'),
       coalesce(extract(epoch FROM clock_timestamp() - coalesce(xact_start, backend_start)), 0)::float
FROM pg_stat_activity WHERE pid = ANY({pids}) ORDER BY 5 DESC
"""
_BLOCKERS = _SESSIONS.format(pids="pg_blocking_pids(%s)")
_TURN_HOLDERS = _SESSIONS.format(
    pids="ARRAY(SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
)
_HELD = """
SELECT activity.xact_start::text, array_agg(DISTINCT relation::regclass::text)
FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
WHERE pid = %s AND locktype = 'relation' AND granted AND mode = ANY(%s) AND relation = ANY(%s::bigint[]::oid[])
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
GROUP BY 1
"""
_CANCEL = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = %s AND xact_start::text = %s"


class TurnNeverCame(Exception):
    """Another `migrate` has been at work for TURN_WAIT."""


@dataclass(frozen=True)
class Session:
    """Somebody's connection to PostgreSQL, without what it asks for: that may be private."""

    pid: int
    name: str
    user: str
    address: str
    seconds: float

    def __str__(self) -> str:
        return f"process {self.pid} ({self.name}, user {self.user} from {self.address}), for {self.seconds:.0f} s"


def can_be_watched(connection: BaseDatabaseWrapper) -> bool:
    """Whether this is PostgreSQL itself: behind PgBouncer no session is ours, so neither limits nor locks would be."""
    return connection.vendor == "postgresql" and not connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]


@contextmanager
def limits(connection: BaseDatabaseWrapper, *, offline: bool = False) -> Iterator[None]:
    """The connection is made anew, with the limits of a migration in place of those of the pages.

    They are set at the start of the session, so that RESET and a new connection come back to them. A statement may take
    its time (an index of a large table); with `offline` waiting for a lock may, too.
    """
    usual = connection.settings_dict
    waits = 0 if offline else int(LOCK_WAIT * 1000)
    options = f"{usual['OPTIONS'].get('options', '')} -c statement_timeout=0 -c lock_timeout={waits}".strip()
    ours = {**usual["OPTIONS"], "options": options, "application_name": "linkup-migrate"}
    connection.close()
    connection.settings_dict = {**usual, "OPTIONS": ours}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = usual


class LockMonitor:
    """Looks at the session of `connection` from another one: who is in its way, and for how long it is in others'."""

    def __init__(self, connection: BaseDatabaseWrapper, say: Say) -> None:
        self.blockers: list[Session] = []
        """Who was in the way when we waited last."""
        self.cancelled: list[str] = []
        """The tables whose lock was held for too long."""
        self._watched = connection
        self._say = say
        self._own = connection.copy()
        self._own.inc_thread_sharing()
        self._tables: list[int] = []
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch-migrate", daemon=True)
        self._holds: tuple[str, float] = ("", 0.0)
        self._waits_since: float | None = None

    def take_turn(self) -> bool:
        """Wait until no other `migrate` runs on this database; False when that takes too long."""
        begun, told = time.monotonic(), False
        while not self._ask("SELECT pg_try_advisory_lock(%s)", [ADVISORY_KEY])[0][0]:
            if not told:
                others = self._sessions(_TURN_HOLDERS, [ADVISORY_KEY >> 32, ADVISORY_KEY & 0xFFFFFFFF])
                self._say(f"Another migrate runs, this one waits: {'; '.join(map(str, others))}")
                told = True
            if time.monotonic() - begun > TURN_WAIT:
                return False
            time.sleep(LOOK_EVERY * 2)
        return True

    def start(self) -> None:
        """Begin to look. Tables that come later are nobody's yet, and may be held as long as it takes."""
        self._tables = [oid for (oid,) in self._ask(_TABLES)]
        self._thread.start()

    def stop(self) -> None:
        """Look no more; the turn is the next one's."""
        self._enough.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._own.close()

    def _ask(self, statement: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        with self._own.cursor() as cursor:
            cursor.execute(statement, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def _sessions(self, statement: str, parameters: list[Any]) -> list[Session]:
        return [Session(*row) for row in self._ask(statement, parameters)]

    def _watch(self) -> None:
        try:
            while not self._enough.wait(LOOK_EVERY):
                session = self._watched.connection
                if session is not None and not session.closed:
                    pid = session.info.backend_pid
                    self._look_who_is_in_the_way(pid)
                    self._look_what_is_held(pid)
        except DatabaseError as error:
            self._say(f"Nobody looks at the locks any more: {error}".strip())

    def _look_who_is_in_the_way(self, pid: int) -> None:
        now = time.monotonic()
        blockers = self._sessions(_BLOCKERS, [pid])
        if not blockers:
            self._waits_since = None
            return
        self.blockers = blockers
        if self._waits_since is None:
            self._waits_since = now
        elif now - self._waits_since > LONG_WAIT:
            self._say(f"Still waiting for {'; '.join(map(str, blockers))}")
            self._waits_since = now + 30 - LONG_WAIT

    def _look_what_is_held(self, pid: int) -> None:
        """Cancel the transaction that has held a table for MAX_LOCK_SECONDS, again and again: between two it hears
        nothing."""
        now = time.monotonic()
        for transaction, tables in self._ask(_HELD, [pid, IN_THE_WAY, self._tables]):
            known, since = self._holds
            if known != transaction:
                self._holds = (transaction, now)
            elif now - since > MAX_LOCK_SECONDS:
                self.cancelled = tables
                self._ask(_CANCEL, [pid, transaction])


@contextmanager
def watched(connection: BaseDatabaseWrapper, say: Say, *, offline: bool = False) -> Iterator[LockMonitor]:
    """A LockMonitor over the connection for the time of the block, and its turn. Raises TurnNeverCame.

    With `offline` nobody is there who could wait: what is held is not looked at.
    """
    watch = LockMonitor(connection, say)
    try:
        if not watch.take_turn():
            raise TurnNeverCame
        if not offline:
            watch.start()
        yield watch
    finally:
        watch.stop()
