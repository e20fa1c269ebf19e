"""What visitors meet while PostgreSQL is away: 503 at once, on every road, and one line in the log (R1.4, R10).

The default connection leads to a port of this machine where nobody listens.
"""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from operator import methodcaller
from typing import Any

import pytest
from django.core import mail
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import include, path
from pytest_django import DjangoDbBlocker, Settings

from core.database import db_errors
from core.web.error_pages import AWAY
from tests.cases import all_cases

SESSION = "0123456789abcdef0123456789abcdef"
PASSWORD = "hunter2-hunter2-hunter2"


def visited(request: HttpRequest) -> HttpResponse:
    """Stores a new session, which happens in middleware after the view."""
    request.session["visited"] = True
    return HttpResponse("welcome")


urlpatterns = [path("visited/", visited), path("", include("professional_network.urls"))]
handler404 = "core.web.error_pages.not_found"
handler500 = "core.web.error_pages.server_error"

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture(autouse=True)
def port(django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(db_errors, "outages", db_errors.OutageLog())
    monkeypatch.setattr("core.web.error_pages.outages", db_errors.outages)
    former = connections["default"]
    with socket.socket() as holder, django_db_blocker.unblock():
        holder.bind(("127.0.0.1", 0))
        port = int(holder.getsockname()[1])
        away = {
            **former.settings_dict,
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "linkup",
            "USER": "u",
            "PASSWORD": PASSWORD,
            "HOST": "127.0.0.1",
            "PORT": port,
            "OPTIONS": {"connect_timeout": 2},
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
        monkeypatch.setitem(connections.settings, "default", away)  # for threads that begin now
        connections["default"] = PostgreSQL(away)
        try:
            yield port
        finally:
            connections["default"].close()
            connections["default"] = former


def returning_visitor() -> Client:
    """Somebody with the cookie of a session, as most who come back have one."""
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = SESSION
    return client


@pytest.fixture
def visitor() -> Client:
    return returning_visitor()


ROADS = ["/", "/network/", "/members/", "/accounts/login/", "/posts/1/", "/admin/"]


def test_every_page_is_a_503_at_once_with_every_security_header_and_its_own_style() -> None:
    def sign_in(visitor: Client) -> Any:
        return visitor.post("/accounts/login/", {"login": "alice", "password": PASSWORD})

    def visit_without_session(visitor: Client) -> Any:
        del visitor.cookies["sessionid"]
        return visitor.get("/visited/")

    # The middleware of sessions is outside that of languages.
    outside, of_locale = "a session that middleware cannot store", {"Content-Language"}
    requests: dict[str, Callable[[Client], Any]] = {
        **{road: methodcaller("get", road) for road in ROADS},
        "a sign-in": sign_in,
        outside: visit_without_session,
    }
    page = returning_visitor().get("/nowhere/")
    with all_cases() as case:
        for what, send in requests.items():
            with case(what):
                started = time.monotonic()
                answer = send(returning_visitor())
                assert answer.status_code == 503
                assert "Back in a moment" in answer.content.decode()
                assert int(answer["Retry-After"]) > 0
                missing = set(page.headers) - set(answer.headers) - {"Content-Length"}
                assert missing == (of_locale if what == outside else set())
                assert AWAY.hashes[0] in answer["Content-Security-Policy"]
                assert time.monotonic() - started < 3
        with case("JSON for programs"):
            answer = returning_visitor().get("/", headers={"accept": "application/json"})
            assert answer.status_code == 503
            assert answer.json()["error"] == "Back in a moment"


async def test_through_asgi_it_is_a_503_too() -> None:
    client = AsyncClient(raise_request_exception=False)
    client.cookies["sessionid"] = SESSION
    answer = await client.get("/visited/")
    assert (answer.status_code, answer.get("Retry-After")) == (503, "5")


def test_what_needs_no_database_is_answered(visitor: Client) -> None:
    assert visitor.get("/health/").status_code == 200
    assert visitor.get("/nowhere/").status_code == 404
    assert Client().get("/accounts/login/").status_code == 200


def test_one_line_says_where_and_what_and_no_line_has_a_trace_or_the_password(
    visitor: Client, port: int, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.ADMINS = [("Ada", "ada@example.org")]
    for road in (*ROADS, "/visited/"):
        visitor.get(road)
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [line.name for line in lines] == ["core.database.db_errors"]
    assert f"the database linkup at host 127.0.0.1 port {port} does not answer" in lines[0].getMessage()
    assert PASSWORD not in caplog.text
    assert "Traceback" not in caplog.text
    assert mail.outbox == []
