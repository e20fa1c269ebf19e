"""Properties 14 to 18: what monitors are told (R15), with PostgreSQL and Redis really up, stopped and frozen."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory
from hypothesis import example, given
from hypothesis import strategies as st

from core.observability.health import Probe, Status
from core.observability.health_views import health_view
from scripts.servers import HOST, Server, find_free_port, postgres_server, redis_server
from scripts.stack import production_environment, running_gunicorn
from tests.hypothesis_settings import property_settings

PATHS = ["/health/", "/health/db/", "/health/redis/", "/readiness/"]
STATES = ["up", "stopped", "frozen"]
# A monitor waits a second; what lies beyond is the machine's own hurry, not a server's silence.
LONGEST_SECONDS = 1.5

hosts = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=60)
queries = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=60)
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"])


# Property 14 (R15.1)
@given(host=hosts, query=queries, method=methods, path=st.sampled_from(PATHS), secure=st.booleans())
@example(host="evil.example", query="", method="GET", path="/health/", secure=False)
@property_settings
@pytest.mark.django_db
def test_health_answers_whoever_asks(host: str, query: str, method: str, path: str, secure: bool) -> None:
    response = Client().generic(method, path, QUERY_STRING=query, HTTP_HOST=host, secure=secure)
    assert response.status_code == (200 if method in {"GET", "HEAD"} else 405)
    assert response["Cache-Control"] == "no-store"
    if method == "GET":
        assert response.json()["status"] == "ok"
    if method == "HEAD":
        assert response.content == b""


class Unwell(Exception):
    """What a driver raises: its text may hold an address with a password."""


outcomes = st.dictionaries(
    st.text("abcdefghij", min_size=1, max_size=8),
    st.one_of(st.sampled_from(["ok", "not configured"]), st.text(min_size=12, max_size=60)),
    min_size=1,
    max_size=5,
)


def asking(outcome: str) -> Callable[[], Status]:
    def ask() -> Status:
        if outcome == "ok":
            return "ok"
        if outcome == "not configured":
            return "not configured"
        raise Unwell(outcome)

    return ask


# Property 17 (R15.4)
@given(outcomes=outcomes)
@property_settings
def test_a_failing_check_is_a_503_that_names_it_and_tells_no_more(outcomes: dict[str, str]) -> None:
    view = health_view(*(Probe(name, asking(outcome)) for name, outcome in outcomes.items()))
    request: HttpRequest = RequestFactory().get("/")
    response = view(request)
    told = json.loads(response.content)
    failing = {name for name, outcome in outcomes.items() if outcome not in {"ok", "not configured"}}
    assert response.status_code == (503 if failing else 200)
    assert told["status"] == ("failing" if failing else "ok")
    assert {name for name, check in told["checks"].items() if check["status"] == "failing"} == failing
    for check in told["checks"].values():
        assert set(check) == {"status", "ms"}
    assert "Unwell" not in response.content.decode()


@dataclass
class Site:
    """gunicorn in production settings, and the two servers it leans on."""

    postgres: Server
    redis: Server
    port: int
    drain: Path

    def put(self, server: Server, state: str) -> None:
        """Bring a server into a state, whatever it was in before."""
        if state == "stopped":
            server.stop()
            return
        if server.process is None:
            server.start()
        server.pause() if state == "frozen" else server.resume()

    def ask(self, path: str, *, host: str = "anything.example") -> tuple[int, dict[str, Any], float]:
        """Status, body and seconds of one answer, over plain HTTP."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        started = time.monotonic()
        try:
            connection.request("GET", path, headers={"Host": host})
            response = connection.getresponse()
            return response.status, json.loads(response.read()), time.monotonic() - started
        finally:
            connection.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server as in production, which renders no page: an entry in the manifest is all that its start asks for."""
    data = tmp_path_factory.mktemp("health")
    (data / "staticfiles").mkdir()
    manifest = {"version": "1.1", "paths": {"style.css": "style.0123456789ab.css"}, "hash": ""}
    (data / "staticfiles" / "staticfiles.json").write_text(json.dumps(manifest))
    port = find_free_port()
    with postgres_server() as postgres, redis_server() as redis:
        environment = production_environment(postgres.url, redis.url, data, WEB_CONCURRENCY="1")
        with running_gunicorn(port, data, environment):
            yield Site(postgres, redis, port, data / "drain")


@pytest.fixture(autouse=True)
def _all_well_again(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "site" in request.fixturenames:
        site: Site = request.getfixturevalue("site")
        site.put(site.postgres, "up")
        site.put(site.redis, "up")


# Properties 15, 16, 17, 18 (R15.2 to R15.5): each state of one server with each of the other
@pytest.mark.postgres_only
@pytest.mark.parametrize("redis", STATES)
@pytest.mark.parametrize("database", STATES)
def test_each_check_says_how_its_server_is(site: Site, database: str, redis: str) -> None:
    site.put(site.postgres, database)
    site.put(site.redis, redis)
    well = {"database": database == "up", "redis": redis == "up"}
    for path, asked in {
        "/health/": set(),
        "/health/db/": {"database"},
        "/health/redis/": {"redis"},
        "/readiness/": {"database", "redis"},
    }.items():
        status, told, seconds = site.ask(path)
        failing = {name for name in asked if not well[name]}
        assert (path, status) == (path, 503 if failing else 200)
        checks = told.get("checks", {})
        assert {name for name, check in checks.items() if check["status"] == "failing"} == failing
        assert asked <= set(checks)
        assert seconds < LONGEST_SECONDS


@pytest.mark.postgres_only
def test_a_server_that_comes_back_is_well_at_once(site: Site) -> None:
    for state in ("stopped", "frozen"):
        site.put(site.postgres, state)
        assert site.ask("/health/db/")[0] == 503
        site.put(site.postgres, "up")
        assert site.ask("/health/db/")[0] == 200


@pytest.mark.postgres_only
def test_hung_checks_do_not_pile_up(site: Site) -> None:
    site.put(site.postgres, "frozen")
    slowest = max(site.ask("/readiness/")[2] for _ in range(8))
    assert slowest < LONGEST_SECONDS
    assert site.ask("/health/")[2] < LONGEST_SECONDS


# Property 18 (R15.5)
@pytest.mark.postgres_only
def test_a_draining_server_is_not_ready(site: Site) -> None:
    assert site.ask("/readiness/")[0] == 200
    site.drain.touch()
    status, told, _ = site.ask("/readiness/")
    assert (status, told["checks"]["serving"]) == (503, {"status": "failing"})
    assert site.ask("/health/")[0] == 200
    site.drain.unlink()
    assert site.ask("/readiness/")[0] == 200
