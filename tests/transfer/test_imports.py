"""An import: whole or not at all, and when it is run again, complete and nothing doubled."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, default_storage
from django.db import connections
from django.db.models.signals import post_save, pre_save
from pytest_django.fixtures import Settings

from operations.transfer import manifest
from operations.transfer.exports import ExportFolder
from operations.transfer.files import media
from operations.transfer.imports import Outcome, import_export
from operations.transfer.problems import TransferRefused
from operations.transfer.rows import Row
from operations.transfer.table_files import TableFile
from operations.transfer.tables import all_tables
from operations.transfer.target import IMPORT_LOCK
from tests.testkit.file_size_limit import limit_file_size

from .conftest import Database, Network, use_database
from .network import FILES, MEMBERS, POSTS
from .test_folders import POSTS as POSTS_FILE
from .test_folders import rewritten

pytestmark = pytest.mark.postgres_only


def expect_refusal(database: Database, folder: Path) -> str:
    """What the import says when it refuses; nothing of it may be in the target."""
    with pytest.raises(TransferRefused) as refused:
        database.import_export(folder)
    assert database.is_untouched()
    return str(refused.value)


def rewrite_digest(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the content of the manifest; its digest is valid."""
    path = folder / manifest.FILE_NAME
    content = json.loads(path.read_text())
    change(content)
    content.pop("digest")
    path.write_text(json.dumps({**content, "digest": manifest._digest_of(content)}))


def test_every_row_and_every_file_arrives(database: Database, built_export: Path) -> None:
    outcome = import_export(ExportFolder(built_export, all_tables()))
    assert outcome == Outcome(rows=outcome.rows, files=len(FILES), was_there=False)
    assert database.count_rows("users_user") == MEMBERS
    assert database.list_files() == set(FILES)
    assert all((database.media / name).read_bytes() == content for name, content in FILES.items())
    assert database.verify_with(built_export).differences == []


def test_run_again_it_says_that_all_is_there(moved: Database, built_export: Path) -> None:
    again = import_export(ExportFolder(built_export, all_tables()))
    assert (again.was_there, again.files) == (True, 0)
    assert moved.count_rows("users_user") == MEMBERS
    assert moved.verify_with(built_export).is_same


def test_run_again_it_brings_files_that_were_lost(moved: Database, built_export: Path) -> None:
    (moved.media / next(iter(FILES))).unlink()
    assert import_export(ExportFolder(built_export, all_tables())).files == 1
    assert moved.verify_with(built_export).is_same


def test_ids_go_on_where_they_were(moved: Database) -> None:
    moved.run_statement("INSERT INTO feed_tag (name) VALUES ('new')")
    assert moved.run_statement("SELECT id FROM feed_tag WHERE name = 'new'") == [(2,)]


def test_ids_of_deleted_rows_are_not_given_out_again(moved: Database, built_export: Path) -> None:
    given_out = ExportFolder(built_export, all_tables()).manifest.tables["feed.post"].sequence
    assert given_out > POSTS
    assert moved.run_statement("SELECT nextval(pg_get_serial_sequence('feed_post', 'id'))") == [
        (given_out + 1,)
    ]


def test_content_types_and_permissions_find_their_ids_again(database: Database, built_export: Path) -> None:
    # Other ids than in the source: as where apps were installed in another order.
    database.run_statement("UPDATE auth_permission SET id = id + 1000")
    database.import_export(built_export)
    output = database.run_statement(
        "SELECT p.codename, c.app_label, c.id > 0 FROM users_user_user_permissions u JOIN auth_permission p "
        "ON p.id = u.permission_id JOIN django_content_type c ON c.id = p.content_type_id"
    )
    assert output == [("own.dotted", "gone", True)]
    assert database.run_statement(
        "SELECT count(*) FROM auth_group_permissions WHERE permission_id > 1000"
    ) == [(3,)]
    assert database.verify_with(built_export).is_same


