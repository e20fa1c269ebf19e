"""`manage.py migrate` beside others who use the tables, on a real PostgreSQL."""

import threading
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db.migrations.executor import MigrationExecutor

from core.database import migration_locks
from core.tests.test_migration_locks import connection, somebody

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]

READ = "SELECT count(*) FROM core_cacheentry"


@pytest.fixture(autouse=True)
def _at_the_end_all_tables_are_there() -> Iterator[None]:
    yield
    plan = MigrationExecutor(connection)
    if plan.migration_plan(plan.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration_locks, "PAUSES", (0.3,))


def is_there() -> bool:
    return "core_cacheentry" in connection.introspection.table_names()


def patch_unapply(monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    """Let whatever is taken back do this instead."""

    def run(self: MigrationExecutor, *args: object, **options: object) -> None:
        with self.connection.schema_editor(atomic=True) as editor:
            editor.execute(statement, params=None)

    monkeypatch.setattr(MigrationExecutor, "unapply_migration", run)


def test_without_anybody_it_is_djangos(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("migrate", "core", "zero", verbosity=0)
    assert not is_there()
    call_command("migrate", "core", verbosity=0)
    assert is_there()
    assert capsys.readouterr().err == ""


@pytest.mark.postgres_only
def test_it_gives_up_says_who_is_in_the_way_and_leaves_nothing_half_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("migrate", "core", "0001_initial", verbosity=0)
    with somebody(READ) as other:
        pid = other.info.backend_pid
        with pytest.raises(CommandError) as raised:
            call_command("migrate", "core", "zero", verbosity=0, tries=2)
    assert "core.0001_initial could not get its lock" in str(raised.value)
    assert f"SELECT pg_terminate_backend({pid});" in str(raised.value)
    said = capsys.readouterr().err
    assert said.count("nightly report") == 2
    assert said.count("Trying again") == 1
    assert is_there()
    call_command("migrate", "core", "0001_initial", check_unapplied=True, verbosity=0)


@pytest.mark.postgres_only
def test_it_comes_through_when_the_other_one_goes() -> None:
    with somebody(READ) as other:
        leaves = threading.Timer(1.5, other.rollback)
        leaves.start()
        call_command("migrate", "core", "zero", verbosity=0, tries=30)
        leaves.join()
    assert not is_there()


@pytest.mark.postgres_only
def test_what_holds_a_table_for_too_long_ends_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration_locks, "MAX_LOCK_SECONDS", 0.3)
    patch_unapply(monkeypatch, "LOCK TABLE core_cacheentry; SELECT pg_sleep(20)")
    with pytest.raises(CommandError, match=r"held core_cacheentry .* --offline"):
        call_command("migrate", "core", "zero", verbosity=0)
    assert is_there()


@pytest.mark.postgres_only
def test_a_fault_that_does_not_pass_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    patch_unapply(monkeypatch, "SET LOCAL statement_timeout = 100; SELECT pg_sleep(20)")
    with pytest.raises(OperationalError, match="statement timeout"):
        call_command("migrate", "core", "zero", verbosity=0)


@pytest.mark.postgres_only
def test_two_at_once_go_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration_locks, "ADVISORY_LOCK_SECONDS", 0.3)
    with (
        migration_locks.monitor_locks(connection, print),
        pytest.raises(CommandError, match="Another migrate has been running"),
    ):
        call_command("migrate", verbosity=0)
    call_command("migrate", verbosity=0)


@pytest.mark.postgres_only
def test_looking_takes_no_turn() -> None:
    with migration_locks.monitor_locks(connection, print):
        call_command("migrate", check_unapplied=True, verbosity=0)


@pytest.mark.postgres_only
def test_behind_pgbouncer_it_says_what_it_cannot_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    call_command("migrate", verbosity=0)
    assert "DB_BEHIND_PGBOUNCER" in capsys.readouterr().err
