"""An export: whole or not at all, never a byte written to the source, every problem named with table, row and field."""

import fcntl
import hashlib
import json
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from operations.transfer.exports import UNFINISHED, ExportFolder, export_network
from operations.transfer.problems import TransferRefused
from operations.transfer.source import MAX_PROBLEMS
from operations.transfer.tables import LEFT_OUT, all_tables
from tests.testkit.file_size_limit import limit_file_size

from .conftest import Network
from .network import FILES, MEMBERS, POSTS, SECRET

pytestmark = pytest.mark.sqlite_only


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def expect_refusal(network: Network, folder: Path) -> str:
    """What the export says when it refuses; nothing of it may be left."""
    with pytest.raises(TransferRefused) as refused:
        network.export_to(folder)
    assert not folder.exists()
    return str(refused.value)


def test_it_holds_every_row_and_every_file(network: Network, tmp_path: Path) -> None:
    made = network.export_to(tmp_path / "export")
    assert {path.name for path in made.folder.iterdir()} == {
        "manifest.json",
        "tables",
        "media.jsonl",
        "media",
    }
    assert made.manifest.tables["users.user"].rows == MEMBERS
    assert made.manifest.tables["feed.post"].rows == POSTS
    assert {file.name for file in made.list_files()} == set(FILES)
    assert all((made.folder / "media" / name).read_bytes() == content for name, content in FILES.items())
    made.check_all()


def test_sessions_and_the_cache_stay_behind_and_the_manifest_says_so(exported: Path) -> None:
    made = ExportFolder(exported, all_tables())
    assert made.manifest.left_out == [
        "sessions.session",
        "core.cacheentry",
        "core.outgoingmail",
        "core.queuedtask",
        "core.taskworker",
    ]
    assert not {*LEFT_OUT} & set(made.manifest.tables)


def test_ids_of_deleted_rows_are_remembered(exported: Path) -> None:
    assert ExportFolder(exported, all_tables()).manifest.tables["feed.post"].sequence > POSTS


def test_only_its_owner_may_read_it(network: Network, tmp_path: Path) -> None:
    assert network.export_to(tmp_path / "export").folder.stat().st_mode & 0o077 == 0


def test_the_source_stays_as_it_is(network: Network, tmp_path: Path) -> None:
    before = sha256(network.file)
    network.export_to(tmp_path / "one")
    network.export_to(tmp_path / "two")
    assert sha256(network.file) == before
    assert network.fetch_value("PRAGMA journal_mode") == "wal"


def test_it_may_be_made_where_the_source_cannot_be_written(network: Network, tmp_path: Path) -> None:
    network.file.chmod(0o444)
    network.export_to(tmp_path / "export").check_all()


def test_nothing_can_be_written_through_it(network: Network) -> None:
    with closing(network.open_source()) as source, pytest.raises(sqlite3.OperationalError, match="readonly"):
        source._database.execute("DELETE FROM feed_post")


def test_the_same_source_gives_the_same_files(network: Network, tmp_path: Path) -> None:
    one, two = network.export_to(tmp_path / "one"), network.export_to(tmp_path / "two")
    assert one.manifest.tables == two.manifest.tables


def test_it_is_one_state_though_the_site_writes(network: Network, tmp_path: Path) -> None:
    with closing(network.open_source()) as source:
        network.run_statement("UPDATE users_user SET headline = 'written meanwhile'")
        network.run_statement("DELETE FROM feed_reaction")
        made = export_network(source, tmp_path / "export").manifest
    assert made.tables["feed.reaction"].rows == POSTS
    rows = ExportFolder(tmp_path / "export", all_tables())
    table = next(table for table in all_tables() if table.label == "users.user")
    assert all(b"written meanwhile" not in row.line for row in rows.read_rows(table))


def test_made_again_it_takes_the_place_of_the_former(network: Network, tmp_path: Path) -> None:
    network.export_to(tmp_path / "export")
    network.run_statement("DELETE FROM feed_reaction")
    again = network.export_to(tmp_path / "export")
    assert again.manifest.tables["feed.reaction"].rows == 0
    again.check_all()


def test_files_may_be_listed_only(network: Network, tmp_path: Path) -> None:
    made = network.export_to(tmp_path / "export", copy_media=False)
    assert made.media_folder is None
    assert {file.name for file in made.list_files()} == set(FILES)
    assert not any((tmp_path / "export" / "media").iterdir())


