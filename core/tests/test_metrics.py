"""/metrics: access, content, and the counts of requests and mails."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as project
from django.core import mail as outbox
from django.core.checks import run_checks
from django.core.mail.backends.locmem import EmailBackend
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from core.checks import TAG
from core.mail import MailClass, send_mail
from core.observability import metrics
from core.observability.breaker import Breaker
from core.observability.health import Probe
from core.observability.health_views import HealthMiddleware
from core.observability.metrics_views import (
    EARLY,
    DatabaseMetrics,
    MeasureRequests,
    MetricsCollector,
    database_metrics,
    view_of,
)
from tests.cases import all_cases
from users.models import User

TOKEN = "0123456789-figures-for-those-who-may"


@pytest.fixture
def token(settings: Settings) -> str:
    """Configure a token, so that /metrics is on."""
    settings.METRICS_TOKEN = TOKEN
    return TOKEN


def ask(client: Client, brought: str = f"Bearer {TOKEN}", **headers: str) -> Any:
    return client.get("/metrics", headers={"authorization": brought, **headers})


def value(name: str, **labels: str) -> float:
    """Return the current value of the metric."""
    found = [
        sample.value
        for metric in metrics.collect_metrics()
        for sample in metric.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return sum(found)


def answers(**labels: str) -> float:
    return value("linkup_http_requests_total", **labels)


# -- Who may read it
def test_without_a_token_in_the_settings_there_is_no_such_page(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    for brought in ("", "Bearer ", f"Bearer {TOKEN}"):
        assert ask(client, brought).status_code == 404
    assert client.post("/metrics").status_code == 404


def test_a_client_with_no_token_or_another_is_refused(
    client: Client, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    with all_cases() as case:
        with case("a wrong token is logged without its value"):
            ask(client, "")
            ask(client, "Bearer a-secret-of-another-house")
            (line,) = [line for line in caplog.records if line.name == "security.denied"]
            assert line.getMessage() == "metrics: wrong token"
        for brought in [
            "",
            "Bearer",
            "Bearer ",
            TOKEN,
            f"Bearer {TOKEN[:-1]}",
            f"Bearer {TOKEN}x",
            f"Basic {TOKEN}",
            "Bearer é☃",
        ]:
            with case(brought):
                client = Client()
                answer = ask(client, brought)
                assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
                assert b"linkup_" not in answer.content
        with case("other methods are refused"):
            for method in (client.post, client.put, client.delete):
                assert method("/metrics", headers={"authorization": f"Bearer {token}"}).status_code == 405
        for host in ["evil.example", "10.0.0.7:8000", "not a host", ""]:
            with case(host), override_settings(SECURE_SSL_REDIRECT=True):
                assert Client().get("/metrics", headers={"host": host}).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_a_client_with_the_token_reads_the_metrics(token: str) -> None:
    with all_cases() as case:
        for scheme in ["Bearer", "bearer", "BEARER"]:
            with case(scheme):
                client = Client()
                answer = ask(client, f"{scheme} {token}")
                assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
                assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
                names = {family.name for family in text_string_to_metric_families(answer.content.decode())}
                assert names >= {
                    "linkup_http_requests",
                    "linkup_database_up",
                    "linkup_build_info",
                    "linkup_mail_due",
                }
                assert "linkup_redis_up" not in names  # there is none here
                assert not [name for name in names if name.endswith("_created")]


def test_a_token_that_can_be_guessed_is_refused(settings: Settings) -> None:
    with all_cases() as case:
        for chosen, fault in [
            ("", False),
            ("short", True),
            ("a" * 50, True),
            (TOKEN, False),
            (TOKEN[:31], True),
        ]:
            with case(chosen):
                settings.METRICS_TOKEN = chosen
                found = {message.id for message in run_checks(tags=[TAG], include_deployment_checks=True)}
                assert ("linkup.E011" in found) is fault


# -- The database
@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_is_reported_without_metrics_and_no_connection_stays() -> None:
    with all_cases() as case:
        with case("a database that does not answer is reported without metrics"):

            def refuse() -> list[Any]:
                raise OSError("no route")

            one = DatabaseMetrics()
            assert next(metric.samples[0].value for metric in one.collect_metrics()) == 1
            one.add_query(refuse)
            (up,) = one.collect_metrics()
            assert (up.name, up.samples[0].value) == ("linkup_database_up", 0)
        with case("its connection does not stay"):
            left: list[Any] = []
            one = DatabaseMetrics()

            def look() -> list[Any]:
                left.append(connections[DEFAULT_DB_ALIAS])
                return []

            one.add_query(look)
            assert one.collect_metrics()
            assert left[0].connection is None


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
def test_connections_are_counted_by_state_with_their_maximum() -> None:
    connections[DEFAULT_DB_ALIAS].ensure_connection()
    told = {metric.name: metric for metric in database_metrics.collect_metrics()}
    states = {sample.labels["state"]: sample.value for sample in told["linkup_database_connections"].samples}
    assert {"active", "idle", "idle in transaction", "other"} <= set(states)
    assert states["idle"] >= 1  # this test's
    used = told["linkup_database_server_connections"].samples[0].value
    assert used >= sum(states.values())
    assert told["linkup_database_server_connections_max"].samples[0].value > used


# -- Redis
def test_redis_is_down_for_a_while_after_it_failed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    def up() -> list[float]:
        return [
            s.value for m in MetricsCollector().collect() for s in m.samples if s.name == "linkup_redis_up"
        ]

    monkeypatch.setattr(database_metrics, "collect_metrics", list)
    metrics.redis_failed_at.set(0)
    before = value("linkup_redis_failures_total")
    assert up() == [1]
    Breaker("Redis", on_trip=metrics.count_redis_failure).trip(ConnectionError())
    assert (up(), value("linkup_redis_failures_total") - before) == ([0], 1)
    metrics.redis_failed_at.set(metrics.redis_failed_at._value.get() - 11)
    assert up() == [1]
    metrics.redis_failed_at.set(0)


# -- Requests
COUNTED = [
    ("/health/", "health", 200),
    ("/readiness/", "readiness", 200),
    ("/nowhere/at/all/", "none", 404),
    ("/static/none.css", "static", 404),
    ("/metrics", "metrics", 404),
    ("/accounts/login/", "account_login", 200),
]


@pytest.mark.django_db(transaction=True)
def test_an_answer_is_counted_by_its_view() -> None:
    with all_cases() as case:
        for path, view, status in COUNTED:
            with case(path):
                client = Client()
                before = answers(method="GET", view=view, status=str(status))
                timed = value("linkup_http_request_duration_seconds_count", view=view)
                client.get(path)
                assert answers(method="GET", view=view, status=str(status)) == before + 1
                assert value("linkup_http_request_duration_seconds_count", view=view) == timed + 1
                assert value("linkup_http_requests_in_progress") == 0


def test_labels_have_bounds_and_the_names_of_urls(client: Client) -> None:
    with all_cases() as case:
        with case("the database has the time that health checks have"):
            assert database_metrics._probe._timeout == Probe("x", lambda: "ok")._timeout
        with case("no middleware before the one that measures responds"):
            assert project.MIDDLEWARE.index("core.observability.metrics_views.MeasureRequests") == 1
        with case("labels have bounds"):
            client.generic("PROPFIND", "/health/")
            for number in range(20):
                client.get(f"/nowhere/{number}/")
            told = {metric.name: metric for metric in metrics.collect_metrics()}
            labels = [sample.labels for sample in told["linkup_http_requests"].samples]
            assert {each["method"] for each in labels} <= {"GET", "HEAD", "POST", "OPTIONS", "other"}
            assert not [each for each in labels if "/" in each["view"] and "nowhere" in each["view"]]
            assert answers(method="other", view="health", status="405") >= 1
        with case("the early addresses have the names of urls"):
            assert EARLY.keys() == HealthMiddleware.views.keys()
            assert [view_of(RequestFactory().get(path)) for path in EARLY] == list(EARLY.values())


@pytest.mark.django_db
def test_refusals_failed_sign_ins_and_faults_are_counted(
    client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with all_cases() as case:
        with case("what middleware refuses is counted too"):
            strict = Client(enforce_csrf_checks=True)
            strict.force_login(alice)
            counts = [answers(status=status) for status in ("400", "403", "413")]
            client.get("/accounts/login/", headers={"host": "evil.example"})
            strict.post("/posts/")
            client.generic("POST", "/posts/", CONTENT_LENGTH=str(10**12))
            assert [answers(status=status) for status in ("400", "403", "413")] == [
                count + 1 for count in counts
            ]
        with case("a failed sign in is one"):
            before = value("linkup_security_events_total", event="sign_in_failed")
            client.post("/accounts/login/", {"login": "alice", "password": "not hers at all"})
            assert value("linkup_security_events_total", event="sign_in_failed") == before + 1
        with case("a fault is counted by view and exception"):

            def break_down(*args: Any, **options: Any) -> None:
                raise ZeroDivisionError

            client.raise_request_exception = False
            before = value(
                "linkup_http_exceptions_total", view="account_login", exception="ZeroDivisionError"
            )
            monkeypatch.setattr("django.template.response.TemplateResponse.render", break_down)
            assert client.get("/accounts/login/").status_code == 500
            after = value("linkup_http_exceptions_total", view="account_login", exception="ZeroDivisionError")
            assert after == before + 1


async def test_requests_under_way_are_counted_also_when_the_visitor_goes() -> None:
    begun, seen = asyncio.Event(), []

    async def wait(request: HttpRequest) -> HttpResponse:
        seen.append(value("linkup_http_requests_in_progress"))
        begun.set()
        await asyncio.sleep(60)
        return HttpResponse()

    async def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=204)

    served = MeasureRequests(wait)(RequestFactory().get("/"))
    assert not isinstance(served, HttpResponse)
    task = asyncio.ensure_future(served)
    await begun.wait()
    task.cancel()
    await asyncio.wait({task})
    assert (seen, value("linkup_http_requests_in_progress")) == ([1], 0)
    before = answers(status="204")
    other = MeasureRequests(answer)(RequestFactory().get("/"))
    assert not isinstance(other, HttpResponse)
    await other
    assert answers(status="204") == before + 1


@pytest.mark.django_db
def test_counting_asks_no_database(
    client: Client, django_assert_num_queries: Callable[..., Any], token: str
) -> None:
    with django_assert_num_queries(0):
        client.get("/health/")
        ask(client, "Bearer wrong")


# -- Mail and the security log
@pytest.mark.django_db(transaction=True)
def test_mail_is_counted_by_what_the_server_said(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [value("linkup_mail_total", outcome=outcome) for outcome in ("sent", "failed")]
    send_mail(to="alice@example.org", subject="News", text="Hello", mail_class=MailClass.TRANSACTIONAL)
    assert len(outbox.outbox) == 1

    def refuse(self: EmailBackend, messages: Any) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    send_mail(to="alice@example.org", subject="News", text="Hello", mail_class=MailClass.TRANSACTIONAL)
    assert [value("linkup_mail_total", outcome=outcome) for outcome in ("sent", "failed")] == [
        before[0] + 1,
        before[1] + 1,
    ]


def test_lines_of_the_security_log_are_counted_once() -> None:
    with all_cases() as case:
        for logger, event in [
            ("security.login", "sign_in_failed"),
            ("security.limit", "limit_hit"),
            ("security.denied", "permission_denied"),
            ("django.security.csrf", "csrf"),
            ("django.security.DisallowedHost", "disallowed_host"),
            ("django.security.SuspiciousSession", "other"),
        ]:
            with case((logger, event)):
                metrics.count_security_lines()  # another test may have replaced the logging configuration
                before = value("linkup_security_events_total", event=event)
                logging.getLogger(logger).warning("a line")
                logging.getLogger(logger).info("not of the log")
                assert value("linkup_security_events_total", event=event) == before + 1
