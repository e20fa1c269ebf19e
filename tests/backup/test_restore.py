"""Restoring: into an empty server alone, whole or not at all, and what is there afterwards is what was."""

import tarfile
import tempfile
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import IO, Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import override_settings

from operations.backup import restore, targets
from operations.backup.backup_file import BackupFile
from operations.backup.container import CHUNK_BYTES, TAG_BYTES
from operations.backup.create import create_backup
from operations.backup.restore import restore_backup
from operations.transfer.files.media import UNFINISHED
from operations.transfer.imports import OutcomeUnknown
from operations.transfer.problems import TransferRefused
from operations.transfer.target import IMPORT_LOCK
from tests.testkit.file_size_limit import limit_file_size
from tests.transfer.network import FILES, MEMBERS, POSTS
from tests.transfer.proxy import cut_at_commit, interrupted_at

from .conftest import BIG, KEY, Server, use_server

# What has nothing to do with the database is tried on one of them.
once = pytest.mark.sqlite_only


# More than SQLite needs for itself.
ROOM = 100_000


def expect_refusal(path: Path, key: str = "") -> str:
    with pytest.raises(TransferRefused) as refused:
        restore_backup(BackupFile(path, key))
    return str(refused.value)


def hash_tables(path: Path, key: str = "") -> dict[str, tuple[int, str]]:
    """Rows and hash of each table in a backup."""
    return {label: (facts.rows, facts.hash) for label, facts in BackupFile(path, key).manifest.tables.items()}


def test_what_was_restored_is_what_was_there(filled: Server, plain: Path, tmp_path: Path) -> None:
    assert filled.count("users_user") == MEMBERS
    assert filled.files() == {name: content.read() for name, content in BackupFile(plain, "").read_files()}
    assert targets.UNFINISHED_TABLE not in filled.tables()
    with use_server(filled):
        assert hash_tables(create_backup(tmp_path / "again.backup", "").file) == hash_tables(plain)


