"""A target in a bad state, and rows that PostgreSQL refuses: named, undone, and complete when run again."""

import shutil
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.core.files import File
from django.core.files.storage import InMemoryStorage

from operations.transfer import target
from operations.transfer.exports import ExportFolder
from operations.transfer.imports import OutcomeUnknown, import_export
from operations.transfer.problems import TransferRefused
from operations.transfer.schema import DESCRIPTION, compare_schemas, load_description, read_parts
from operations.transfer.tables import all_tables
from scripts.schema import describe_database
from tests.testkit.file_size_limit import limit_file_size

from .conftest import Database, Network
from .network import FILES
from .proxy import cut_at_commit, interrupted_at
from .test_imports import expect_refusal, seal_with

pytestmark = pytest.mark.postgres_only


# -- Rows that SQLite let pass ----------------------------------------------------------------
ALIKE = [
    # SQLite knows upper and lower case of ASCII alone.
    (
        [
            "INSERT INTO users_skill (user_id, name) VALUES (5, 'Ärzte'), (5, 'ärzte')",
        ],
        "users.skill 2, field user_id, lower(name): duplicate key value violates",
    ),
    (
        ["DROP INDEX users_email_unique", "UPDATE users_user SET email = 'Member3@example.org' WHERE id = 7"],
        "users.user 7, field lower(email): duplicate key value violates unique constraint",
    ),
    (
        ["INSERT INTO network_follow (follower_id, followed_id, created_at) VALUES (5, 5, '2026-01-01')"],
        "network.follow 1, field followed, follower: new row for relation",
    ),
]


@pytest.mark.parametrize(
    ("statements", "expected"), ALIKE, ids=[expected.split(":")[0] for _, expected in ALIKE]
)
def test_a_row_that_breaks_a_constraint_is_named_with_its_fields(
    database: Database, network: Network, tmp_path: Path, statements: list[str], expected: str
) -> None:
    for statement in statements:
        network.run_statement(statement)
    network.export_to(tmp_path / "export")
    said = expect_refusal(database, tmp_path / "export")
    assert expected in said
    assert "ember3@example.org" not in said
    assert "rzte" not in said


def test_a_key_that_is_there_twice_is_named(database: Database, exported: Path) -> None:
    seal_with(exported, lambda lines: [*lines[:3], lines[2], *lines[3:]])
    assert "feed.post 3, field id: duplicate key value" in expect_refusal(database, exported)


def test_an_export_of_an_older_state_is_refused(database: Database, network: Network, tmp_path: Path) -> None:
    network.run_statement("DELETE FROM django_migrations WHERE app = 'feed' AND name = '0001_initial'")
    network.export_to(tmp_path / "export")
    assert "feed.0001_initial is applied in the target only" in expect_refusal(database, tmp_path / "export")


def test_a_network_without_rows_is_brought_in_and_again(
    database: Database, network: Network, tmp_path: Path
) -> None:
    with closing(network.open_source()) as source:
        names = [table.name for table in source.tables if not table.predefined]
    for name in names:
        network.run_statement(f"DELETE FROM {name}")  # noqa: S608 -- a name of ours
    shutil.rmtree(network.media)
    network.export_to(tmp_path / "export")
    for _ in range(2):
        database.import_export(tmp_path / "export")
        assert database.verify_with(tmp_path / "export").differences == []


