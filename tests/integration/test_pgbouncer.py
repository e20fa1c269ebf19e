"""The whole stack through Debian's PgBouncer in transaction mode, where no session is anybody's own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import psycopg2
import pytest

from scripts.pgbouncer import POOL_SIZE, pgbouncer_server, run_console_command
from scripts.servers import Server
from scripts.stack import Stack
from scripts.visitor import Visitor
from tests.testkit.prepared_files import migrated_postgres, prepared_stack
from tests.testkit.websocket import WebSocket

from .people import PASSWORD, make_people
from .test_doctor import doctor, line_of
from .test_sockets import next_of

LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


@dataclass(frozen=True)
class Site:
    stack: Stack
    database: Server
    pooler: Server

    def run(self, url: str, statement: str) -> list[tuple[object, ...]]:
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    def limit(self, value: str) -> None:
        """Set the limits of the role, as docs/SETTINGS.md says."""
        for name in LIMITS:
            self.run(self.database.url, f"ALTER ROLE linkup SET {name} = '{value}'")
        run_console_command(self.pooler, "RECONNECT")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with (
        migrated_postgres() as database,
        pgbouncer_server(database) as pooler,
        prepared_stack(
            ws_application="tests.integration.room:application",
            DATABASE_URL=pooler.url,
            DB_BEHIND_PGBOUNCER="True",
            WEB_CONCURRENCY="1",
        ) as stack,
    ):
        make_people(stack)
        yield Site(stack, database, pooler)


def test_pages_answer_to_more_visitors_than_there_are_sessions(site: Site) -> None:
    pages = ["/", "/network/", "/members/", "/messages/", "/notifications/", "/members/alice/"]
    with Visitor(site.stack) as first:
        first.sign_in("alice", PASSWORD)
        cookies = dict(first.cookies)

    def visit(path: str) -> tuple[str, int]:
        with Visitor(site.stack) as somebody:
            somebody.cookies.update(cookies)
            return path, somebody.get(path).status

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(visit, pages * 6))
    assert {answer for answer in answers if answer[1] != 200} == set()
    ours = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'linkup' AND pid <> pg_backend_pid()"
    ((sessions,),) = site.run(site.database.url, ours)
    assert isinstance(sessions, int)
    assert 0 < sessions <= POOL_SIZE
    # Plans belong to a session, so none was made.
    assert site.run(site.pooler.url, "SELECT count(*) FROM pg_prepared_statements") == [(0,)]


def test_a_socket_asks_the_database_and_hears_what_is_told(site: Site) -> None:
    with Visitor(site.stack) as alice:
        alice.sign_in("alice", PASSWORD)
        with WebSocket.open_for(alice) as socket:
            assert socket.status == 101
            for _ in range(5):
                socket.send({"type": "tests.count"})
                assert next_of(socket, "tests.counted")["members"] == 2


def test_doctor_wants_the_limits_on_the_role_and_they_hold(site: Site) -> None:
    code, said = doctor(site.stack)
    assert code == 1
    for name in LIMITS:
        assert f"{name} is 0" in said
        assert f"ALTER ROLE linkup SET {name} = '" in said
    site.limit("300ms")
    said = doctor(site.stack)[1]
    assert "is 0" not in said
    line_of(said, "database", "ok")
    with pytest.raises(psycopg2.errors.QueryCanceled):
        site.run(site.pooler.url, "SELECT pg_sleep(30)")
    site.limit("15s")


def test_without_the_switch_doctor_says_which_one_is_missing(site: Site) -> None:
    code, said = doctor(site.stack, DB_BEHIND_PGBOUNCER="")
    assert code == 1
    assert "unsupported startup parameter" in line_of(said, "database", "failure")
    assert "DB_BEHIND_PGBOUNCER=True" in line_of(said, "database", "failure")


def test_health_and_monitors_answer_through_it(site: Site) -> None:
    with Visitor(site.stack) as monitor:
        assert monitor.get("/readiness/").status == 200
        site.pooler.stop()
        assert monitor.get("/health/db/").status == 503
        site.pooler.start()
        assert monitor.get("/health/db/").status == 200
        assert monitor.get("/accounts/login/").status == 200