def test_an_unknown_table_is_reported(network: Network, tmp_path: Path) -> None:
    network.run_statement("CREATE TABLE leftover AS SELECT 1 AS one")
    notes: list[str] = []
    network.export_to(tmp_path / "export", add_note=notes.append)
    assert notes == ["The table leftover (1 rows) belongs to no model of this version and is left out."]


POST, MEMBER = "UPDATE feed_post SET {} WHERE id = 3", "UPDATE users_user SET {} WHERE id = 7"
NO_TEXT = "CAST(x'{}' AS TEXT)"
BAD_VALUES = [
    (MEMBER.format("headline = 'a' || char(0) || 'b'"), "users.user 7, field headline: holds a NUL"),
    (
        MEMBER.format("headline = " + NO_TEXT.format("61eda08062")),
        "users.user 7, field headline: holds a lone surrogate",
    ),
    (
        POST.format("text = " + NO_TEXT.format("61ff62")),
        "feed.post 3, field text: holds bytes that are not UTF-8",
    ),
    (POST.format("text = x'00ff'"), "feed.post 3, field text: holds bytes in place of text"),
    (
        POST.format("created_at = '2026-02-30 12:00:00'"),
        "feed.post 3, field created_at: holds '2026-02-30 12:00:00', out of range for a date with time",
    ),
    (
        POST.format("created_at = '12026-02-03 12:00:00'"),
        "feed.post 3, field created_at: holds '12026-02-03 12:00:00' in place of a date with time",
    ),
    (POST.format("created_at = 1.5"), "feed.post 3, field created_at: holds '1.5' in place of"),
    (
        "UPDATE users_experience SET start = '0000-01-01' WHERE id = 2",
        "users.experience 2, field start: holds '0000-01-01', out of range",
    ),
    (
        "UPDATE users_experience SET start = 'May' WHERE id = 2",
        "users.experience 2, field start: holds 'May' in place of a date",
    ),
    (
        POST.format("comment_count = 'many'"),
        "feed.post 3, field comment_count: holds 'many' in place of a whole",
    ),
    (
        POST.format("comment_count = 3000000000"),
        "feed.post 3, field comment_count: holds '3000000000', outside 0 to 2147483647",
    ),
    (POST.format("comment_count = 1.5"), "feed.post 3, field comment_count: holds '1.5' in place of"),
    (MEMBER.format("is_active = 2"), "users.user 7, field is_active: holds '2' in place of a truth value"),
    (
        "UPDATE messaging_entry SET client_id = 'no' WHERE id = 1",
        "messaging.entry 1, field client_id: holds 'no' in place of a UUID",
    ),
    (
        MEMBER.format("name = printf('%.*c', 81, 'x')"),
        "users.user 7, field name: is 81 characters long, 80 is",
    ),
    ("UPDATE notifications_quiethours SET start = '25:00:00'", "field start: holds '25:00:00', out of range"),
    (
        POST.format("author_id = 999"),
        "feed.post 3, field author: refers to users_user 999, which does not exist",
    ),
    (
        "DELETE FROM users_user WHERE id = 9",
        "users.profile 9, field user: refers to users_user 9, which does",
    ),
    (
        "UPDATE django_admin_log SET content_type_id = 999 WHERE id = 2",
        "admin.logentry 2, field content_type: refers to django_content_type 999",
    ),
    (
        "UPDATE users_user_user_permissions SET permission_id = 998",
        "refers to auth_permission 998, which does not",
    ),
]


@pytest.mark.parametrize(
    ("statement", "expected"), BAD_VALUES, ids=[expected.split(":")[0] for _, expected in BAD_VALUES]
)
def test_what_postgresql_cannot_take_is_named(
    network: Network, tmp_path: Path, statement: str, expected: str
) -> None:
    network.run_statement(statement)
    assert expected in expect_refusal(network, tmp_path / "export")


def test_null_where_the_field_allows_none_is_named(network: Network, tmp_path: Path) -> None:
    network.run_statement("PRAGMA writable_schema = ON")
    with closing(sqlite3.connect(network.file)) as database, database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "UPDATE sqlite_master SET sql = replace(sql, '\"text\" text NOT NULL', '\"text\" text') "
            "WHERE name = 'feed_comment'"
        )
    network.run_statement("UPDATE feed_comment SET text = NULL WHERE id = 4")
    assert "feed.comment 4, field text: is NULL" in expect_refusal(network, tmp_path / "export")