# -- A schema that is not the one of the migrations
# What was done to the target, and the expected message.
HARMED: dict[str, str] = {
    "ALTER TABLE feed_reaction DROP CONSTRAINT feed_one_reaction_each": "feed_reaction: the target lacks: ",
    "DROP INDEX users_username_unique": "users_user: the target lacks: unique index users_username_unique",
    "ALTER TABLE feed_post DROP CONSTRAINT feed_post_has_audience": "feed_post_has_audience: CHECK",
    "ALTER TABLE feed_post ALTER text DROP NOT NULL": "feed_post: the target lacks: column text: text NOT NULL",
    "ALTER TABLE users_user ALTER headline TYPE varchar(5000)": "column headline: character varying",
    "ALTER TABLE users_user ALTER headline SET DEFAULT 'x'": "has besides: column headline",
    'ALTER TABLE users_user ALTER headline TYPE varchar(160) COLLATE "C"': 'COLLATE "C"',
    "ALTER SEQUENCE feed_post_id_seq INCREMENT BY 10": "sequence id: bigint START 1 BY 10",
    "ALTER SEQUENCE feed_post_id_seq MAXVALUE 1000 CYCLE": "CYCLE",
    "ALTER TABLE feed_post ENABLE ROW LEVEL SECURITY": "row security",
    "ALTER TABLE django_session SET UNLOGGED": "UNLOGGED: emptied after a crash",
    "ALTER TABLE feed_post DISABLE TRIGGER ALL": "foreign keys are not checked",
    "CREATE TRIGGER mine BEFORE UPDATE ON feed_post FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()":
        "has besides: trigger mine",
    "CREATE RULE mine AS ON DELETE TO feed_post DO INSTEAD NOTHING": "has besides: rule mine",
    "CREATE UNIQUE INDEX mine ON users_user (headline)": "has besides: unique index mine",
    "ALTER TABLE feed_post ADD CONSTRAINT mine CHECK (id > 0) NOT VALID": "NOT VALID",
    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_username_unique'::regclass": "INVALID",
    "DROP TABLE django_session CASCADE": "django_session: has no table in the target",
}  # fmt: skip
HARMLESS = [
    "CREATE INDEX mine ON users_user (headline)",
    "CREATE TABLE others (id integer)",
    "ALTER INDEX users_username_unique RENAME TO another_name",
]


def schema_of(database: Database) -> list[str]:
    with closing(psycopg2.connect(database.url)) as connection, connection.cursor() as cursor:

        def run(statement: str) -> list[Any]:
            cursor.execute(statement)
            return cursor.fetchall()

        return [str(problem) for problem in compare_schemas(load_description().parts, read_parts(run))]


def test_the_description_of_the_schema_is_what_the_migrations_make(database: Database) -> None:
    assert describe_database(database.url) == DESCRIPTION.read_text(), "Run: python -m scripts.schema"


