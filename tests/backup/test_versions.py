"""Backups of another version: an older one is brought forward, a newer one is refused, and `migrate` may wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from operations.backup import restore, targets
from operations.backup.backup_file import BackupFile
from operations.backup.create import create_backup
from operations.backup.restore import restore_backup
from operations.backup.schema import Migrations, reorder_columns
from operations.transfer.problems import TransferRefused
from operations.transfer.tables import all_tables

from .conftest import Server, use_server

NEXT_VERSION = {"feed": "tests.backup.next_version.migrations"}


@contextmanager
def next_version() -> Iterator[None]:
    """Inside, the code is a newer one."""
    with override_settings(MIGRATION_MODULES=NEXT_VERSION):
        yield


def test_an_older_one_is_restored_as_it_was_and_brought_forward(prepared: Server, plain: Path) -> None:
    with next_version():
        done = restore_backup(BackupFile(plain, ""))
    assert (done.findings.is_same, done.forward) == (True, 1)
    assert sorted(prepared.run("SELECT name, color FROM feed_tag")) == [
        ("größe", "none"),
        ("next_version", "blue"),
    ]
    assert prepared.count("feed_later") == 0


def test_what_differs_from_the_backup_is_not_brought_forward(
    prepared: Server, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever looks for what went wrong finds the tables as the backup has them.
    import_rows = restore._import_rows

    def import_and_spoil(*arguments: Any) -> Any:
        outcome = import_rows(*arguments)
        prepared.run("UPDATE feed_tag SET name = 'spoilt'")
        return outcome

    monkeypatch.setattr(restore, "_import_rows", import_and_spoil)
    with next_version():
        done = restore_backup(BackupFile(plain, ""))
    assert not done.findings.is_same
    assert prepared.run("SELECT count(*) FROM django_migrations WHERE name = '0005_next_version'") == [(0,)]


def test_a_database_in_which_another_backup_was_begun_is_refused(
    network: Server, empty: Server, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with next_version():
        newer = _create_newer_backup(network, tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr(
                targets, "tables_with_rows", lambda tables: (_ for _ in ()).throw(KeyboardInterrupt)
            )
            with pytest.raises(KeyboardInterrupt):
                restore_backup(newer)
        before = empty.tables()
        with pytest.raises(TransferRefused, match="a restore of another backup was begun in it") as refused:
            restore_backup(BackupFile(plain, ""))
        assert "feed.0005_next_version" in str(refused.value)
        assert empty.tables() == before >= {targets.UNFINISHED_TABLE, "feed_later"}
        assert restore_backup(newer).findings.is_same


def test_a_newer_one_is_refused_with_what_to_do(network: Server, tmp_path: Path) -> None:
    with next_version():
        call_command("migrate", verbosity=0)
        made = create_backup(tmp_path / "newer.backup", "")
        assert made.backup.manifest.tables["feed.later"].rows == 0
    with pytest.raises(TransferRefused) as refused:
        restore_backup(BackupFile(made.file, ""))
    output = str(refused.value)
    assert "is of a newer LinkUp than this code" in output
    assert "Install that version and run the command again" in output
    assert "feed.0005_next_version" in output


def test_before_migrate_the_backup_is_of_the_old_tables(network: Server, plain: Path, tmp_path: Path) -> None:
    with next_version():
        made = create_backup(tmp_path / "before.backup", "")
    assert made.backup.manifest.migrations == BackupFile(plain, "").manifest.migrations
    assert made.backup.manifest.tables == BackupFile(plain, "").manifest.tables


def test_what_migrations_put_in_is_there_once(network: Server, empty: Server, tmp_path: Path) -> None:
    """`empty` is the server of the settings here."""
    with next_version():
        done = restore_backup(_create_newer_backup(network, tmp_path))
        assert (done.findings.is_same, done.forward) == (True, 0)
    assert sorted(empty.run("SELECT name, color FROM feed_tag")) == [("größe", "none"), ("mine", "red")]


def _create_newer_backup(network: Server, folder: Path) -> BackupFile:
    with use_server(network):
        call_command("migrate", verbosity=0)
        network.run("UPDATE feed_tag SET name = 'mine', color = 'red' WHERE name = 'next_version'")
        return create_backup(folder / "newer.backup", "").backup


def test_tables_of_the_migrations_are_those_of_the_models() -> None:
    code = Migrations()
    of_models = {table.label: table for table in all_tables()}
    of_migrations = {table.label: table for table in code.tables_after(code.known)}
    assert set(of_migrations) == set(of_models)
    for label, table in of_models.items():
        found = reorder_columns(of_migrations[label], table.fields)
        assert found.name == table.name
        assert [column.name for column in found.columns] == [column.name for column in table.columns]
        assert [found.columns[index].name for index in found.key] == [
            table.columns[index].name for index in table.key
        ]


def test_columns_that_were_changed_without_a_migration_are_refused(
    empty: Server, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = BackupFile(plain, "")
    backup.manifest.columns["feed.tag"].append("color")
    with pytest.raises(TransferRefused, match="has other tables or columns than this code"):
        restore_backup(backup)
    assert empty.tables() == set()
