"""Limits the locks of `migrate` on PostgreSQL: it waits briefly, holds locks briefly, and runs alone.

While a schema change waits for its lock, all later queries of the table wait behind it, even reads. So it waits for
LOCK_WAIT at most and retries later. A LockMonitor on a second connection finds the blocking sessions, and cancels a
transaction that locks a table for longer than MAX_LOCK_SECONDS, which rolls it back. Both together stay below the
`lock_timeout` of the pages (5 s, settings/production.py), so that no request fails. docs/decisions/0021.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

Report = Callable[[str], Any]

LOCK_WAIT = 1.0
# Seconds; less than the promised 3 s, since polling and cancelling take time.
MAX_LOCK_SECONDS = 2.5
# Seconds between two tries: a minute altogether.
PAUSES = (2, 2, 4, 8, 15, 30)
# Key of the advisory lock that lets only one `migrate` run; any constant number.
ADVISORY_KEY = 5_208_371_905
ADVISORY_LOCK_SECONDS = 900.0
POLL_SECONDS = 0.1
# A longer wait is reported on the console.
LONG_WAIT = 5.0

# Lock modes that block readers or writers of a table.
BLOCKING_MODES = ["ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"]
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
_LOCK_HOLDERS = _SESSIONS.format(
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


class MigrationLockTimeout(Exception):
    """Another `migrate` has been running for ADVISORY_LOCK_SECONDS."""


@dataclass(frozen=True)
class Session:
    """A session of PostgreSQL, without its query text, which may be private."""

    pid: int
    name: str
    user: str
    address: str
    seconds: float

    def __str__(self) -> str:
        return f"process {self.pid} ({self.name}, user {self.user} from {self.address}), for {self.seconds:.0f} s"


def can_be_monitored(connection: BaseDatabaseWrapper) -> bool:
    """Return whether this is PostgreSQL without PgBouncer, which shares sessions, with their limits and locks."""
    return connection.vendor == "postgresql" and not connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]


@contextmanager
def migration_limits(connection: BaseDatabaseWrapper, *, offline: bool = False) -> Iterator[None]:
    """Reconnect with the limits of a migration instead of those of pages.

    They are session defaults, so that RESET and reconnecting restore them. Statements have no time limit (an index of a
    large table); with `offline`, neither has waiting for a lock.
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
    """Watches the session of `connection` from a second one: what blocks it, and for how long it blocks others."""

    def __init__(self, connection: BaseDatabaseWrapper, report: Report) -> None:
        self.blockers: list[Session] = []
        """The sessions that blocked the last wait."""
        self.cancelled: list[str] = []
        """The tables that were locked for too long."""
        self._monitored = connection
        self._report = report
        self._connection = connection.copy()
        self._connection.inc_thread_sharing()
        self._tables: list[int] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._monitor_until_stopped, name="monitor-migrate", daemon=True
        )
        self._held_since: tuple[str, float] = ("", 0.0)
        self._waits_since: float | None = None

    def acquire_lock(self) -> bool:
        """Wait until no other `migrate` runs on this database; return False when that takes too long."""
        begun, is_reported = time.monotonic(), False
        while not self._fetch_rows("SELECT pg_try_advisory_lock(%s)", [ADVISORY_KEY])[0][0]:
            if not is_reported:
                others = self._fetch_sessions(_LOCK_HOLDERS, [ADVISORY_KEY >> 32, ADVISORY_KEY & 0xFFFFFFFF])
                self._report(f"Another migrate is running; waiting for it: {'; '.join(map(str, others))}")
                is_reported = True
            if time.monotonic() - begun > ADVISORY_LOCK_SECONDS:
                return False
            time.sleep(POLL_SECONDS * 2)
        return True

    def start(self) -> None:
        """Start monitoring. Tables that are created later are not used yet and may stay locked."""
        self._tables = [oid for (oid,) in self._fetch_rows(_TABLES)]
        self._thread.start()

    def stop(self) -> None:
        """Stop monitoring and release the advisory lock."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._connection.close()

    def _fetch_rows(self, statement: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def _fetch_sessions(self, statement: str, parameters: list[Any]) -> list[Session]:
        return [Session(*row) for row in self._fetch_rows(statement, parameters)]

    def _monitor_until_stopped(self) -> None:
        try:
            while not self._stopped.wait(POLL_SECONDS):
                session = self._monitored.connection
                if session is None or session.closed:
                    continue
                pid, now = session.info.backend_pid, time.monotonic()
                blockers = self._fetch_sessions(_BLOCKERS, [pid])
                self.blockers = blockers or self.blockers
                if not blockers:
                    self._waits_since = None
                elif self._waits_since is None:
                    self._waits_since = now
                elif now - self._waits_since > LONG_WAIT:
                    self._report(f"Still waiting for {'; '.join(map(str, blockers))}")
                    self._waits_since = now + 30 - LONG_WAIT
                self._cancel_long_locks(pid)
        except DatabaseError as error:
            self._report(f"Locks are no longer monitored: {error}".strip())

    def _cancel_long_locks(self, pid: int) -> None:
        """Cancel the transaction that has locked a table for MAX_LOCK_SECONDS.

        This is repeated: a cancellation between two statements has no effect.
        """
        now = time.monotonic()
        for transaction, tables in self._fetch_rows(_HELD, [pid, BLOCKING_MODES, self._tables]):
            known, since = self._held_since
            if known != transaction:
                self._held_since = (transaction, now)
            elif now - since > MAX_LOCK_SECONDS:
                self.cancelled = tables
                self._fetch_rows(_CANCEL, [pid, transaction])


@contextmanager
def monitor_locks(
    connection: BaseDatabaseWrapper, report: Report, *, offline: bool = False
) -> Iterator[LockMonitor]:
    """Hold the advisory lock and monitor the connection during the block. Raises MigrationLockTimeout.

    With `offline` there are no visitors who could wait, and locks are not monitored.
    """
    monitor = LockMonitor(connection, report)
    try:
        if not monitor.acquire_lock():
            raise MigrationLockTimeout
        if not offline:
            monitor.start()
        yield monitor
    finally:
        monitor.stop()