def test_each_harm_to_the_schema_is_named(database: Database) -> None:
    wrong = []
    for statement, output in HARMED.items():
        with closing(psycopg2.connect(database.url)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            cursor.execute("SELECT 1")

            def run(words: str, cursor: Any = cursor) -> list[Any]:
                cursor.execute(words)
                rows: list[Any] = cursor.fetchall()
                return rows

            found = [str(problem) for problem in compare_schemas(load_description().parts, read_parts(run))]
        if not any(output in problem for problem in found):
            wrong.append((statement, found))
    assert not wrong
    assert schema_of(database) == []


def test_indexes_tables_and_names_of_others_are_no_harm(database: Database) -> None:
    for statement in HARMLESS:
        database.run_statement(statement)
    assert schema_of(database) == []


def test_a_verification_names_a_constraint_that_is_lost(moved: Database, built_export: Path) -> None:
    moved.run_statement("ALTER TABLE feed_reaction DROP CONSTRAINT feed_one_reaction_each")
    moved.run_statement("DROP INDEX users_username_unique")
    output = [str(difference) for difference in moved.verify_with(built_export).differences]
    assert len(output) == 2
    assert "UNIQUE" in output[0]
    assert "users_username_unique" in output[1]


# -- The target's own state -------------------------------------------------------------------
def test_a_column_that_is_missing_in_the_target_is_named(database: Database, built_export: Path) -> None:
    database.run_statement("ALTER TABLE users_user DROP COLUMN headline")
    assert "users.user, field headline: has no column in the target" in expect_refusal(database, built_export)


def test_a_column_more_in_the_target_that_wants_a_value_is_named(
    database: Database, built_export: Path
) -> None:
    database.run_statement("ALTER TABLE feed_tag ADD COLUMN mine integer NOT NULL")
    assert "feed.tag 1, field mine: null value in column" in expect_refusal(database, built_export)


def test_a_site_that_still_runs_is_reported(
    database: Database, built_export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = target.SESSION_SETTINGS.replace("lock_timeout = '10s'", "lock_timeout = '0.2s'")
    assert patience != target.SESSION_SETTINGS
    monkeypatch.setattr(target, "SESSION_SETTINGS", patience)
    with closing(psycopg2.connect(database.url)) as site, site.cursor() as cursor:
        cursor.execute("LOCK TABLE feed_post IN ROW EXCLUSIVE MODE")
        output = expect_refusal(database, built_export)
    assert "lock timeout. When that is mended, run it again." in output


def test_two_imports_at_once_leave_one_whole(database: Database, built_export: Path) -> None:
    output: list[str] = []

    def run_import() -> None:
        try:
            database.import_export(built_export)
            output.append("brought in")
        except TransferRefused as refused:
            output.append(str(refused))

    both = [threading.Thread(target=run_import) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    # The second one came while the first was at work, or found that all is there.
    assert len(output) == 2
    assert all(words == "brought in" or "Another import" in words for words in output)
    assert "brought in" in output
    assert database.verify_with(built_export).differences == []
    assert database.list_files() == set(FILES)


def test_a_disk_that_fills_with_files_leaves_those_that_were_there(
    database: Database, built_export: Path
) -> None:
    name = min(FILES, key=lambda name: len(FILES[name]))
    path = database.media / name
    path.parent.mkdir(parents=True)
    path.write_bytes(FILES[name])
    with limit_file_size(4_000), pytest.raises(TransferRefused, match="the disk is full"):
        database.import_export(built_export)
    assert database.list_files() == {name}
    assert database.count_rows("users_user") == 0


class FullBucket(InMemoryStorage):
    """Accepts one file, and refuses the next with another exception, as the libraries of buckets do."""

    def _save(self, name: str, content: "File[bytes]") -> str:
        if self.listdir("")[0]:
            raise LookupError("An error occurred (QuotaExceeded) when calling PutObject")
        return str(super()._save(name, content))  # type: ignore[misc]


def test_a_bucket_that_refuses_a_file_undoes_all(database: Database, built_export: Path) -> None:
    bucket = FullBucket()
    with pytest.raises(TransferRefused, match=r"The file .* cannot be stored: .*QuotaExceeded"):
        import_export(ExportFolder(built_export, all_tables()), storage=bucket)
    assert not [name for name in FILES if bucket.exists(name)]
    assert database.is_untouched()


# -- Cut off while it is committed ------------------------------------------------------------
@pytest.mark.parametrize("before", [True, False], ids=["not done", "done"])
def test_a_connection_cut_while_it_is_committed_is_reported_as_unknown_and_the_next_run_settles_it(
    database: Database, built_export: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    with cut_at_commit(monkeypatch, before=before), pytest.raises(OutcomeUnknown, match="Run it again"):
        database.import_export(built_export)
    # Files that rows may need stay where they are.
    assert database.list_files() == set(FILES)
    wait_for_others(database)
    assert bool(database.count_rows("users_user")) is not before
    again = import_export(ExportFolder(built_export, all_tables()))
    assert (again.was_there, again.files) == (not before, 0)
    assert database.verify_with(built_export).differences == []


# -- Ctrl-C -----------------------------------------------------------------------------------
@pytest.mark.parametrize("word", [b"COMMIT\0", b"ANALYZE "], ids=["in the commit", "in the statistics"])
def test_an_interruption_from_the_commit_on_keeps_the_files_of_the_rows(
    database: Database, built_export: Path, monkeypatch: pytest.MonkeyPatch, word: bytes
) -> None:
    with interrupted_at(monkeypatch, word), pytest.raises(KeyboardInterrupt):
        database.import_export(built_export)
    assert database.list_files() == set(FILES)
    wait_for_others(database)
    assert database.verify_with(built_export).differences == []
    again = import_export(ExportFolder(built_export, all_tables()))
    assert (again.was_there, again.files) == (True, 0)


def test_an_interruption_before_the_commit_undoes_all(
    database: Database, built_export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with interrupted_at(monkeypatch, b"SET CONSTRAINTS"), pytest.raises(KeyboardInterrupt):
        database.import_export(built_export)
    wait_for_others(database)
    assert database.is_untouched()


def wait_for_others(database: Database) -> None:
    """Until the server has noticed that the connection is gone."""
    statement = (
        "SELECT pg_backend_pid() <> pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    )
    for _ in range(200):
        if not database.run_statement(statement, database.name):
            return
        time.sleep(0.05)
    raise AssertionError("the connection that was cut is still there")
