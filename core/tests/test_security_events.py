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


def test_a_denial_names_request_address_and_path_and_not_the_reason(
    client: Client, security_log: Listener
) -> None:
    answer = client.get("/denied/x/", **FROM)
    (line,) = security_log.lines
    assert line.startswith("WARNING security.denied middleware ")
    assert line.endswith(
        f"{answer['X-Request-ID']} 203.0.113.5 permission denied: GET /denied/x/ by user None"
    )


def test_keys_in_its_path_are_masked(client: Client, security_log: Listener) -> None:
    client.get("/denied/0f3b8a6d2c914e57a0b1c2d3e4f50617/")
    assert "GET /denied/[masked]/ by" in security_log.lines[0]


def test_a_line_break_in_its_path_forges_nothing(client: Client, security_log: Listener) -> None:
    client.get("/denied/x%0A2026-01-01%20INFO%20forged/")
    (line,) = security_log.lines
    assert "/denied/x\\n2026-01-01 INFO forged/" in line


def test_a_plain_403_counts_too(client: Client, security_log: Listener) -> None:
    client.post("/forbidden/")
    assert "permission denied: POST /forbidden/ by user None" in security_log.lines[0]


def test_a_limit_is_noted(client: Client, security_log: Listener) -> None:
    client.get("/limited/")
    (line,) = security_log.lines
    assert "WARNING security.limit middleware" in line
    assert "rate limit hit: GET /limited/ by user None" in line


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


def test_ordinary_answers_are_not_noted(client: Client, security_log: Listener) -> None:
    client.get("/nowhere/")
    client.get("/health/")
    assert security_log.lines == []