def test_a_renamed_permission_keeps_its_name(database: Database, network: Network, tmp_path: Path) -> None:
    network.run_statement("UPDATE auth_permission SET name = 'May write' WHERE codename = 'add_post'")
    network.export_to(tmp_path / "export")
    database.import_export(tmp_path / "export")
    assert database.run_statement("SELECT name FROM auth_permission WHERE codename = 'add_post'") == [
        ("May write",)
    ]


def test_no_signal_is_sent(database: Database, built_export: Path) -> None:
    heard: list[object] = []

    def hear(sender: object, **_details: object) -> None:
        heard.append(sender)

    for signal in (pre_save, post_save):
        signal.connect(hear)
    database.import_export(built_export)
    for signal in (pre_save, post_save):
        signal.disconnect(hear)
    assert heard == []


def test_progress_is_reported(database: Database, built_export: Path) -> None:
    output: list[str] = []
    import_export(ExportFolder(built_export, all_tables()), progress=output.append)
    assert any(line.startswith("import: 100 %") and "rows/s" in line for line in output)


# -- Refused before anything is written -------------------------------------------------------
def test_an_export_of_other_migrations_is_refused(database: Database, exported: Path) -> None:
    rewrite_digest(exported, lambda content: content["migrations"]["feed"].append("0099_later"))
    output = expect_refusal(database, exported)
    assert "of different versions" in output
    assert "feed.0099_later is applied in the export only" in output


def test_a_target_of_other_migrations_is_refused(database: Database, built_export: Path) -> None:
    database.run_statement(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('feed', '0098_other', now())"
    )
    assert "feed.0098_other is applied in the target only" in expect_refusal(database, built_export)


def test_a_damaged_export_is_refused_before_anything_is_written(database: Database, exported: Path) -> None:
    rewritten(exported / POSTS_FILE, lambda lines: lines[:-1])
    assert "feed.post (line 122): feed.post.jsonl.gz ends before its last line" in expect_refusal(
        database, exported
    )


def test_a_target_with_rows_is_refused_with_a_list(database: Database, built_export: Path) -> None:
    database.run_statement("INSERT INTO feed_tag (name) VALUES ('mine')")
    with pytest.raises(TransferRefused, match=r"is not empty(.|\n)*feed.tag: holds 1 rows"):
        database.import_export(built_export)
    assert (database.count_rows("feed_tag"), database.count_rows("users_user")) == (1, 0)


def test_a_target_with_the_same_number_of_other_rows_is_refused(moved: Database, built_export: Path) -> None:
    moved.run_statement("UPDATE users_user SET headline = 'changed since' WHERE id = 5")
    with pytest.raises(TransferRefused, match="not this export"):
        moved.import_export(built_export)
    assert moved.run_statement("SELECT headline FROM users_user WHERE id = 5") == [("changed since",)]


def test_a_target_without_tables_is_refused(database: Database, built_export: Path) -> None:
    database.run_statement("DROP SCHEMA public CASCADE")
    database.run_statement("CREATE SCHEMA public")
    with pytest.raises(TransferRefused, match=r"run `python manage.py migrate` there first"):
        database.import_export(built_export)


def test_a_table_that_is_missing_in_the_target_is_named(database: Database, built_export: Path) -> None:
    database.run_statement("DROP TABLE feed_savedpost")
    with pytest.raises(TransferRefused, match=r"feed.savedpost: has no table in the target"):
        database.import_export(built_export)


@contextmanager
def as_role(database: Database, monkeypatch: pytest.MonkeyPatch, *rights: str) -> Iterator[str]:
    """The settings name a role that has these rights on all tables."""
    role = f"{database.name}_guest"
    database.run_statement(f"CREATE ROLE {role} LOGIN")
    for right in rights:
        database.run_statement(f"GRANT {right} TO {role}")
    monkeypatch.setitem(connections["default"].settings_dict, "USER", role)
    yield role
    database.run_statement(f"DROP OWNED BY {role}")
    database.run_statement(f"DROP ROLE {role}")