def test_an_encrypted_one_is_restored_the_same(
    prepared: Server, encrypted: Path, plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = restore_backup(BackupFile(encrypted, KEY))
    assert done.findings.is_same
    assert capsys.readouterr().out == "", "only the command speaks"
    assert (done.files, done.was_there, done.forward) == (len(FILES) + 1, False, 0)
    assert {
        found.table.label: (found.source.rows, found.source.text) for found in done.findings.tables
    } == hash_tables(plain)


def test_ids_go_on_where_they_were(prepared: Server, plain: Path) -> None:
    given_out = BackupFile(plain, "").manifest.tables["feed.post"].sequence
    assert given_out > POSTS
    restore_backup(BackupFile(plain, ""))
    row = prepared.run("SELECT * FROM feed_post WHERE id = 1")[0]
    names = [name for (name,) in prepared.run(COLUMNS[prepared.is_sqlite])]
    values = {name: value for name, value in zip(names, row, strict=True) if name != "id"}
    columns, values_sql = ", ".join(values), ", ".join("%s" for _ in values)
    statement = f"INSERT INTO feed_post ({columns}) VALUES ({values_sql})"  # noqa: S608 -- names of the table itself
    prepared.run(statement, *values.values())
    assert prepared.run("SELECT max(id) FROM feed_post") == [(given_out + 1,)]


COLUMNS = {
    True: "SELECT name FROM pragma_table_info('feed_post') ORDER BY cid",
    False: "SELECT column_name FROM information_schema.columns WHERE table_name = 'feed_post' "
    "ORDER BY ordinal_position",
}


def test_sessions_stay_behind(prepared: Server, plain: Path) -> None:
    restore_backup(BackupFile(plain, ""))
    assert (prepared.count("django_session"), prepared.count("core_cacheentry")) == (0, 0)


# -- Again, and after a cut -------------------------------------------------------------------
@pytest.mark.postgres_only
def test_run_again_it_says_that_all_is_there(network: Server, plain: Path) -> None:
    done = restore_backup(BackupFile(plain, ""))
    assert (done.was_there, done.files, done.findings.is_same) == (True, 0, True)


def test_after_a_cut_between_files_and_rows_it_is_completed(
    prepared: Server, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The machine was switched off: nothing was undone.
    backup = BackupFile(plain, "")
    for name, content in backup.read_files():
        (prepared.media / name).parent.mkdir(parents=True, exist_ok=True)
        (prepared.media / name).write_bytes(content.read())
        break
    (prepared.media / f"half{UNFINISHED}").write_bytes(b"half")
    done = restore_backup(backup)
    assert done.findings.is_same
    assert done.files == len(FILES)


def test_after_a_cut_while_it_was_prepared_it_is_completed(
    empty: Server, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(targets, "migrate_to", lambda ends: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            restore_backup(BackupFile(plain, ""))
    assert empty.tables() == {targets.UNFINISHED_TABLE}
    call_command("migrate", "contenttypes", verbosity=0)
    assert "django_content_type" in empty.tables()
    assert restore_backup(BackupFile(plain, "")).findings.is_same
    assert targets.UNFINISHED_TABLE not in empty.tables()
    assert empty.count("users_user") == MEMBERS


# -- Refused ----------------------------------------------------------------------------------
def test_a_database_with_tables_of_others_is_refused(empty: Server, plain: Path) -> None:
    empty.run("CREATE TABLE mine (id integer)")
    output = expect_refusal(plain)
    assert "is not empty. Nothing was changed. Create a new database without tables" in output
    assert "the table mine" in output
    assert empty.tables() == {"mine"}


def test_of_many_tables_of_others_ten_are_named_and_the_rest_is_counted(empty: Server, plain: Path) -> None:
    for number in range(10):
        empty.run(f"CREATE TABLE t{number} (id integer)")
    output = expect_refusal(plain)
    assert [f"the table t{number}" in output for number in range(10)] == [True] * 10
    assert "more" not in output
    empty.run("CREATE TABLE t91 (id integer)")
    empty.run("CREATE TABLE t92 (id integer)")
    output = expect_refusal(plain)
    assert output.count("the table t") == 10
    assert "… and 2 more" in output


def test_a_network_that_is_there_is_refused_with_what_it_holds(network: Server, encrypted: Path) -> None:
    network.run("UPDATE users_user SET headline = 'Newer' WHERE id = 7")
    network.run("INSERT INTO feed_tag (name) VALUES ('mine')")
    before = network.files()
    (network.media / next(iter(FILES))).unlink()
    output = expect_refusal(encrypted, KEY)
    assert "is not empty" in output
    assert "feed.tag" in output
    assert "users.user" in output
    # Not even a file that is missing was brought.
    assert set(network.files()) == set(before) - {next(iter(FILES))}
    assert network.run("SELECT headline FROM users_user WHERE id = 7") == [("Newer",)]


def test_a_database_of_other_migrations_is_refused(prepared: Server, plain: Path) -> None:
    prepared.run("DELETE FROM django_migrations WHERE app = 'sessions'")
    output = expect_refusal(plain)
    assert "`migrate` of another version has prepared it" in output
    assert "sessions.0001_initial" in output


@once
def test_a_wrong_key_is_refused_before_anything_is_written(empty: Server, encrypted: Path) -> None:
    assert "The key is not the one" in expect_refusal(encrypted, "another long sentence of the tests")
    assert empty.tables() == set()


@once
def test_a_damaged_one_is_refused_before_anything_is_written(
    empty: Server, plain: Path, tmp_path: Path
) -> None:
    data = bytearray(plain.read_bytes())
    data[-100_000] ^= 1
    (tmp_path / "damaged.backup").write_bytes(data)
    assert "is damaged between the bytes" in expect_refusal(tmp_path / "damaged.backup")
    assert (empty.tables(), empty.files()) == (set(), {})


@once
def test_another_file_under_the_name_of_ours_is_refused_and_kept(prepared: Server, plain: Path) -> None:
    name = list(FILES)[-1]
    (prepared.media / name).parent.mkdir(parents=True)
    (prepared.media / name).write_bytes(b"mine")
    output = expect_refusal(plain)
    assert "Another file stands under the same name" in output
    assert name in output
    assert prepared.files() == {name: b"mine"}
    assert prepared.count("users_user") == 0


@once
def test_a_full_disk_is_named_and_undone(prepared: Server, plain: Path) -> None:
    with limit_file_size(ROOM):
        output = expect_refusal(plain)
    # Files are unpacked beside each other before one is placed: the disk of that folder is the full one here.
    assert f"the disk is full ({tempfile.gettempdir()}/linkup-restore-" in output
    assert prepared.files() == {}
    assert prepared.count("users_user") == 0


@once
def test_a_full_disk_of_the_uploads_is_named_and_not_the_one_that_is_read(
    prepared: Server, plain: Path
) -> None:
    name = max(FILES, key=lambda name: len(FILES[name]))
    path = prepared.media / f"{name}{UNFINISHED}"
    path.parent.mkdir(parents=True)
    path.symlink_to("/dev/full")
    output = expect_refusal(plain)
    assert f"{name} cannot be stored: the disk is full ({prepared.media}" in output
    assert "linkup-restore-" not in output
    assert prepared.count("users_user") == 0


@pytest.mark.postgres_only
def test_a_connection_that_is_cut_undoes_everything(prepared: Server, plain: Path) -> None:
    def cut(words: str) -> None:
        if "foreign keys" in words:
            prepared.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    with pytest.raises(TransferRefused, match="nothing of it is in the target"):
        restore_backup(BackupFile(plain, ""), progress=cut)
    assert (prepared.files(), prepared.count("users_user")) == ({}, 0)
    assert restore_backup(BackupFile(plain, "")).findings.is_same


@pytest.mark.postgres_only
def test_two_at_once_do_not_mix(prepared: Server, plain: Path) -> None:
    other = connections.create_connection("default")
    other.settings_dict = connections["default"].settings_dict
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [IMPORT_LOCK + 1])
    assert "Another restore into this database is at work" in expect_refusal(plain)
    other.close()


# -- Ctrl-C, and a commit with an unknown result ------------------------------------------------
def came_whole(server: Server, plain: Path) -> bool:
    """Whether rows and files are there, and the same as in the backup."""
    files = {name: content.read() for name, content in BackupFile(plain, "").read_files()}
    return server.count("users_user") == MEMBERS and server.files() == files


@pytest.mark.postgres_only
@pytest.mark.parametrize("word", [b"COMMIT\0", b"ANALYZE "], ids=["in the commit", "in the statistics"])
def test_an_interruption_from_the_commit_on_keeps_the_files_of_the_rows(
    prepared: Server, plain: Path, monkeypatch: pytest.MonkeyPatch, word: bytes
) -> None:
    with interrupted_at(monkeypatch, word), pytest.raises(KeyboardInterrupt):
        restore_backup(BackupFile(plain, ""))
    assert came_whole(prepared, plain)
    assert restore_backup(BackupFile(plain, "")).was_there


@pytest.mark.postgres_only
def test_an_interruption_before_the_commit_undoes_all(
    prepared: Server, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with interrupted_at(monkeypatch, b"SET CONSTRAINTS"), pytest.raises(KeyboardInterrupt):
        restore_backup(BackupFile(plain, ""))
    assert (prepared.files(), prepared.count("users_user")) == ({}, 0)


@pytest.mark.postgres_only
@pytest.mark.parametrize("before", [True, False], ids=["not done", "done"])
def test_a_connection_cut_while_it_is_committed_keeps_the_files_and_the_next_run_settles_it(
    prepared: Server, plain: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    with cut_at_commit(monkeypatch, before=before), pytest.raises(OutcomeUnknown, match="Run it again"):
        restore_backup(BackupFile(plain, ""))
    assert set(prepared.files()) == {*FILES, BIG}
    again = restore_backup(BackupFile(plain, ""))
    assert (again.was_there, again.files, again.findings.is_same) == (not before, 0, True)


@once
def test_an_interruption_after_the_commit_keeps_the_files_in_sqlite_too(
    prepared: Server, plain: Path
) -> None:
    def press(words: str) -> None:
        if words.startswith("restore: 100 %"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_backup(BackupFile(plain, ""), progress=press)
    connections["default"].close()
    assert came_whole(prepared, plain)


@once
def test_no_more_than_one_file_lies_beside_its_place(
    prepared: Server, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that holds the uploads once need not hold them twice."""
    seen: list[int] = []

    class Watched(BackupFile):
        def read_files(self) -> Iterator[tuple[str, IO[bytes]]]:
            for content in super().read_files():
                yield content
                seen.append(sum(path.is_file() for path in tmp_path.rglob("*")))

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    restore_backup(Watched(plain, ""))
    assert seen == [0] * (len(FILES) + 1)
    assert list(tmp_path.iterdir()) == []


# -- Messages ---------------------------------------------------------------------------------
def run_restore(*arguments: str | Path, **options: Any) -> str:
    out = StringIO()
    call_command("restore", *map(str, arguments), stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


@once
def test_the_command_checks_only_when_asked_to(empty: Server, encrypted: Path) -> None:
    with override_settings(BACKUP_KEY=KEY):
        assert run_restore(encrypted, check=True).startswith("Sound: ")
    assert empty.tables() == set()


def test_a_difference_is_shown_by_the_exit_code(
    prepared: Server, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_rows = restore._import_rows

    def import_and_lose(*arguments: Any) -> Any:
        outcome = import_rows(*arguments)
        prepared.run("DELETE FROM feed_posttag WHERE id = 7")
        (prepared.media / next(iter(FILES))).unlink()
        return outcome

    monkeypatch.setattr(restore, "_import_rows", import_and_lose)
    out = StringIO()
    with pytest.raises(CommandError, match="What was restored differs") as refused:
        call_command("restore", str(plain), quiet=True, stdout=out)
    assert refused.value.returncode == 3
    assert "Different: feed.posttag 7: is lost" in out.getvalue()
    assert f"Different: media {next(iter(FILES))}: is missing" in out.getvalue()


@once
def test_the_inner_form_is_a_tar_that_others_can_read(plain: Path, tmp_path: Path) -> None:
    """Should LinkUp be gone one day, the rows are not."""
    data = plain.read_bytes()
    start = data.index(b"\n") + 1
    pieces = [
        data[offset : offset + CHUNK_BYTES]
        for offset in range(start, len(data) - TAG_BYTES, CHUNK_BYTES + TAG_BYTES)
    ]
    (tmp_path / "inner.tar").write_bytes(b"".join(pieces))
    with tarfile.open(tmp_path / "inner.tar") as tar:
        assert tar.getnames()[-2:] == ["media.jsonl", "manifest.json"]
