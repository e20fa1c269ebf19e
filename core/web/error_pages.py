"""Error responses (R10): a page for people, JSON for programs, one line of text for anything else.

No response reveals internal details. The pages 500 and 503 are loaded when the process starts and need no database,
cache, static manifest or template engine.
"""

import base64
import hashlib
import re
import sys
from html import escape
from http import HTTPStatus
from pathlib import Path

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.database.db_errors import is_outage, outages
from core.observability.request_id import META_KEY, UNKNOWN, RequestInfo

RETRY_AFTER_OUTAGE = 5
RETRY_AFTER_LIMIT = 60
LONGEST_ACCEPT = 1000
# Tells the scripts of a page that its token was refused, not the member's permission (theme/js/session.js).
TOKEN_REFUSED = "X-Token-Refused"  # noqa: S105 -- the name of a header
PAGES = Path(__file__).resolve().parents[2] / "templates"

TITLES: dict[int, str | Promise] = {
    400: _("Invalid request"),
    403: _("You cannot do this"),
    404: _("Page not found"),
    405: _("This address is for forms only"),
    413: _("That is too large"),
    429: _("Too many requests"),
    500: "Something went wrong",
    503: "Back in a moment",
}


class CsrfFailureResponse(HttpResponseForbidden):
    """A 403 that Django has already written to the security log."""


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return 400, or 413 for more than DATA_UPLOAD_MAX_MEMORY_SIZE."""
    return _error_response(request, 413 if isinstance(exception, RequestDataTooBig) else 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return 403."""
    return _error_response(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return 403 for a form without a valid token; `reason` is only logged."""
    response = _error_response(request, 403, template="403_csrf.html", response_class=CsrfFailureResponse)
    response[TOKEN_REFUSED] = "1"
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return 404."""
    return _error_response(request, 404)


def method_not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    """Return a 405 page with the `allowed` methods, for a GET of a URL that only accepts forms."""
    response = _error_response(request, 405)
    response["Allow"] = allowed
    # The view has logged it already.
    setattr(response, "_has_been_logged", True)  # noqa: B010
    return response


def too_large(request: HttpRequest) -> HttpResponse:
    """Return 413."""
    return _error_response(request, 413)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Return 429 (RFC 6585), also for allauth's limits."""
    response = _error_response(request, 429)
    response["Retry-After"] = str(RETRY_AFTER_LIMIT)
    return response


class FixedPage:
    """A page in memory, and the hashes by which the content security policy allows its style elements."""

    def __init__(self, source: str) -> None:
        # Without the template comment at the top.
        self._text = re.sub(r"\{#.*?#\}\s*", "", source)
        styles = re.findall(r"<style>(.*?)</style>", self._text, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles]
        self.hashes = [f"'sha256-{digest}'" for digest in digests]

    def text_for(self, request_id: str) -> str:
        """Return the page with the id of the request."""
        return self._text.replace("<code>-</code>", f"<code>{escape(request_id)}</code>")


BROKEN = FixedPage((PAGES / "500.html").read_text("utf-8"))
AWAY = FixedPage((PAGES / "503.html").read_text("utf-8"))


def server_error(request: HttpRequest) -> HttpResponse:
    """Return 500 with the request's id; 503 when the database does not answer."""
    error = sys.exc_info()[1]
    if error is not None and is_outage(error):
        return service_unavailable(request, error)
    return _fixed_response(request, 500, BROKEN)


def service_unavailable(request: HttpRequest, error: BaseException) -> HttpResponse:
    """Return 503 with Retry-After, and log the outage of the database once in a few seconds (R1.4)."""
    outages.log_outage(error)
    response = _fixed_response(request, 503, AWAY)
    response["Retry-After"] = str(RETRY_AFTER_OUTAGE)
    # Django would log a trace, and mail it, for each request during the outage.
    setattr(response, "_has_been_logged", True)  # noqa: B010
    return response


def _error_response(
    request: HttpRequest,
    status: int,
    *,
    template: str = "",
    response_class: type[HttpResponse] = HttpResponse,
) -> HttpResponse:
    wanted = _wanted_format(request)
    if wanted == "html":
        # Without the request, no context processor reads the session or the database.
        return _set_status(response_class(render_to_string(template or f"{status}.html")), status)
    return _set_status(_short_response(wanted, status, response_class), status)


def _fixed_response(request: HttpRequest, status: int, page: FixedPage) -> HttpResponse:
    wanted = _wanted_format(request)
    request_id = request_id_of(request)
    if wanted != "html":
        return _set_status(_short_response(wanted, status, HttpResponse, request_id), status)
    response = _set_status(HttpResponse(page.text_for(request_id)), status)
    # As csp.decorators.csp_update does, which works for views only.
    setattr(response, "_csp_update", {"style-src": page.hashes})  # noqa: B010
    return response


def _short_response(
    wanted: str, status: int, response_class: type[HttpResponse], request_id: str = ""
) -> HttpResponse:
    title = str(TITLES[status])
    if wanted == "json":
        content = {"error": title, **({"request_id": request_id} if request_id else {})}
        return response_class(JsonResponse(content).content, content_type="application/json")
    reference = f" ({request_id})" if request_id else ""
    return response_class(f"{title}.{reference}\n", content_type="text/plain; charset=utf-8")


def _set_status(response: HttpResponse, status: int) -> HttpResponse:
    response.status_code = status
    response.reason_phrase = HTTPStatus(status).phrase
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept"])
    return response


def request_id_of(request: HttpRequest) -> str:
    """Return the id that the middleware gave the request, or `-`."""
    request_info = request.META.get(META_KEY)
    return request_info.request_id if isinstance(request_info, RequestInfo) else UNKNOWN


def _wanted_format(request: HttpRequest) -> str:
    """Return the format that the client prefers: html, json or text; html for a client that accepts anything."""
    # The q of each media type (RFC 9110 12.5.1), without malformed entries.
    qualities: dict[str, float] = {}
    for entry in request.META.get("HTTP_ACCEPT", "")[:LONGEST_ACCEPT].lower().split(","):
        media_type, *parameters = (part.strip() for part in entry.split(";"))
        q = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        if media_type and re.fullmatch(r"[01](\.\d{0,3})?", q, re.ASCII) and float(q) > 0:
            qualities[media_type] = max(float(q), qualities.get(media_type, 0))
    html, json = qualities.get("text/html", 0), qualities.get("application/json", 0)
    if html or json:
        return "html" if html >= json else "json"
    return "html" if set(qualities) <= {"*/*"} else "text"
