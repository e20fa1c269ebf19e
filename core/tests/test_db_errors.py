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
from tests.cases import all_cases
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


def closed_port_error() -> Exception:
    with closed_port() as port:
        return error_of(postgresql_at(port))


def accept_and_close(server: socket.socket) -> None:
    server.accept()[0].close()


def hang_up_error() -> Exception:
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
    return error


def unknown_host_error() -> Exception:
    wrapper = postgresql_at(5432)
    wrapper.settings_dict["HOST"] = "no-such-host.invalid"
    return error_of(wrapper)


def ring_of_causes() -> Exception:
    one, two = ValueError(), ValueError()
    one.__cause__, two.__cause__ = two, one
    return one


def with_cause(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def coded(code: str | None, kind: type[Exception] = OperationalError) -> Exception:
    """An error of PostgreSQL as Django raises it: the code of psycopg2's errors cannot be set."""
    cause = type("Coded", (psycopg2.OperationalError,), {"pgcode": code})("x")
    return with_cause(kind("x"), cause)


OUTAGE_CODES = (None, "08006", "28P01", "3D000", "53300", "57P01", "57P02", "57P03")


def test_what_is_an_outage(tmp_path: Path) -> None:
    refused = closed_port_error()
    assert isinstance(refused, OperationalError)
    in_its_wake = RuntimeError("nothing to show")
    in_its_wake.__context__ = refused
    outages = {
        "a closed port": refused,
        "a server that hangs up": hang_up_error(),
        "a name that nobody has": unknown_host_error(),
        "a closed connection": InterfaceError("connection already closed"),
        "caused by an outage": with_cause(RuntimeError("nothing to show"), refused),
        "raised while an outage was handled": in_its_wake,
        "a file that cannot be opened": error_of(
            SQLite(settings_of(NAME=str(tmp_path / "no" / "db.sqlite3")))
        ),
        "a lost connection without a class for it": with_cause(
            DatabaseError("x"), psycopg2.DatabaseError("server closed the connection")
        ),
        **{f"code {code}": coded(code) for code in OUTAGE_CODES},
    }
    with all_cases() as case:
        for what, error in outages.items():
            with case(what):
                assert is_outage(error)


# Of a query that waited or ran too long.
SLOW_CODES = ("57014", "40P01", "55P03", "40001")


def test_what_is_no_outage() -> None:
    errors: dict[str, Exception | None] = {
        "a ring of causes": ring_of_causes(),
        **{
            sql: error_of(SQLite(settings_of(NAME=":memory:")), sql)
            for sql in ("SELECT * FROM nothing", "SELECT nonsense()", "SELEKT")
        },
        **{f"code {code}": coded(code) for code in SLOW_CODES},
        "none": None,
        "another error": ValueError("x"),
        "a row that has gone": DatabaseError("Save with update_fields did not affect any rows."),
        "a missing table": coded("42P01", ProgrammingError),
    }
    with all_cases() as case:
        for what, error in errors.items():
            with case(what):
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
