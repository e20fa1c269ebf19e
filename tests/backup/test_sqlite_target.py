"""Restoring into the SQLite file of a developer's machine: what only this database does otherwise."""

from contextlib import closing
from pathlib import Path

import pytest
from django.db.backends.sqlite3.base import DatabaseWrapper

from operations.backup.backup_file import BackupFile
from operations.backup.restore import restore_backup
from operations.backup.schema import Migrations
from operations.backup.sqlite_target import SqliteTarget
from operations.transfer.problems import TransferRefused
from tests.transfer.network import POSTS

from .conftest import Server

pytestmark = pytest.mark.sqlite_only


def test_the_comparison_reads_sequences_and_orphans_of_sqlite(network: Server, plain: Path) -> None:
    backup = BackupFile(plain, "")
    backup.find_tables(Migrations())
    tables = {table.label: table for table in backup.tables}
    posts, comments, profiles = tables["feed.post"], tables["feed.comment"], tables["users.profile"]
    issued = backup.manifest.tables["feed.post"].sequence
    network.run("UPDATE feed_comment SET author_id = 777 WHERE id = 8")
    with closing(SqliteTarget(Path(network.name), network.media, backup.tables)) as target:
        assert [target.sequence_of(table) for table in (posts, profiles)] == ["feed_post", None]
        assert (target.next_id("feed_post"), target.highest_id(posts)) == (issued + 1, POSTS)
        assert target.invalid_references(posts) == []
        (orphan,) = target.invalid_references(comments)
        assert (orphan.table, orphan.row, orphan.field) == ("feed.comment", "8", "author")
        assert target.tables == backup.tables
        network.run("DELETE FROM feed_savedpost")
    with closing(SqliteTarget(Path(network.name), network.media, backup.tables)) as target:
        assert target.highest_id(tables["feed.savedpost"]) == 0


ORPHAN = "UPDATE feed_comment SET author_id = 777 WHERE id = NEW.id"


@pytest.mark.parametrize(
    ("harm", "is_looked_for", "words"),
    [
        ("SELECT RAISE(ABORT, 'not here')", True, "not here"),
        (ORPHAN, True, "The row in table 'feed_comment' with primary key '8' has an invalid foreign key"),
        # Without Django's look for orphans, SQLite finds them in the commit.
        (ORPHAN, False, "FOREIGN KEY"),
    ],
    ids=["row", "orphan", "commit"],
)
def test_a_row_that_the_database_refuses_undoes_everything(
    prepared: Server, plain: Path, monkeypatch: pytest.MonkeyPatch, harm: str, is_looked_for: bool, words: str
) -> None:
    if not is_looked_for:
        monkeypatch.setattr(DatabaseWrapper, "check_constraints", lambda self: None)
    prepared.run(f"CREATE TRIGGER mine AFTER INSERT ON feed_comment WHEN NEW.id = 8 BEGIN {harm}; END")
    with pytest.raises(TransferRefused, match=f"The database cannot be restored into: {words}"):
        restore_backup(BackupFile(plain, ""))
    assert (prepared.files(), prepared.count("users_user")) == ({}, 0)
