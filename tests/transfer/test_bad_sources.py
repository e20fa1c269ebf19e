"""A source as an attacker, a crash or a careless hand leaves it: refused by name, or carried as the site reads it."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from operations.transfer import source as source_module
from operations.transfer.exports import ExportFolder
from operations.transfer.problems import TransferRefused
from operations.transfer.source import MAX_VALUE_BYTES
from operations.transfer.tables import all_tables

from .conftest import Network
from .test_exports import expect_refusal

pytestmark = pytest.mark.sqlite_only

POST, MEMBER = "UPDATE feed_post SET {} WHERE id = 3", "UPDATE users_user SET {} WHERE id = 7"
OUT_OF_RANGE = "out of range for a date with time of the years 1 to 9999"
NO_MOMENT = "in place of a date with time of the years 1 to 9999"
BAD_VALUES = [
    (MEMBER.format("is_active = 'abc'"), "users.user 7, field is_active: holds 'abc' in place of a truth"),
    (MEMBER.format("is_active = NULL"), "users.user 7, field is_active"),
    (MEMBER.format("is_active = x'01'"), "users.user 7, field is_active: holds bytes in place of a truth"),
    (POST.format("comment_count = -1"), "feed.post 3, field comment_count: holds '-1', outside 0 to"),
    (
        POST.format("comment_count = 9223372036854775808"),
        "field comment_count: holds '9.223372036854776e+18' in",
    ),
    (POST.format("comment_count = 9e999"), "feed.post 3, field comment_count: holds 'inf' in place of"),
    (POST.format("comment_count = '12 '||char(10)||'x'"), "field comment_count: holds '12 \\nx' in place of"),
    (
        POST.format("author_id = 'ann'"),
        "feed.post 3, field author_id: holds 'ann' in place of a whole number",
    ),
    (
        POST.format("created_at = '2024-13-01 00:00:00'"),
        f"created_at: holds '2024-13-01 00:00:00', {OUT_OF_RANGE}",
    ),
    (
        POST.format("created_at = '0000-00-00'"),
        f"feed.post 3, field created_at: holds '0000-00-00' {NO_MOMENT}",
    ),
    (POST.format("created_at = '0000-01-01 00:00:00'"), f"holds '0000-01-01 00:00:00', {OUT_OF_RANGE}"),
    (POST.format("created_at = '10000-01-01 00:00:00'"), f"holds '10000-01-01 00:00:00' {NO_MOMENT}"),
    (POST.format("created_at = 'infinity'"), f"feed.post 3, field created_at: holds 'infinity' {NO_MOMENT}"),
    (POST.format("created_at = ''"), f"feed.post 3, field created_at: holds '' {NO_MOMENT}"),
    (
        POST.format("created_at = 1760000000"),
        f"feed.post 3, field created_at: holds '1760000000' {NO_MOMENT}",
    ),
    (
        "UPDATE sqlite_sequence SET seq = 3000000000 WHERE name = 'django_admin_log'",
        "admin.logentry, field id: in sqlite_sequence, which counts its ids, holds '3000000000', outside",
    ),
    (
        "UPDATE sqlite_sequence SET seq = 'abc' WHERE name = 'feed_post'",
        "feed.post, field id: in sqlite_sequence, which counts its ids, holds 'abc' in place of",
    ),
    (
        "ALTER TABLE users_user DROP COLUMN headline",
        "users.user, field headline: has no column in the source",
    ),
    ("ALTER TABLE feed_post RENAME html TO htm", "feed.post, field html: has no column in the source"),
    ("DROP TABLE django_migrations", "is not a database of LinkUp: it has no table django_migrations"),
]


@pytest.mark.parametrize(
    ("statement", "expected"), BAD_VALUES, ids=[one.split(" SET ")[-1] for one, _ in BAD_VALUES]
)
def test_it_is_refused_by_name(network: Network, tmp_path: Path, statement: str, expected: str) -> None:
    if statement.endswith("NULL WHERE id = 7"):
        allow_null(network, "users_user", '"is_active" bool')
    network.run_statement(statement)
    assert expected in expect_refusal(network, tmp_path / "export")


def allow_null(network: Network, table: str, column: str) -> None:
    """Take NOT NULL away from a column, as a hand that edits the schema does."""
    with closing(sqlite3.connect(network.file)) as database, database:
        database.execute("PRAGMA writable_schema = ON")
        statement = "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name = ?"
        database.execute(statement, (f"{column} NOT NULL", column, table))


CARRIED = [
    ("2024-05-01", "2024-05-01T00:00:00.000000+00:00"),
    ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00.000000+00:00"),
    ("2024-05-01 12:00:00+05:30", "2024-05-01T06:30:00.000000+00:00"),
    ("2024-05-01 12:00:00.123456789", "2024-05-01T12:00:00.123456+00:00"),
    ("0001-01-01 00:00:00", "0001-01-01T00:00:00.000000+00:00"),
    ("9999-12-31 23:59:59.999999", "9999-12-31T23:59:59.999999+00:00"),
]


@pytest.mark.parametrize(("kept", "carried"), CARRIED)
def test_an_odd_moment_that_the_site_can_read_is_carried(
    network: Network, tmp_path: Path, kept: str, carried: str
) -> None:
    network.run_statement(POST.format("created_at = ?"), kept)
    assert carried in line(network.export_to(tmp_path / "export"), "feed.post", 3)


def line(folder: ExportFolder, label: str, key: int) -> str:
    """A row of an export."""
    table = next(table for table in folder.tables if table.label == label)
    return next(row.line.decode() for row in folder.read_rows(table) if row.key == (key,))


def test_a_column_of_nobody_is_reported(network: Network, tmp_path: Path) -> None:
    network.run_statement("ALTER TABLE feed_post ADD COLUMN mood text")
    notes: list[str] = []
    network.export_to(tmp_path / "export", add_note=notes.append)
    assert notes == ["Of the table feed_post no field of this version knows, and left out is: mood."]


def test_a_network_without_a_column_more_has_nothing_to_tell(network: Network, tmp_path: Path) -> None:
    notes: list[str] = []
    network.export_to(tmp_path / "export", add_note=notes.append)
    assert notes == []


@pytest.mark.parametrize("kind", ["text", "blob"])
def test_a_value_too_large_for_memory_is_named(network: Network, tmp_path: Path, kind: str) -> None:
    giant = f"CAST(zeroblob({MAX_VALUE_BYTES + 1}) AS {kind})"
    network.run_statement(f"UPDATE feed_post SET html = {giant} WHERE id = 3")  # noqa: S608
    output = expect_refusal(network, tmp_path / "export")
    assert (
        f"feed.post 3, field html: is {MAX_VALUE_BYTES + 1} bytes long, {MAX_VALUE_BYTES} is the most"
        in output
    )


def test_a_large_value_is_carried(network: Network, tmp_path: Path) -> None:
    network.run_statement(POST.format("text = replace(hex(zeroblob(1000000)), '00', 'ä')"))
    assert "ä" * 1_000_000 in line(network.export_to(tmp_path / "export"), "feed.post", 3)


def test_what_stands_in_the_wal_alone_is_carried(network: Network, tmp_path: Path) -> None:
    with closing(sqlite3.connect(network.file)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute(MEMBER.format("headline = 'in the wal'"))
        writer.commit()
        # As after a crash: it was not moved into the file.
        crashed = Network(tmp_path / "crashed")
        shutil.copytree(network.folder, crashed.folder)
    assert b"in the wal" not in crashed.file.read_bytes()
    assert '"in the wal"' in line(crashed.export_to(tmp_path / "export"), "users.user", 7)


def torn(network: Network, folder: Path) -> Network:
    """A copy of the network, taken while a write without WAL had reached half of the file."""
    with closing(sqlite3.connect(network.file)) as writer:
        writer.execute("PRAGMA journal_mode = DELETE")
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("UPDATE feed_comment SET text = text || hex(randomblob(2000))")
        shutil.copytree(network.folder, folder)
        writer.rollback()
    return Network(folder)


def test_a_write_that_was_interrupted_is_to_be_undone_first(network: Network, tmp_path: Path) -> None:
    crashed = torn(network, tmp_path / "crashed")
    output = expect_refusal(crashed, tmp_path / "export")
    assert f"sqlite3 {crashed.file} 'PRAGMA user_version'" in output
    crashed.fetch_value("PRAGMA user_version")
    assert '"Comment 1"' in line(crashed.export_to(tmp_path / "export"), "feed.comment", 2)


@contextmanager
def held(network: Network) -> Iterator[None]:
    """A program holds the file, and does not use WAL."""
    with closing(sqlite3.connect(network.file, isolation_level=None)) as holder:
        holder.execute("PRAGMA journal_mode = DELETE")
        holder.execute("BEGIN EXCLUSIVE")
        yield


def test_a_file_that_is_held_is_refused(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "WAIT_SECONDS", 0.1)
    with held(network):
        assert "database is locked" in expect_refusal(network, tmp_path / "export")


def test_a_database_without_rows_is_carried(network: Network, tmp_path: Path) -> None:
    with closing(sqlite3.connect(network.file)) as database, database:
        for table in all_tables():
            if not table.predefined:
                database.execute(f"DELETE FROM {table.name}")  # noqa: S608 -- a name of ours
    made = network.export_to(tmp_path / "export")
    made.check_all()
    assert {label for label, facts in made.manifest.tables.items() if facts.rows} == {
        "contenttypes.contenttype",
        "auth.permission",
    }


def test_rows_that_are_alike_but_for_null_are_carried(network: Network, tmp_path: Path) -> None:
    # `pair` is unique, and NULL for a group: many of those are allowed in both databases.
    network.run_statement("UPDATE messaging_conversation SET pair = NULL")
    copied = ", ".join("99" if name == "id" else f'"{name}"' for name in columns(network))
    network.run_statement(f"INSERT INTO messaging_conversation SELECT {copied} FROM messaging_conversation")  # noqa: S608
    assert network.export_to(tmp_path / "export").manifest.tables["messaging.conversation"].rows == 2


def columns(network: Network) -> list[str]:
    with closing(sqlite3.connect(network.file)) as database:
        return [row[1] for row in database.execute("PRAGMA table_info(messaging_conversation)")]


def test_a_column_that_is_gone_is_never_taken_for_a_text(network: Network) -> None:
    # SQLite reads "headline" as 'headline' when there is no such column; a verification looks at rows alone.
    network.run_statement("ALTER TABLE users_user DROP COLUMN headline")
    table = next(table for table in all_tables() if table.label == "users.user")
    with closing(network.open_source()) as source, pytest.raises(TransferRefused, match="no such column"):
        list(source.read_rows(table))