def test_a_role_without_rights_is_reported_so(
    database: Database, built_export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_role(database, monkeypatch, "SELECT ON ALL TABLES IN SCHEMA public") as role:
        output = expect_refusal(database, built_export)
    assert f"feed_post: the role {role} may not INSERT, UPDATE" in output
    assert f"users_user: the role {role} may not INSERT, UPDATE" in output


def test_a_role_that_may_read_nothing_is_reported_so(
    database: Database, built_export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_role(database, monkeypatch) as role:
        assert f"django_migrations: the role {role} may not SELECT" in expect_refusal(database, built_export)


def test_a_role_without_rights_on_sequences_undoes_all(
    database: Database, built_export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_role(database, monkeypatch, "ALL ON ALL TABLES IN SCHEMA public"):
        assert "permission denied for sequence" in expect_refusal(database, built_export)


def test_a_server_that_is_not_there_is_reported_so(
    database: Database, built_export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "PORT", "1")
    monkeypatch.setitem(connections["default"].settings_dict, "PASSWORD", "never-told")
    output = expect_refusal(database, built_export)
    assert "cannot be reached" in output
    assert "never-told" not in output


def test_a_database_of_another_encoding_is_refused(database: Database, built_export: Path) -> None:
    odd = f"{database.name}_odd"
    database.run_statement(f"CREATE DATABASE {odd} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with use_database(Database(odd, database.media)):
        output = expect_refusal(database, built_export)
    database.run_statement(f"DROP DATABASE {odd}")
    assert "keeps text as LATIN1" in output


# -- Undone in the middle ---------------------------------------------------------------------
def test_a_row_that_postgresql_refuses_is_named_and_all_is_undone(
    database: Database, network: Network, tmp_path: Path
) -> None:
    # A constraint of the model that SQLite ignores.
    network.run_statement(
        "INSERT INTO network_follow (follower_id, followed_id, created_at) VALUES (5, 5, '2026-01-01')"
    )
    network.export_to(tmp_path / "export")
    output = expect_refusal(database, tmp_path / "export")
    assert "network.follow 1" in output
    assert "network_follow_another" in output


def test_a_broken_reference_is_named_and_all_is_undone(database: Database, exported: Path) -> None:
    def orphan(lines: list[bytes]) -> list[bytes]:
        return [line.replace(b'["3","3",', b'["3","999",') for line in lines]

    seal_with(exported, orphan)
    output = expect_refusal(database, exported)
    assert "feed.post 3, field author: refers to users_user 999, which is not in the export" in output


def seal_with(folder: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change rows of feed.post, and let the export say that this is how they are."""
    table = next(table for table in all_tables() if table.label == "feed.post")

    file = TableFile(folder, table)
    lines = change([row.line for row in file.read_rows()])
    facts = file.write_rows((Row((n,), line) for n, line in enumerate(lines)), len(lines))
    rewrite_digest(folder, lambda content: content["tables"].update({"feed.post": vars(facts)}))


def test_a_row_of_the_wrong_type_is_named(database: Database, exported: Path) -> None:
    seal_with(exported, lambda lines: [line.replace(b'["3","3",', b'["3","four",') for line in lines])
    output = expect_refusal(database, exported)
    assert "feed.post 3, field author_id: invalid input syntax" in output


def test_an_unknown_content_type_is_named(database: Database, exported: Path) -> None:

    table = next(table for table in all_tables() if table.label == "contenttypes.contenttype")
    file = TableFile(exported, table)
    rows = [row for row in file.read_rows() if b"gone" not in row.line]
    facts = file.write_rows((Row(row.key, row.line) for row in rows), 0)
    rewrite_digest(exported, lambda content: content["tables"].update({table.label: vars(facts)}))
    assert "gone.thing" in expect_refusal(database, exported)


GATE = 14
GATEKEEPER = f"""
CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NEW; END $$;
CREATE TRIGGER gate BEFORE INSERT ON feed_post FOR EACH ROW WHEN (NEW.id = 60) EXECUTE FUNCTION wait_at_the_gate()
"""
WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = %s AND query LIKE 'COPY%%' AND wait_event = 'advisory'"
)


def interrupted(database: Database, folder: Path, interruption: str) -> str:
    """Interrupt the import when half of feed.post has arrived; what it says."""
    database.run_statement(GATEKEEPER)
    output: list[str] = []
    importing = threading.Thread(target=lambda: output.append(expect_refusal(database, folder)))
    with closing(psycopg2.connect(database.url)) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [GATE])
        importing.start()
        deadline = time.monotonic() + 30
        while not (found := database.run_statement(WAITING, database.name)):
            assert time.monotonic() < deadline
        database.run_statement(f"SELECT {interruption}(%s)", found[0][0])
        importing.join(60)
    database.run_statement("DROP FUNCTION wait_at_the_gate CASCADE")
    return output[0]


@pytest.mark.parametrize(
    ("interruption", "words"),
    [("pg_terminate_backend", "nothing of it is in the target"), ("pg_cancel_backend", "canceling")],
)
def test_a_connection_cut_in_the_middle_leaves_nothing_and_the_next_run_brings_all(
    database: Database, built_export: Path, interruption: str, words: str
) -> None:
    assert words in interrupted(database, built_export, interruption)
    database.import_export(built_export)
    assert database.verify_with(built_export).differences == []


def test_two_imports_at_once_do_not_mix(database: Database, built_export: Path) -> None:

    with psycopg2.connect(database.url) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORT_LOCK])
        assert "Another import" in expect_refusal(database, built_export)
    other.close()


# -- Files ------------------------------------------------------------------------------------
def test_a_disk_that_fills_with_files_undoes_all(database: Database, built_export: Path) -> None:
    with limit_file_size(4_000):
        output = expect_refusal(database, built_export)
    assert "private/documents/aa/" in output
    # The disk that is full is that of the uploads, not the one on which the export lies.
    assert f"the disk is full ({database.media}" in output
    assert str(built_export) not in output
    database.import_export(built_export)
    assert database.verify_with(built_export).is_same


def test_another_file_under_the_same_name_is_left_alone(database: Database, built_export: Path) -> None:
    name = "private/documents/aa/aa00000000000000000000000000000b.pdf"
    default_storage.save(name, ContentFile(b"somebody else's"))
    with pytest.raises(TransferRefused, match=r"media private/documents/aa/.*: has 15 bytes"):
        database.import_export(built_export)
    assert database.list_files() == {name}
    assert database.count_rows("users_user") == 0


def test_files_get_the_rights_of_uploads(moved: Database, settings: Settings) -> None:
    modes = {path.stat().st_mode & 0o777 for path in moved.media.rglob("*.*") if path.is_file()}
    assert modes == {settings.FILE_UPLOAD_PERMISSIONS}


def test_files_may_go_to_a_storage_without_folders(database: Database, built_export: Path) -> None:
    storage = InMemoryStorage()
    assert import_export(ExportFolder(built_export, all_tables()), storage=storage).files == len(FILES)
    listed = ExportFolder(built_export, all_tables()).list_files()
    assert [media.find_file_problem(file, storage) for file in listed] == [""] * len(FILES)


def test_files_that_are_only_listed_are_left_to_the_operator(
    database: Database, network: Network, tmp_path: Path
) -> None:
    network.export_to(tmp_path / "export", copy_media=False)
    database.import_export(tmp_path / "export")
    assert database.list_files() == set()
    assert len(database.verify_with(tmp_path / "export").differences) == len(FILES)
    shutil.copytree(network.media, database.media, dirs_exist_ok=True)
    assert database.verify_with(tmp_path / "export").is_same
