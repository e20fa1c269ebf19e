"""core.database.migration_locks: session limits, the advisory lock, and the lock monitor."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction
from psycopg2 import errors

from core.database import migration_locks
from tests.cases import all_cases

pytestmark = [pytest.mark.postgres_only, pytest.mark.django_db(transaction=True)]

TABLE = "core_cacheentry"
# This thread's; `django.db.connection` would be another one in the thread that watches.
connection = connections[DEFAULT_DB_ALIAS]


def ask(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return str(cursor.fetchone()[0])


def say_nothing(words: str) -> None:
    """For those who do not listen."""


@contextmanager
def somebody(
    statement: str = "SELECT 1", name: str = "nightly report"
) -> Iterator[psycopg2.extensions.connection]:
    """Another session, which has begun a transaction with the statement."""
    parameters = {**connection.get_connection_params(), "application_name": name}
    parameters.pop("cursor_factory", None)
    other = psycopg2.connect(**parameters)
    try:
        other.cursor().execute(statement)
        yield other
    finally:
        other.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing takes long here, and yet so long that a busy machine does not matter."""
    monkeypatch.setattr(migration_locks, "MAX_LOCK_SECONDS", 0.9)
    monkeypatch.setattr(migration_locks, "ADVISORY_LOCK_SECONDS", 0.3)


def test_limits_are_those_of_a_migration_and_survive_reset() -> None:
    usual = ask("SHOW statement_timeout"), ask("SHOW lock_timeout")
    with migration_locks.migration_limits(connection):
        connection.cursor().execute("SET lock_timeout = 0")
        connection.cursor().execute("RESET lock_timeout")
        assert (ask("SHOW statement_timeout"), ask("SHOW lock_timeout")) == ("0", "1s")
        assert ask("SHOW application_name") == "linkup-migrate"
    assert (ask("SHOW statement_timeout"), ask("SHOW lock_timeout")) == usual
    # Offline it waits for locks without end.
    with migration_locks.migration_limits(connection, offline=True):
        assert ask("SHOW lock_timeout") == "0"
    # Both together are below the limit of the pages.
    assert migration_locks.LOCK_WAIT + migration_locks.MAX_LOCK_SECONDS + migration_locks.POLL_SECONDS * 2 < 5


@pytest.mark.usefixtures("impatient")
def test_who_is_in_the_way_is_known() -> None:
    with (
        somebody("SELECT count(*) FROM core_cacheentry") as other,
        migration_locks.migration_limits(connection),
        migration_locks.monitor_locks(connection, say_nothing) as watch,
    ):
        with pytest.raises(OperationalError) as raised:
            connection.cursor().execute(f"ALTER TABLE {TABLE} ADD COLUMN more integer")
        assert isinstance(raised.value.__cause__, errors.LockNotAvailable)
        [session] = watch.blockers
        assert (session.pid, session.user) == (other.info.backend_pid, other.info.user)
    assert session.name == "nightly report"
    assert f"process {session.pid} (nightly report, user " in str(session)


@pytest.mark.usefixtures("impatient")
def test_what_holds_a_table_for_too_long_is_cancelled() -> None:
    with (
        migration_locks.migration_limits(connection),
        migration_locks.monitor_locks(connection, say_nothing) as watch,
    ):
        begun = time.monotonic()
        with pytest.raises(OperationalError) as raised, transaction.atomic():
            connection.cursor().execute(f"ALTER TABLE {TABLE} ADD COLUMN more integer; SELECT pg_sleep(20)")
        assert time.monotonic() - begun < 15
        assert isinstance(raised.value.__cause__, errors.QueryCanceled)
        assert watch.cancelled == [TABLE]
        assert (
            ask("SELECT count(*) FROM information_schema.columns WHERE table_name = 'core_cacheentry'") == "3"
        )


@pytest.mark.usefixtures("impatient")
def test_what_dawdles_between_two_statements_is_cancelled_too() -> None:
    with (
        migration_locks.migration_limits(connection),
        migration_locks.monitor_locks(connection, say_nothing) as watch,
    ):
        with pytest.raises(OperationalError), transaction.atomic():
            dawdle()
        assert watch.cancelled == [TABLE]


def dawdle() -> None:
    """Hold a table while PostgreSQL has nothing to do that it could cancel."""
    connection.cursor().execute(f"LOCK TABLE {TABLE}")
    time.sleep(migration_locks.MAX_LOCK_SECONDS * 2)
    connection.cursor().execute("SELECT pg_sleep(20)")


@pytest.mark.usefixtures("impatient")
def test_what_is_in_nobodys_way_may_take_its_time() -> None:
    with all_cases() as case:
        for statement, offline in [
            (f"ALTER TABLE {TABLE} ADD COLUMN more integer; SELECT pg_sleep(1.5)", True),
            (
                "CREATE TABLE newcomer (); ALTER TABLE newcomer ADD COLUMN more integer; SELECT pg_sleep(1.5)",
                False,
            ),
            ("SELECT * FROM core_cacheentry FOR UPDATE; SELECT pg_sleep(1.5)", False),
        ]:
            with (
                case(statement),
                migration_locks.migration_limits(connection),
                migration_locks.monitor_locks(connection, say_nothing, offline=offline) as watch,
            ):
                with transaction.atomic():
                    connection.cursor().execute(statement)
                    transaction.set_rollback(True)
                assert watch.cancelled == []


@pytest.mark.usefixtures("impatient")
def test_short_transactions_one_after_the_other_are_not_one_long_one() -> None:
    with (
        migration_locks.migration_limits(connection),
        migration_locks.monitor_locks(connection, say_nothing) as watch,
    ):
        for _ in range(4):
            with transaction.atomic():
                connection.cursor().execute(f"LOCK TABLE {TABLE}; SELECT pg_sleep(0.3)")
        assert watch.cancelled == []


@pytest.mark.usefixtures("impatient")
def test_only_one_has_its_turn() -> None:
    said: list[str] = []
    with migration_locks.migration_limits(connection), migration_locks.monitor_locks(connection, say_nothing):
        with (
            pytest.raises(migration_locks.MigrationLockTimeout),
            migration_locks.monitor_locks(connection, said.append),
        ):
            pass
        assert "process" in said[0]
        assert "linkup-migrate" in said[0]
    with migration_locks.monitor_locks(connection, said.append):
        assert len(said) == 1


def test_behind_pgbouncer_nothing_is_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    assert migration_locks.can_be_monitored(connection)
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    assert not migration_locks.can_be_monitored(connection)
