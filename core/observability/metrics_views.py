"""/metrics for Prometheus, and the middleware that counts requests. docs/MONITORING.md says what each figure means."""

import hmac
import logging
import sys
import time
import tomllib
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import django
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.signals import got_request_exception
from django.db import DEFAULT_DB_ALIAS, connections
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from . import health, metrics

GetResponse = Callable[[HttpRequest], HttpResponse]
AsyncGetResponse = Callable[[HttpRequest], Awaitable[HttpResponse]]

denials = logging.getLogger("security.denied")

METHODS = {"GET", "HEAD", "POST", "OPTIONS"}
# Answered before any view is looked for (core.observability.health_views): what urls.py calls them.
EARLY = {
    "/health/": "health",
    "/health/db/": "health_db",
    "/health/redis/": "health_redis",
    "/readiness/": "readiness",
    "/metrics": "metrics",
}
# How long Redis counts as away after it failed, in seconds: while it is, somebody asks it more often than that.
REDIS_AWAY = 10.0

CONNECTIONS = """
SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1
UNION ALL SELECT 'all', count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'
UNION ALL SELECT 'most', current_setting('max_connections')::int
                         - current_setting('superuser_reserved_connections')::int
"""
STATES = ("active", "idle", "idle in transaction", "idle in transaction (aborted)", "other")


class MeasureRequests:
    """Counts each answer and its time by the name of the view: never by address, of which there are endless ones.

    Stands before all middleware that answers anything, so that what they refuse is counted too.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse | AsyncGetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if self.is_async:
            return self._serve_async(request)
        started = time.perf_counter()
        metrics.under_way.inc()
        try:
            response = cast(GetResponse, self.get_response)(request)
        finally:
            metrics.under_way.dec()
        _count(request, response, started)
        return response

    async def _serve_async(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        metrics.under_way.inc()
        try:
            response = await cast(AsyncGetResponse, self.get_response)(request)
        finally:
            metrics.under_way.dec()  # also when the visitor has gone, which cancels
        _count(request, response, started)
        return response


def _count(request: HttpRequest, response: HttpResponse, started: float) -> None:
    view = view_of(request)
    method = request.method if request.method in METHODS else metrics.OTHER
    metrics.count_answer(str(method), view, response.status_code)()
    metrics.take_seconds(view)(time.perf_counter() - started)


def view_of(request: HttpRequest) -> str:
    """The name of the view that answers; `static` for files, `none` where no address of ours was asked for."""
    match = request.resolver_match
    if match is not None:
        return match.view_name
    if request.path_info.startswith(settings.STATIC_URL):
        return "static"
    return EARLY.get(request.path_info, "none")


@receiver(got_request_exception, dispatch_uid="core.count_exception")
def count_exception(sender: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Count a fault that nothing but the page for errors has caught."""
    fault = sys.exc_info()[0]
    view = view_of(request) if request is not None else "none"
    metrics.exceptions.labels(view, fault.__name__ if fault else metrics.OTHER).inc()


class Database:
    """Asks the database for figures whenever somebody looks, within the time that health checks have."""

    def __init__(self) -> None:
        self.apps: list[Callable[[], list[Metric]]] = []
        self._figures: list[Metric] = []
        self._probe = health.Probe("metrics", self._ask)

    def add(self, function: Callable[[], list[Metric]]) -> Callable[[], list[Metric]]:
        """Register what an app asks the database for; it should cost one query that an index answers."""
        self.apps.append(function)
        return function

    def figures(self) -> list[Metric]:
        """Whether it answers, and what it told; nothing else when it is silent or refuses."""
        well = health.examine(self._probe)[self._probe.name].is_good
        up = GaugeMetricFamily("linkup_database_up", "Whether the database answers.", value=well)
        return [up, *self._figures] if well else [up]

    def _ask(self) -> health.Status:
        try:
            figures = _connections()
            for function in self.apps:
                figures += function()
            self._figures = figures
        finally:
            # This thread is one of the probe's own and ends now.
            connections[DEFAULT_DB_ALIAS].close()
        return "ok"


def _connections() -> list[Metric]:
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute("SELECT 1")
            return []
        cursor.execute(CONNECTIONS)
        rows = {name: float(number) for name, number in cursor.fetchall()}
    all_of_them, most = rows.pop("all"), rows.pop("most")
    states = GaugeMetricFamily(
        "linkup_database_connections", "Connections to this database.", labels=["state"]
    )
    for state, number in {**dict.fromkeys(STATES, 0.0), **rows}.items():
        states.add_metric([state], number)
    used, limit = "linkup_database_server_connections", "linkup_database_server_connections_max"
    return [
        states,
        GaugeMetricFamily(used, "Connections of all clients of the server.", value=all_of_them),
        GaugeMetricFamily(limit, "Connections that the server has for us.", value=most),
    ]


database = Database()


@cache
def _version() -> str:
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())
    return str(project["project"]["version"])


class Told:
    """All figures, as prometheus_client collects them."""

    def collect(self) -> Iterator[Metric]:
        """Ours, those of the database, and what is true of this process."""
        failed = 0.0
        for metric in metrics.told():
            yield metric
            if metric.name == "linkup_redis_failed_timestamp_seconds":
                failed = max(sample.value for sample in metric.samples)
        if getattr(settings, "REDIS_URL", ""):
            up = time.time() - failed > REDIS_AWAY
            yield GaugeMetricFamily("linkup_redis_up", "Whether Redis answered those who asked.", value=up)
        yield from database.figures()
        build = GaugeMetricFamily("linkup_build_info", "What runs.", labels=["version", "python", "django"])
        build.add_metric([_version(), sys.version.split()[0], django.get_version()], 1)
        yield build


@cache_control(no_store=True)
def page(request: HttpRequest) -> HttpResponse:
    """All figures, to whoever brings METRICS_TOKEN; without one in the settings there is no such page."""
    token = getattr(settings, "METRICS_TOKEN", "")
    if not token:
        raise Http404
    return _guarded(request, token)


@require_safe
def _guarded(request: HttpRequest, token: str) -> HttpResponse:
    scheme, _, brought = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(brought.strip().encode(), token.encode()):
        return HttpResponse(generate_latest(Told()), content_type=CONTENT_TYPE_PLAIN_0_0_4)
    if brought:
        denials.warning("metrics: wrong token")
    # 401 and not 404: Prometheus shows it to whoever has to find out what is wrong.
    refusal = HttpResponse(
        "The figures are for who brings METRICS_TOKEN.\n", status=401, content_type="text/plain"
    )
    refusal["WWW-Authenticate"] = 'Bearer realm="metrics"'
    return refusal
