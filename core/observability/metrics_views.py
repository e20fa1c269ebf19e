"""/metrics for Prometheus, and the middleware that counts requests. docs/MONITORING.md explains each metric."""

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
# Paths that are served before URL resolution (core.observability.health_views), with their names in urls.py.
EARLY = {
    "/health/": "health",
    "/health/db/": "health_db",
    "/health/redis/": "health_redis",
    "/readiness/": "readiness",
    "/metrics": "metrics",
}
# How long Redis counts as down after a failure, in seconds: it is used more often than that.
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
    """Counts each response and its duration by the name of the view, never by URL, of which there are endless ones.

    It comes before all middleware that may respond, so that refused requests are counted, too.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse | AsyncGetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        async def serve() -> HttpResponse:
            started = time.perf_counter()
            metrics.under_way.inc()
            try:
                response = await cast(AsyncGetResponse, self.get_response)(request)
            finally:
                metrics.under_way.dec()  # also after a cancellation, when the client has disconnected
            _count_request(request, response, started)
            return response

        if self.is_async:
            return serve()
        started = time.perf_counter()
        metrics.under_way.inc()
        try:
            response = cast(GetResponse, self.get_response)(request)
        finally:
            metrics.under_way.dec()
        _count_request(request, response, started)
        return response


def _count_request(request: HttpRequest, response: HttpResponse, started: float) -> None:
    view = view_of(request)
    method = request.method if request.method in METHODS else metrics.OTHER
    metrics.count_response(str(method), view, response.status_code)()
    metrics.observe_seconds(view)(time.perf_counter() - started)


def view_of(request: HttpRequest) -> str:
    """Return the name of the view; `static` for static files, `none` for unknown paths."""
    match = request.resolver_match
    if match is not None:
        return match.view_name
    if request.path_info.startswith(settings.STATIC_URL):
        return "static"
    return EARLY.get(request.path_info, "none")


@receiver(got_request_exception, dispatch_uid="core.count_exception")
def count_exception(sender: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Count an exception that no view has handled."""
    kind = sys.exc_info()[0]
    view = view_of(request) if request is not None else "none"
    metrics.exceptions.labels(view, kind.__name__ if kind else metrics.OTHER).inc()


class DatabaseMetrics:
    """Queries metrics from the database at each request of /metrics, within the time limit of health checks."""

    def __init__(self) -> None:
        self.queries: list[Callable[[], list[Metric]]] = []
        self._metrics: list[Metric] = []
        self._probe = health.Probe("metrics", self._run_queries)

    def add_query(self, function: Callable[[], list[Metric]]) -> Callable[[], list[Metric]]:
        """Register a function of an app that reads metrics; it should run one indexed query."""
        self.queries.append(function)
        return function

    def collect_metrics(self) -> list[Metric]:
        """Return whether the database responds, and its metrics if it does."""
        is_up = health.run_probes(self._probe)[self._probe.name].is_good
        up = GaugeMetricFamily("linkup_database_up", "Whether the database answers.", value=is_up)
        return [up, *self._metrics] if is_up else [up]

    def _run_queries(self) -> health.Status:
        collected: list[Metric] = []
        rows: dict[str, float] = {}
        connection = connections[DEFAULT_DB_ALIAS]
        try:
            with connection.cursor() as cursor:
                cursor.execute(CONNECTIONS if connection.vendor == "postgresql" else "SELECT 1")
                if connection.vendor == "postgresql":
                    rows = {name: float(number) for name, number in cursor.fetchall()}
            if rows:
                used, limit = "linkup_database_server_connections", "linkup_database_server_connections_max"
                all_of_them, most = rows.pop("all"), rows.pop("most")
                states = GaugeMetricFamily(
                    "linkup_database_connections", "Connections to this database.", labels=["state"]
                )
                for state, number in {**dict.fromkeys(STATES, 0.0), **rows}.items():
                    states.add_metric([state], number)
                collected = [
                    states,
                    GaugeMetricFamily(used, "Connections of all clients of the server.", value=all_of_them),
                    GaugeMetricFamily(limit, "Connections that the server allows.", value=most),
                ]
            for function in self.queries:
                collected += function()
            self._metrics = collected
        finally:
            # The thread of the probe ends now.
            connection.close()
        return "ok"


database_metrics = DatabaseMetrics()


@cache
def linkup_version() -> str:
    """Return the version in pyproject.toml."""
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())
    return str(project["project"]["version"])


class MetricsCollector:
    """Yields all metrics, in the interface of prometheus_client."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of the processes, of the database, and of the release."""
        failed = 0.0
        for metric in metrics.collect_metrics():
            yield metric
            if metric.name == "linkup_redis_failed_timestamp_seconds":
                failed = max(sample.value for sample in metric.samples)
        if getattr(settings, "REDIS_URL", ""):
            up = time.time() - failed > REDIS_AWAY
            yield GaugeMetricFamily("linkup_redis_up", "Whether Redis answers.", value=up)
        yield from database_metrics.collect_metrics()
        build = GaugeMetricFamily("linkup_build_info", "What runs.", labels=["version", "python", "django"])
        build.add_metric([linkup_version(), sys.version.split()[0], django.get_version()], 1)
        yield build


@cache_control(no_store=True)
def metrics_page(request: HttpRequest) -> HttpResponse:
    """Return all metrics to a client with METRICS_TOKEN; 404 when the settings have no token."""
    token = getattr(settings, "METRICS_TOKEN", "")
    if not token:
        raise Http404
    return _metrics_for_token(request, token)


@require_safe
def _metrics_for_token(request: HttpRequest, token: str) -> HttpResponse:
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), token.encode()):
        return HttpResponse(generate_latest(MetricsCollector()), content_type=CONTENT_TYPE_PLAIN_0_0_4)
    if sent:
        denials.warning("metrics: wrong token")
    # 401 instead of 404: Prometheus shows the status to the operator.
    response = HttpResponse("METRICS_TOKEN is required.\n", status=401, content_type="text/plain")
    response["WWW-Authenticate"] = 'Bearer realm="metrics"'
    return response
