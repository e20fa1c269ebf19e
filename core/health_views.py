"""Health for monitors (R15). Answered before the Host check and the HTTPS redirect: probes know neither."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

GetResponse = Callable[[HttpRequest], HttpResponse]


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """200 while this process can answer; asks nothing else (R15.1)."""
    response = JsonResponse({"status": "ok"})
    response["Cache-Control"] = "no-store"
    return response


class HealthMiddleware:
    """Answers `/health/` first of all."""

    views = {"/health/": health}

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = self.views.get(request.path_info)
        if view is not None and request.method in {"GET", "HEAD"}:
            return view(request)
        return self.get_response(request)
