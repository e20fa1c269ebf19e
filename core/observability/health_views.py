"""Health endpoints for monitors (R15), which respond before the Host check and the HTTPS redirect."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from . import health as checks
from . import metrics_views
from .drain import drain_file
from .health import Probe, ProbeResult

GetResponse = Callable[[HttpRequest], HttpResponse]

SERVICE_UNAVAILABLE = 503


def health_view(*probes: Probe, draining_counts: bool = False) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view that runs `probes`, all at once, and reports their results (R15.4).

    It returns 200 when all is well, else 503, with name and status of each probe, without error texts. With
    `draining_counts` it also fails after `manage.py drain`.
    """

    @cache_control(no_store=True)
    @require_safe
    def view(request: HttpRequest) -> HttpResponse:
        results = checks.run_probes(*probes)
        if draining_counts:
            path = drain_file()
            is_draining = path is not None and path.exists()
            results["serving"] = ProbeResult("failing" if is_draining else "ok")
        is_good = all(result.is_good for result in results.values())
        content: dict[str, object] = {"status": "ok" if is_good else "failing"}
        if results:
            content["checks"] = {
                name: {"status": result.status}
                | ({} if result.milliseconds is None else {"ms": result.milliseconds})
                for name, result in results.items()
            }
        return JsonResponse(content, status=200 if is_good else SERVICE_UNAVAILABLE)

    return view


# Whether this process responds at all (R15.1).
health = health_view()
health_database = health_view(checks.database)
health_redis = health_view(checks.redis)
# For orchestrators and load balancers (R15.5): all checks, and whether the process is draining.
readiness = health_view(checks.database, checks.redis, draining_counts=True)


class HealthMiddleware:
    """Serves the paths of monitors before all other middleware."""

    views = {
        "/health/": health,
        "/health/db/": health_database,
        "/health/redis/": health_redis,
        "/readiness/": readiness,
        # Prometheus requests each pod by its IP address, too.
        "/metrics": metrics_views.metrics_page,
    }

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = self.views.get(request.path_info)
        if view is None:
            return self.get_response(request)
        response = view(request)
        # core.observability.health warns of failures once a minute. Django would log each 503 as an error, and mail it
        # to ADMINS.
        response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 -- what log_response sets
        return response
