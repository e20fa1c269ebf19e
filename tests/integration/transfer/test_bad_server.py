"""A PostgreSQL whose disk fills, or that dies in the middle of an import: nothing stays, the next run brings all."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg2
import pytest

from scripts.programs import ROOT
from scripts.servers import Server
from tests.testkit.file_size_limit import limit_file_size
from tests.testkit.prepared_files import migrated_postgres
from tests.transfer.network import POSTS, build_network

from .installation import Installation, administer, beside, manage, run

IMPORT = "scripts/import_data.sh"
# A segment of PostgreSQL's log has 16 MiB and must fit. Not a multiple of a block, so that a part of one is written.
ROOM = 17 * 2**20 + 100
WRITES = "SELECT count(*) FROM users_user"
GATE = 14
# The last table of the import, so that all the others are in it by then.
GATEKEEPER = f"""
CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NEW; END $$;
CREATE TRIGGER gate BEFORE INSERT ON users_user FOR EACH ROW EXECUTE FUNCTION wait_at_the_gate()
"""
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND wait_event = 'advisory'"


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An export with more text than a server with little room can take."""
    folder = tmp_path_factory.mktemp("large")
    build_network(folder)
    large = Installation(folder)
    with closing(sqlite3.connect(large.file)) as database, database:
        # By chance, so that PostgreSQL cannot compress it.
        database.execute(f"UPDATE feed_post SET html = hex(randomblob({ROOM // POSTS}))")  # noqa: S608
    manage(large.environment(), "export_data", str(folder / "export"), "--quiet")
    return str(folder / "export")


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A PostgreSQL of this module's own, whose database `linkup` has the tables, all empty."""
    with migrated_postgres() as server:
        yield server


@pytest.fixture
def empty(own_server: Server) -> Iterator[str]:
    """The address of a database for one test."""
    admin = beside(own_server.url, "postgres")
    administer(admin, "CREATE DATABASE empty TEMPLATE linkup")
    yield beside(own_server.url, "empty")
    administer(admin, "DROP DATABASE empty WITH (FORCE)")


def value(url: str, statement: str) -> int:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
        assert row is not None
        return int(row[0])


def files(folder: Path) -> list[Path]:
    """What was put into the target's media folder."""
    return [path for path in (folder / "media").rglob("*") if path.is_file()]


def arrives_when_run_again(here: dict[str, str], export: str) -> None:
    """The import brings all, and the verification finds nothing missing and nothing doubled."""
    assert run(here, IMPORT, export, "--quiet").returncode == 0
    assert run(here, "scripts/verify_migration.py", export, "--quiet").returncode == 0


@contextmanager
def little_room(server: Server) -> Iterator[None]:
    """The kernel lets no file of this server grow beyond ROOM, which it inherits from its parent process."""
    server.stop()
    with limit_file_size(ROOM):
        server.start()
    yield
    server.stop()
    server.start()


def test_a_server_whose_disk_fills_keeps_nothing_and_takes_all_when_there_is_room(
    own_server: Server, empty: str, export: str, tmp_path: Path
) -> None:
    here = Installation(tmp_path).environment(DATABASE_URL=empty)
    with little_room(own_server):
        refused = run(here, IMPORT, export, "--quiet")
    assert refused.returncode == 1
    assert "nothing of it is in the target" in refused.stderr
    assert "could not extend file" in refused.stderr
    assert "Check free disk space" in refused.stderr
    assert "run it again" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert (value(empty, WRITES), files(tmp_path)) == (0, [])
    administer(empty, "DROP FUNCTION IF EXISTS wait_at_the_gate CASCADE")
    arrives_when_run_again(here, export)


def die(server: Server) -> None:
    """As when the power goes: no process of the server says a word."""
    assert server.process is not None
    for pid in [server.process.pid, *server.children()]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    server.kill()


def test_a_server_that_dies_in_the_middle_keeps_nothing_and_takes_all_when_it_is_back(
    own_server: Server, empty: str, export: str, tmp_path: Path
) -> None:
    here = Installation(tmp_path).environment(DATABASE_URL=empty)
    administer(empty, GATEKEEPER)
    command = [sys.executable, "manage.py", "import_data", export, "--quiet"]
    with closing(psycopg2.connect(empty)) as holder, holder.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [GATE])
        importing = subprocess.Popen(command, cwd=ROOT, env=here, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while not value(empty, WAITING):
            assert time.monotonic() < deadline
            assert importing.poll() is None
            time.sleep(0.05)
        die(own_server)
    _, said = importing.communicate(timeout=60)
    assert importing.returncode == 1
    assert "nothing of it is in the target" in said
    assert "Traceback" not in said
    own_server.start()
    assert (value(empty, WRITES), files(tmp_path)) == (0, [])
    administer(empty, "DROP FUNCTION IF EXISTS wait_at_the_gate CASCADE")
    arrives_when_run_again(here, export)
