"""What reaches the security log, and from whom (R9.6)."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from core.observability.log_lines import LineFormatter
from core.observability.request_id import RequestContext
from professional_network.settings.logs import SECURITY_LINE_FORMAT
from tests.cases import all_cases
from users.models import User


def denied(request: HttpRequest, key: str) -> HttpResponse:
    raise PermissionDenied("a private reason")


def forbidden(request: HttpRequest) -> HttpResponse:
    return HttpResponseForbidden()


def forbidden_to_members(request: HttpRequest) -> HttpResponse:
    return HttpResponseForbidden() if request.user.is_authenticated else HttpResponse()


def limited(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=429)


urlpatterns = [
    path("denied/<str:key>/", denied),
    path("forbidden/", forbidden),
    path("mine/", forbidden_to_members),
    path("limited/", limited),
    path("", include("professional_network.urls")),
]

pytestmark = pytest.mark.urls(__name__)


class Listener(logging.Handler):
    """Keeps the lines that the security log would get."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.addFilter(RequestContext())
        self.setFormatter(LineFormatter(SECURITY_LINE_FORMAT))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(("security", "django.security")):
            self.lines.append(self.format(record).split(" ", 1)[1])


@pytest.fixture
def security_log() -> Listener:
    return Listener()


@pytest.fixture(autouse=True)
def _listening(security_log: Listener, settings: Settings) -> Iterator[None]:
    settings.TRUSTED_PROXIES = ["10.0.0.9"]
    logging.getLogger().addHandler(security_log)
    yield
    logging.getLogger().removeHandler(security_log)


FROM: dict[str, Any] = {"REMOTE_ADDR": "10.0.0.9", "headers": {"x-forwarded-for": "6.6.6.6, 203.0.113.5"}}


# What is asked for, and how the line about it begins and ends.
NOTED = {
    "GET /denied/x/": (
        "WARNING security.denied middleware ",
        " permission denied: GET /denied/x/ by user None",
    ),
    # Keys in a path are masked, and a line break in it forges nothing.
    "GET /denied/0f3b8a6d2c914e57a0b1c2d3e4f50617/": (
        "WARNING security.denied ",
        "GET /denied/[masked]/ by user None",
    ),
    "GET /denied/x%0A2026-01-01%20INFO%20forged/": (
        "WARNING security.denied ",
        "GET /denied/x\\n2026-01-01 INFO forged/ by user None",
    ),
    "POST /forbidden/": ("WARNING security.denied ", " permission denied: POST /forbidden/ by user None"),
    "GET /limited/": ("WARNING security.limit middleware ", " rate limit hit: GET /limited/ by user None"),
}


def test_refusals_are_noted_with_request_address_and_path_and_without_the_reason(
    client: Client, security_log: Listener
) -> None:
    with all_cases() as case:
        for asked, (start, end) in NOTED.items():
            with case(asked):
                security_log.lines.clear()
                method, asked_path = asked.split(" ")
                answer = client.generic(method, asked_path, **FROM)
                (line,) = security_log.lines
                assert line.startswith(start)
                assert f" {answer['X-Request-ID']} 203.0.113.5 " in line
                assert line.endswith(end)
        for asked_path in ("/nowhere/", "/health/"):
            with case(asked_path):
                security_log.lines.clear()
                client.get(asked_path)
                assert security_log.lines == []


@pytest.mark.django_db
def test_a_csrf_failure_is_noted_once(alice: User, security_log: Listener) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    client.post("/accounts/logout/", {"csrfmiddlewaretoken": "x" * 32}, **FROM)
    (line,) = security_log.lines
    assert "django.security.csrf" in line
    assert " 203.0.113.5 Forbidden (CSRF" in line
    assert "/accounts/logout/" in line


def test_a_host_that_is_not_ours_is_noted(client: Client, security_log: Listener) -> None:
    client.get("/nowhere/", headers={"host": "evil.example"})
    assert any("ERROR django.security.DisallowedHost" in line for line in security_log.lines)
    assert "evil.example" in security_log.lines[0]


@pytest.mark.django_db
def test_a_denied_member_is_logged_by_id(as_alice: Client, alice: User, security_log: Listener) -> None:
    as_alice.get("/mine/")
    assert security_log.lines[0].endswith(f"GET /mine/ by user {alice.pk}")
