"""A new file column is declared, and nothing else: exports and backups count its files.

The rest: tests/test_new_file_column.py.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from core.files.row_files import files_of_row
from operations.backup.backup_file import BackupFile
from operations.backup.create import create_backup
from operations.backup.restore import restore_backup
from operations.backup.schema import migrate_to
from operations.transfer.exports import export_network
from operations.transfer.files.uploads import MissingFiles
from operations.transfer.source import SqliteSource
from operations.transfer.tables import all_tables
from tests.filing import installed
from tests.filing.material import COLUMNS, make_sheet
from tests.filing.models import Sheet, Shelf

from .conftest import Server, new_server, use_server


@pytest.fixture
def sheet(network: Server) -> Iterator[Sheet]:
    """A row with all files, on the server of the settings, in an app that brings its own migration."""
    with installed():
        migrate_to([("filing", "0001_initial")])
        yield make_sheet(Shelf.objects.create())


def columns_of(missing: MissingFiles) -> list[str]:
    assert {(problem.table, missing.rows) for problem in missing.problems} <= {
        ("filing.sheet", len(missing.problems))
    }
    return sorted(problem.field for problem in missing.problems)


def lose_one_of_each(sheet: Sheet) -> None:
    """The last file of each column is gone, that of the plain text too."""
    files = {name.rpartition("-")[0] or name: name for name in files_of_row(sheet)}
    assert len(files) == len(COLUMNS)
    for name in [*files.values(), sheet.note]:
        default_storage.delete(name)


def test_a_backup_takes_the_files_along_and_names_those_that_are_missing(
    network: Server, sheet: Sheet, tmp_path: Path
) -> None:
    made = create_backup(tmp_path / "backups", "")
    assert columns_of(made.missing) == []
    assert {*files_of_row(sheet)} <= {name for name, _content in made.backup.read_files()}
    with new_server(tmp_path) as server, use_server(server):
        assert restore_backup(BackupFile(made.file, "")).findings.is_same
        assert files_of_row(Sheet.objects.get()) == files_of_row(sheet)
        assert {*files_of_row(sheet)} <= set(server.files())
    lose_one_of_each(sheet)
    again = create_backup(tmp_path / "again", "")
    assert (columns_of(again.missing), again.is_whole) == (list(COLUMNS), False)


@pytest.mark.sqlite_only
def test_an_export_takes_the_files_along_and_names_those_that_are_missing(
    network: Server, sheet: Sheet, tmp_path: Path
) -> None:
    def missing(folder: str) -> list[str]:
        with closing(SqliteSource(Path(network.name), network.media, all_tables())) as source:
            return columns_of(export_network(source, tmp_path / folder).missing)

    assert missing("whole") == []
    assert all((tmp_path / "whole" / "media" / name).is_file() for name in files_of_row(sheet))
    lose_one_of_each(sheet)
    assert missing("again") == list(COLUMNS)
