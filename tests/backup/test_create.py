"""Making a backup: where it lies, what is in it, and that nothing half done bears its name."""

import base64
import fcntl
import os
import stat
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, default_storage
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import override_settings

from operations.backup import destinations, files, keys
from operations.backup.backup_file import BackupFile
from operations.backup.create import create_backup
from operations.transfer.problems import TransferRefused
from operations.transfer.rows import Row
from operations.transfer.tables import LEFT_OUT, all_tables
from tests.testkit.file_size_limit import limit_file_size
from tests.transfer.network import DELETED_POSTS, FILES, MEMBERS, POSTS

from .conftest import BIG, KEY, Server, use_server

# What has nothing to do with the database is tried on one of them.
once = pytest.mark.sqlite_only


# More than SQLite needs for itself.
ROOM = 100_000


def expect_refusal(destination: Path, key: str = "", **options: Any) -> str:
    """Return the message of a refused backup, and check that it left nothing behind."""
    before = set(destination.parent.rglob("*"))
    with pytest.raises(TransferRefused) as refused:
        create_backup(destination, key, **options)
    assert set(destination.parent.rglob("*")) == before
    return str(refused.value)


def test_it_holds_every_row_and_every_file(filled: Server, tmp_path: Path) -> None:
    with use_server(filled):
        made = create_backup(tmp_path / "backups", "")
    manifest = made.backup.manifest
    assert set(manifest.tables) == {table.label for table in all_tables()}
    columns = {label: sorted(fields) for label, fields in manifest.columns.items()}
    assert columns == {table.label: sorted(table.fields) for table in all_tables()}
    assert manifest.tables["users.user"].rows == MEMBERS
    assert manifest.tables["feed.post"].sequence == POSTS + DELETED_POSTS
    assert (
        manifest.left_out
        == list(LEFT_OUT)
        == [
            "sessions.session",
            "core.cacheentry",
            "core.outgoingmail",
            "core.queuedtask",
            "core.taskworker",
        ]
    )
    assert {file.name for file in made.backup.list_files()} == {*FILES, BIG}
    assert {name: content.read() for name, content in made.backup.read_files()} == filled.files()
    assert manifest.site == "localhost"


@once
def test_a_folder_gets_a_file_with_the_time_in_its_name_that_only_we_may_read(
    filled: Server, tmp_path: Path
) -> None:
    with use_server(filled):
        made = create_backup(tmp_path / "new" / "folder", "")
    assert [made.file] == list((tmp_path / "new" / "folder").iterdir())
    moment = datetime.fromisoformat(made.backup.manifest.made_at)
    assert made.file.name == f"linkup-localhost-{moment:%Y%m%dT%H%M%SZ}.backup"
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.file.parent.stat().st_mode) == 0o700


@once
def test_two_backups_hold_the_same_and_look_different(filled: Server, tmp_path: Path) -> None:
    with use_server(filled):
        one, other = (
            create_backup(tmp_path / f"{name}.backup", keys.new_key()).backup for name in ("one", "other")
        )
    assert one.manifest.tables == other.manifest.tables
    assert one.manifest.media == other.manifest.media
    assert one.path.read_bytes()[200:] != other.path.read_bytes()[200:]


def test_the_state_is_that_of_the_beginning(network: Server, tmp_path: Path) -> None:
    """What is written while tables are read is in none of them."""
    written: list[str] = []

    def write(_words: str) -> None:
        if not written:
            network.run("INSERT INTO feed_tag (name) VALUES ('later')")
            written.append("once")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("operations.transfer.progress.REPORT_SECONDS", 0.0)
        made = create_backup(tmp_path / "while.backup", "", progress=write)
    assert network.count("feed_tag") == 2
    assert made.backup.manifest.tables["feed.tag"].rows == 1


# -- Older ones -------------------------------------------------------------------------------
@pytest.fixture
def former(tmp_path: Path, plain: Path) -> Path:
    """A folder with backups of three nights, and with what belongs to others."""
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in (1, 2, 3):
        (folder / destinations.new_name(datetime(2026, 1, day, tzinfo=UTC))).write_bytes(plain.read_bytes())
    for other in ("linkup-other.example.org-20260101T000000Z.backup", "mine.backup", "notes.txt"):
        (folder / other).write_bytes(plain.read_bytes())
    # Looks like one of ours, and is none.
    (folder / destinations.new_name(datetime(2025, 1, 1, tzinfo=UTC))).write_bytes(b"somebody's")
    return folder


