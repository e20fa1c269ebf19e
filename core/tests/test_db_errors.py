"""Database outages, as opposed to wrong queries, and their log line (R1.4, Property 9)."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite
from django.db.utils import DatabaseError, InterfaceError, OperationalError, ProgrammingError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database.db_errors import OutageLog, is_outage
from tests.cases import all_cases, rolled_back
from tests.hypothesis_settings import property_settings

# pytest-django lets nobody else try to connect.
pytestmark = [pytest.mark.both, pytest.mark.django_db]

PASSWORD = "hunter2-hunter2-hunter2"


def settings_of(**values: Any) -> dict[str, Any]:
    return {
        **connection.settings_dict,
        "OPTIONS": {},
        "CONN_HEALTH_CHECKS": False,
        "CONN_MAX_AGE": 0,
        "AUTOCOMMIT": True,
        "TIME_ZONE": None,
        **values,
    }


def error_of(wrapper: BaseDatabaseWrapper, sql: str = "SELECT 1") -> Exception:
    """What asking this database raises."""
    try:
        with wrapper.cursor() as cursor:
            cursor.execute(sql)
    except Exception as error:  # noqa: BLE001 -- which one it is, is what tests look at
        return error
    finally:
        wrapper.close()
    raise AssertionError("it answered")


@contextmanager
def closed_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def postgresql_at(port: int, password: str = PASSWORD) -> PostgreSQL:
    values = settings_of(NAME="linkup", USER="u", PASSWORD=password, HOST="127.0.0.1", PORT=port)
    return PostgreSQL({**values, "OPTIONS": {"connect_timeout": 2}})


def test_a_closed_port_is_an_outage() -> None:
    with closed_port() as port:
        error = error_of(postgresql_at(port))
    assert isinstance(error, OperationalError)
    assert is_outage(error)


def accept_and_close(server: socket.socket) -> None:
    server.accept()[0].close()


def test_a_server_that_hangs_up_is_an_outage() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(10)
        wrapper = postgresql_at(server.getsockname()[1])
        wrapper.settings_dict["OPTIONS"]["sslmode"] = "disable"
        hanging_up = Thread(target=accept_and_close, args=(server,))
        hanging_up.start()
        error = error_of(wrapper)
        hanging_up.join()
    assert is_outage(error)


def test_a_name_that_nobody_has_is_an_outage() -> None:
    wrapper = postgresql_at(5432)
    wrapper.settings_dict["HOST"] = "no-such-host.invalid"
    assert is_outage(error_of(wrapper))


def test_a_closed_connection_is_an_outage() -> None:
    error = InterfaceError("connection already closed")
    assert is_outage(error)


def test_what_followed_from_an_outage_is_one_too() -> None:
    with closed_port() as port:
        cause = error_of(postgresql_at(port))
    follower = RuntimeError("nothing to show")
    follower.__cause__ = cause
    assert is_outage(follower)
    follower = RuntimeError("nothing to show")
    follower.__context__ = cause
    assert is_outage(follower)


def test_a_ring_of_causes_ends() -> None:
    one, two = ValueError(), ValueError()
    one.__cause__, two.__cause__ = two, one
    assert not is_outage(one)


def test_a_wrong_query_is_no_outage() -> None:
    with all_cases() as case:
        for sql, outage in [
            ("SELECT * FROM nothing", False),
            ("SELECT nonsense()", False),
            ("SELEKT", False),
        ]:
            with case((sql, outage)), rolled_back():
                assert is_outage(error_of(SQLite(settings_of(NAME=":memory:")), sql)) is outage


def test_a_database_file_that_cannot_be_opened_is_an_outage(tmp_path: Path) -> None:
    assert is_outage(error_of(SQLite(settings_of(NAME=str(tmp_path / "no" / "db.sqlite3")))))


def with_cause(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def coded(code: str | None, kind: type[Exception] = OperationalError) -> Exception:
    """An error of PostgreSQL as Django raises it: the code of psycopg2's errors cannot be set."""
    cause = type("Coded", (psycopg2.OperationalError,), {"pgcode": code})("x")
    return with_cause(kind("x"), cause)


def test_codes_of_an_outage() -> None:
    with all_cases() as case:
        for code in [None, "08006", "28P01", "3D000", "53300", "57P01", "57P02", "57P03"]:
            with case(code), rolled_back():
                assert is_outage(coded(code))


def test_codes_of_a_query_that_waited_or_ran_too_long() -> None:
    with all_cases() as case:
        for code in ["57014", "40P01", "55P03", "40001"]:
            with case(code), rolled_back():
                assert not is_outage(coded(code))


def test_a_lost_connection_that_has_no_class_of_its_own_is_an_outage() -> None:
    assert is_outage(with_cause(DatabaseError("x"), psycopg2.DatabaseError("server closed the connection")))


def test_anything_else_is_no_outage() -> None:
    with all_cases() as case:
        for error in [
            None,
            ValueError("x"),
            DatabaseError("Save with update_fields did not affect any rows."),
            coded("42P01", ProgrammingError),
        ]:
            with case(error), rolled_back():
                assert not is_outage(error)


@settings(property_settings, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(password=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=6, max_size=40))
def test_the_line_names_host_port_and_database_and_never_the_password(
    password: str, caplog: pytest.LogCaptureFixture
) -> None:
    # Property 9 (R1.4)
    caplog.clear()
    with closed_port() as port:
        error = error_of(postgresql_at(port, f"zQ{password}"))
        former = dict(connection.settings_dict)
        connection.settings_dict.update(HOST="127.0.0.1", PORT=port, NAME="linkup", PASSWORD=f"zQ{password}")
        try:
            OutageLog().log_outage(error)
        finally:
            connection.settings_dict.clear()
            connection.settings_dict.update(former)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is None
    assert record.getMessage() == (
        f"the database linkup at host 127.0.0.1 port {port} does not answer: psycopg2.OperationalError; "
        "0 more requests were refused before this one"
    )


def test_an_outage_is_one_line_every_few_seconds(caplog: pytest.LogCaptureFixture) -> None:
    now = [100.0]
    log = OutageLog(seconds=5, clock=lambda: now[0])
    for second in range(11):
        now[0] = 100.0 + second
        log.log_outage(InterfaceError("x"))
    assert [record.args[-1] for record in caplog.records if isinstance(record.args, tuple)] == [0, 4, 4]