def test_all_faults_are_named_at_once(network: Network, tmp_path: Path) -> None:
    network.run_statement("UPDATE users_user SET headline = char(0) WHERE id IN (7, 8)")
    network.run_statement("UPDATE feed_post SET author_id = 999, text = char(0) WHERE id = 3")
    output = expect_refusal(network, tmp_path / "export")
    assert [word in output for word in ("users.user 7", "users.user 8", "field author", "field text")] == [
        True
    ] * 4


def test_after_a_hundred_faults_the_search_ends(network: Network, tmp_path: Path) -> None:
    network.run_statement("UPDATE feed_post SET text = char(0), html = char(0)")
    assert len(expect_refusal(network, tmp_path / "export").splitlines()) == MAX_PROBLEMS + 2


def test_a_password_is_never_shown(network: Network, tmp_path: Path) -> None:
    network.run_statement("UPDATE users_user SET password = ? || char(0) WHERE id = 7", SECRET)
    network.run_statement("UPDATE account_emailconfirmation SET key = 1")
    output = expect_refusal(network, tmp_path / "export")
    assert "users.user 7, field password: holds a NUL" in output
    assert SECRET not in output


def test_a_refused_export_leaves_the_former_one(network: Network, tmp_path: Path) -> None:
    network.export_to(tmp_path / "export")
    network.run_statement("UPDATE users_user SET headline = char(0) WHERE id = 7")
    with pytest.raises(TransferRefused):
        network.export_to(tmp_path / "export")
    former = ExportFolder(tmp_path / "export", all_tables())
    former.check_all()
    assert not (former.folder / UNFINISHED).exists()


def test_a_damaged_source_is_refused(network: Network, tmp_path: Path) -> None:
    page = network.fetch_value("PRAGMA page_size")
    root = network.fetch_value("SELECT rootpage FROM sqlite_master WHERE name = 'feed_post'")
    with network.file.open("r+b") as file:
        file.seek(page * (root - 1))
        file.write(os.urandom(page))
    assert "db.sqlite3" in expect_refusal(network, tmp_path / "export")


def test_a_source_that_was_cut_short_is_refused(network: Network, tmp_path: Path) -> None:
    os.truncate(network.file, network.file.stat().st_size // 2)
    assert "malformed" in expect_refusal(network, tmp_path / "export")


@pytest.mark.parametrize("content", [None, b"", b"not a database at all"])
def test_what_is_no_database_is_refused(network: Network, tmp_path: Path, content: bytes | None) -> None:
    network.file.unlink()
    if content is not None:
        network.file.write_bytes(content)
    assert "db.sqlite3" in expect_refusal(network, tmp_path / "export")


def test_a_source_of_another_version_is_refused(network: Network, tmp_path: Path) -> None:
    network.run_statement("DROP TABLE feed_savedpost")
    assert "feed.savedpost: has no table in the source" in expect_refusal(network, tmp_path / "export")


def test_a_folder_with_other_things_is_left_alone(network: Network, tmp_path: Path) -> None:
    mine = tmp_path / "export" / "mine"
    mine.mkdir(parents=True)
    with pytest.raises(TransferRefused, match="other things"):
        network.export_to(tmp_path / "export")
    assert list((tmp_path / "export").iterdir()) == [mine]


def test_it_is_not_written_into_what_it_copies(network: Network) -> None:
    with pytest.raises(TransferRefused, match="media folder"):
        network.export_to(network.media / "export")


def test_two_exports_to_one_place_do_not_mix(network: Network, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    other = os.open(tmp_path / "export", os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(TransferRefused, match="Another export"):
        network.export_to(tmp_path / "export")
    os.close(other)
    network.export_to(tmp_path / "export").check_all()


def test_a_disk_that_fills_leaves_nothing_behind(network: Network, tmp_path: Path) -> None:
    full = pytest.raises(TransferRefused, match=rf"disk is full \({re.escape(str(tmp_path))}/export")
    with closing(network.open_source()) as source, limit_file_size(4_000), full:
        export_network(source, tmp_path / "export")
    assert not (tmp_path / "export").exists()


def test_a_file_name_that_is_not_text_is_named(network: Network, tmp_path: Path) -> None:
    Path(os.fsdecode(bytes(network.media) + b"/bad\xff.webp")).touch()
    assert "bad\\udcff.webp" in expect_refusal(network, tmp_path / "export")


def test_the_manifest_names_the_migrations(exported: Path) -> None:
    content = json.loads((exported / "manifest.json").read_text())
    assert "0001_initial" in content["migrations"]["users"]
    assert content["format"] == 1