@once
def test_older_ones_go_and_nothing_else(filled: Server, former: Path) -> None:
    before = set(former.iterdir())
    with use_server(filled):
        made = create_backup(former, "", keep=2)
    gone = [former / destinations.new_name(datetime(2026, 1, day, tzinfo=UTC)) for day in (2, 1)]
    assert made.removed == gone
    assert set(former.iterdir()) == before - set(gone) | {made.file}


@once
def test_none_goes_when_the_new_one_cannot_be_made(
    filled: Server, former: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(former.iterdir())

    def break_off(*_arguments: object, **_options: object) -> None:
        raise TransferRefused("The backup is damaged")

    monkeypatch.setattr("operations.backup.create.BackupFile", break_off)
    with use_server(filled), pytest.raises(TransferRefused, match="damaged"):
        create_backup(former, "", keep=1)
    assert set(former.iterdir()) == before


@once
def test_what_a_power_cut_left_is_removed(filled: Server, tmp_path: Path) -> None:
    (tmp_path / f"{destinations.UNFINISHED}linkup-localhost-20260101T000000Z.backup").touch()
    with use_server(filled):
        made = create_backup(tmp_path / "now.backup", "")
    assert list(tmp_path.iterdir()) == [made.file]


# -- Refused ----------------------------------------------------------------------------------
@once
def test_an_existing_file_is_never_written_over(filled: Server, tmp_path: Path) -> None:
    (tmp_path / "mine.backup").write_text("mine")
    with use_server(filled):
        assert "is there already; choose another name" in expect_refusal(tmp_path / "mine.backup")
    assert (tmp_path / "mine.backup").read_text() == "mine"


@once
def test_a_file_in_place_of_the_folder_is_reported(filled: Server, tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("a file")
    with use_server(filled):
        assert "is not a folder. The name of a file ends with .backup" in expect_refusal(tmp_path / "backups")


@once
def test_it_does_not_lie_where_the_site_serves_files(network: Server) -> None:
    assert "lies in a folder that the site serves" in expect_refusal(network.media / "backups")


@once
def test_two_at_once_do_not_mix(filled: Server, tmp_path: Path) -> None:
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    try:
        with use_server(filled):
            assert "Another backup is being made" in expect_refusal(tmp_path / "two.backup")
    finally:
        os.close(other)


@once
def test_a_full_disk_is_named_and_leaves_nothing_behind(filled: Server, tmp_path: Path) -> None:
    with use_server(filled), limit_file_size(ROOM):
        assert f"the disk is full ({tmp_path / 'backups'}" in expect_refusal(tmp_path / "backups")


@once
def test_a_place_that_cannot_be_written_is_named(filled: Server) -> None:
    with use_server(filled), pytest.raises(TransferRefused, match=r"could not be made: .*/proc/backups"):
        create_backup(Path("/proc/backups"), "")


def test_a_database_without_tables_is_reported(empty: Server, tmp_path: Path) -> None:
    assert "there is nothing to back up" in expect_refusal(tmp_path / "nothing.backup")


def test_a_database_of_newer_code_is_reported(network: Server, tmp_path: Path) -> None:
    network.run(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('feed', '0099_later', '2026-01-01 00:00:00')"
    )
    output = expect_refusal(tmp_path / "newer.backup")
    assert "The database is of a newer LinkUp than this code" in output
    assert "feed.0099_later" in output


def test_apps_that_were_taken_out_do_not_stand_in_the_way(network: Server, tmp_path: Path) -> None:
    network.run("CREATE TABLE gone_thing (id integer)")
    network.run(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('gone', '0001_x', '2026-01-01 00:00:00')"
    )
    notes: list[str] = []
    made = create_backup(tmp_path / "x.backup", "", add_note=notes.append)
    assert notes == ["The table gone_thing belongs to no app of this LinkUp and is left out."]
    assert "gone" not in made.backup.manifest.migrations


@pytest.mark.postgres_only
def test_a_connection_that_is_cut_is_named(
    network: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.transfer.progress.REPORT_SECONDS", 0.0)

    def cut(words: str) -> None:
        if "users.user" in words:
            network.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    output = expect_refusal(tmp_path / "cut.backup", progress=cut)
    assert "The database cannot be read" in output


@pytest.mark.postgres_only
def test_a_server_that_is_away_is_named(
    network: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "PORT", 1)
    assert "The database cannot be read" in expect_refusal(tmp_path / "away.backup")


# -- Files that are no local ones -------------------------------------------------------------
@once
def test_files_of_any_storage_are_found() -> None:
    storage = InMemoryStorage()
    for name in ("photos/aa/x.webp", "photos/ab/y.webp", "z.txt"):
        storage.save(name, ContentFile(name.encode()))
    assert list(files.list_names(storage)) == ["z.txt", "photos/aa/x.webp", "photos/ab/y.webp"]


@once
def test_a_file_that_goes_meanwhile_is_left_out(
    network: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = list(files.list_names(default_storage))
    monkeypatch.setattr("operations.backup.create.list_names", lambda storage: iter(["gone", *names]))
    made = create_backup(tmp_path / "x.backup", "")
    assert [file.name for file in made.backup.list_files()] == names


# -- The command ------------------------------------------------------------------------------
def run_backup(*arguments: str | Path, **options: Any) -> str:
    out = StringIO()
    call_command("backup", *map(str, arguments), stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


@once
def test_the_command_makes_and_checks(filled: Server, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(run_backup(new_key=True))
    with use_server(filled):
        output = run_backup(tmp_path / "x.backup", key_file=key)
    assert "encrypted" in output
    assert output.splitlines()[-1] == str(tmp_path / "x.backup")
    assert run_backup(check=tmp_path / "x.backup", key_file=key).startswith("Sound: ")
    with pytest.raises(CommandError, match="is encrypted: give its key"):
        run_backup(check=tmp_path / "x.backup")


@once
def test_the_key_of_the_settings_is_used(filled: Server, tmp_path: Path) -> None:
    with use_server(filled), override_settings(BACKUP_KEY=KEY):
        assert "encrypted" in run_backup(tmp_path / "x.backup")
    assert BackupFile(tmp_path / "x.backup", KEY).is_encrypted


@pytest.mark.parametrize("arguments", [(), ("--check", "x.backup", "folder")])
@once
def test_the_command_wants_one_thing(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="Name the folder or file") as refused:
        run_backup(*arguments)
    assert refused.value.returncode == 2


@pytest.mark.parametrize("number", ["0", "-1", "many"])
@once
def test_at_least_one_is_kept(tmp_path: Path, number: str) -> None:
    with pytest.raises(CommandError, match="is not a number from 1 on"):
        run_backup(tmp_path, "--keep", number)


@once
def test_new_keys_are_random_and_no_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = keys.new_key(), keys.new_key()
    assert one != other
    assert [len(base64.b64decode(key, validate=True)) for key in (one, other)] == [32, 32]
    monkeypatch.delattr(keys, "Scrypt")
    assert keys.derive_key_material(one, b"salt") != keys.derive_key_material(other, b"salt")
    with pytest.raises(NameError):
        keys.derive_key_material(KEY, b"salt")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"too short", "is too short: a passphrase has at least 16 characters"),
        (b"\xff" * 32, "is not text"),
        (None, "The key cannot be read: No such file"),
    ],
)
@once
def test_a_key_that_is_none_is_reported(tmp_path: Path, content: bytes | None, expected: str) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(TransferRefused, match=expected):
        keys.read_key(tmp_path / "key", KEY)


@once
def test_a_file_of_the_key_wins_over_the_environment(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"  {KEY}\n")
    assert keys.read_key(tmp_path / "key", "another sentence of the tests") == KEY
    assert keys.read_key(None, f" {KEY} ") == KEY
    assert keys.read_key(None, "") == ""


def test_rows_come_in_parts(filled: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large table is many members, of which none is held whole."""
    monkeypatch.setattr("operations.backup.archive.PART_BYTES", 1000)
    with use_server(filled):
        made = create_backup(tmp_path / "parts.backup", "").backup
    made.tables = all_tables()
    posts = next(table for table in made.tables if table.label == "feed.post")
    rows: list[Row] = list(made.read_rows(posts))
    assert [row.key for row in rows] == [(n,) for n in range(1, POSTS + 1)]
