"""The drill: a backup while members write, restored into an empty server, which then serves them."""

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from scripts.servers import HOST, find_free_port
from scripts.stack import running_gunicorn
from scripts.visitor import SimpleSite, Visitor
from tests.integration.transfer.installation import Installation, administer, beside, manage, run
from tests.transfer.network import PASSWORD

# What the writer writes; ids that each database issues itself, and what is left out.
WRITTEN = {"feed_tag", "feed_posttag"}
OTHERS = {"django_migrations", "django_content_type", "auth_permission", "django_admin_log"}
OTHERS |= {"auth_group_permissions", "users_user_user_permissions", "django_session", "core_cacheentry"}


def select(url: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def hashes(url: str) -> dict[str, tuple[Any, ...]]:
    """Count and hash of every table that nobody writes to, by PostgreSQL's own means: none of ours."""
    names = [
        name
        for (name,) in select(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    ]
    statement = (
        "SELECT count(*), md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), '')) FROM {} t"
    )
    return {name: select(url, statement.format(name))[0] for name in names if name not in WRITTEN | OTHERS}


@contextmanager
def writing(url: str) -> Iterator[list[int]]:
    """A member that writes all the time: a tag and its use in one transaction, so that half of it would be seen."""
    stop, written = threading.Event(), [0]

    def write() -> None:
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            while not stop.is_set():
                cursor.execute("INSERT INTO feed_tag (name) VALUES (%s) RETURNING id", [f"w{written[0]}"])
                tag = cursor.fetchone()
                cursor.execute("INSERT INTO feed_posttag (post_id, tag_id) VALUES (1, %s)", tag)
                connection.commit()
                written[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def empty(server: str) -> str:
    """The address of an empty database."""
    administer(beside(server, "postgres"), "DROP DATABASE IF EXISTS restored WITH (FORCE)")
    administer(beside(server, "postgres"), "CREATE DATABASE restored")
    return beside(server, "restored")


def test_a_network_comes_back(
    installation: Installation, server: str, empty: str, destination: Path, tmp_path: Path
) -> None:
    here = installation.environment(DATABASE_URL=server)
    with writing(server) as written:
        file = manage(here, "backup", str(destination), "--quiet").splitlines()[-1]
    assert written[0] > 10

    there = Installation(tmp_path / "there").environment(DATABASE_URL=empty)
    result = run(there, sys.executable, "manage.py", "restore", file)
    assert result.returncode == 0, result.stderr
    assert re.search(r"The same as in the backup: [\d,]+ rows of \d+ tables", result.stdout)
    assert "check: 100 %" in result.stderr

    # Every row that stood still is the same; of the others exactly those of one moment are there.
    assert hashes(empty) == hashes(server)
    last = select(empty, "SELECT max(id) FROM feed_tag")[0][0]
    for statement in (
        "SELECT * FROM feed_tag WHERE id <= {} ORDER BY id",
        "SELECT * FROM feed_posttag WHERE tag_id <= {} ORDER BY id",
    ):
        assert select(empty, statement.format(last)) == select(server, statement.format(last))
    assert select(empty, "SELECT max(tag_id) FROM feed_posttag") == [(last,)]
    applied = "SELECT app, name FROM django_migrations ORDER BY 1, 2"
    assert select(empty, applied) == select(server, applied)
    assert select(empty, "SELECT count(*) FROM django_session") == [(0,)]
    media = tmp_path / "there" / "media"
    names = {
        path.relative_to(installation.media) for path in installation.media.rglob("*.*") if path.is_file()
    }
    assert {path.relative_to(media) for path in media.rglob("*.*") if path.is_file()} == names
    assert all((media / name).read_bytes() == (installation.media / name).read_bytes() for name in names)

    _alice_goes_on(there, tmp_path)
    newest = "SELECT max(id) FROM feed_post"
    assert select(empty, newest)[0] > select(server, newest)[0]


def _alice_goes_on(there: dict[str, str], folder: Path) -> None:
    """The smoke test: she signs in with the password she had, sees her post and her picture, and writes another."""
    port = find_free_port()
    gunicorn = running_gunicorn(port, folder, {**there, "WEB_CONCURRENCY": "1"})
    with gunicorn, Visitor(SimpleSite(f"http://{HOST}:{port}")) as alice:
        home = alice.follow_redirect(alice.sign_in("alice", PASSWORD)).text
        assert "Before the fire" in home
        picture = re.search(r'"(/media/photos/[^"]+)"', home)
        assert picture is not None
        assert alice.get(picture[1]).body.startswith(b"RIFF")
        written = alice.follow_redirect(
            alice.submit_form("/", "/posts/", text="After the fire", audience="1")
        )
        assert "After the fire" in written.text
