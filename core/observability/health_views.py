"""Health endpoints for monitors (R15), answered before the Host check and the HTTPS redirect."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from . import health as checks
from . import metrics_views
from .drain import drain_file
from .health import Finding, Probe

GetResponse = Callable[[HttpRequest], HttpResponse]

SERVICE_UNAVAILABLE = 503


def _shown(finding: Finding) -> dict[str, str | float]:
    shown: dict[str, str | float] = {"status": finding.status}
    if finding.milliseconds is not None:
        shown["ms"] = finding.milliseconds
    return shown


def _answer(findings: dict[str, Finding]) -> JsonResponse:
    """200 when all is well, else 503 (R15.4): the name and state of each check, never the text of an error."""
    good = all(finding.is_good for finding in findings.values())
    content: dict[str, object] = {"status": "ok" if good else "failing"}
    if findings:
        content["checks"] = {name: _shown(finding) for name, finding in findings.items()}
    return JsonResponse(content, status=200 if good else SERVICE_UNAVAILABLE)


def _is_draining() -> bool:
    """Whether `manage.py drain` has asked for no more visitors."""
    path = drain_file()
    return path is not None and path.exists()


def answer_of(*probes: Probe, draining_counts: bool = False) -> Callable[[HttpRequest], HttpResponse]:
    """The view that asks `probes`, all at once, and says what each found (R15.4)."""

    @cache_control(no_store=True)
    @require_safe
    def view(request: HttpRequest) -> HttpResponse:
        findings = checks.examine(*probes)
        if draining_counts:
            findings["serving"] = Finding("failing" if _is_draining() else "ok")
        return _answer(findings)

    return view


# Answers while this process can answer, and asks nothing else (R15.1).
health = answer_of()
health_database = answer_of(checks.database)
health_redis = answer_of(checks.redis)
# For orchestrators and load balancers (R15.5): all of them, and whether visitors are still wanted.
readiness = answer_of(checks.database, checks.redis, draining_counts=True)


class HealthMiddleware:
    """Answers the addresses of monitors first of all."""

    views = {
        "/health/": health,
        "/health/db/": health_database,
        "/health/redis/": health_redis,
        "/readiness/": readiness,
        # Prometheus asks each pod by its address, too.
        "/metrics": metrics_views.page,
    }

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = self.views.get(request.path_info)
        if view is None:
            return self.get_response(request)
        response = view(request)
        # A 503 for a monitor is no fault of this process: core.observability.health warns of what failed, once a
        # minute. Django would log each answer as an error, and mail it to ADMINS.
        response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 -- what log_response sets
        return response
