"""Responses for errors (R10): a page for people, JSON for programs, one line for anything else.

No answer tells what was wrong inside. The pages 500 and 503 are read when the process starts and ask nothing of the
database, the cache, the static manifest or the template engine.
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
from core.observability.request_id import META_KEY, NOBODY, Origin

RETRY_AFTER_OUTAGE = 5
RETRY_AFTER_LIMIT = 60
LONGEST_ACCEPT = 1000
# By this header the scripts of a page know that its token was refused, not its member (theme/js/session.js).
TOKEN_REFUSED = "X-Token-Refused"  # noqa: S105 -- the name of a header
PAGES = Path(__file__).resolve().parents[2] / "templates"

WORDS: dict[int, str | Promise] = {
    400: _("We could not read that"),
    403: _("You may not do this"),
    404: _("This page is not here"),
    405: _("This address takes forms only"),
    413: _("That is too large"),
    429: _("A bit too fast"),
    500: "Something broke on our side",
    503: "Back in a moment",
}


class CsrfFailureResponse(HttpResponseForbidden):
    """A 403 that Django itself has put into the security log."""


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 where more was sent than DATA_UPLOAD_MAX_MEMORY_SIZE."""
    return _refusal(request, 413 if isinstance(exception, RequestDataTooBig) else 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return _refusal(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without a valid token; `reason` is for the log alone."""
    response = _refusal(request, 403, template="403_csrf.html", kind=CsrfFailureResponse)
    response[TOKEN_REFUSED] = "1"
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return _refusal(request, 404)


def method_not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    """405 with the methods that are `allowed`: a page for whoever comes to an address that takes forms alone."""
    response = _refusal(request, 405)
    response["Allow"] = allowed
    # The view's own refusal is in the log already.
    setattr(response, "_has_been_logged", True)  # noqa: B010
    return response


def too_large(request: HttpRequest) -> HttpResponse:
    """413."""
    return _refusal(request, 413)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """429 (RFC 6585); allauth's limits answer with it too."""
    response = _refusal(request, 429)
    response["Retry-After"] = str(RETRY_AFTER_LIMIT)
    return response


class FixedPage:
    """A whole page in memory, and the hash by which the content policy allows its style element."""

    def __init__(self, source: str) -> None:
        # The comment on top is the template engine's, which this page does without.
        self._text = re.sub(r"\{#.*?#\}\s*", "", source)
        styles = re.findall(r"<style>(.*?)</style>", self._text, re.DOTALL)
        self.hashes = [_hash_of(style) for style in styles]

    def text(self, request_id: str) -> str:
        return self._text.replace("<code>-</code>", f"<code>{escape(request_id)}</code>")


def _hash_of(style: str) -> str:
    digest = hashlib.sha256(style.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


BROKEN = FixedPage((PAGES / "500.html").read_text("utf-8"))
AWAY = FixedPage((PAGES / "503.html").read_text("utf-8"))


def server_error(request: HttpRequest) -> HttpResponse:
    """500 with the request's id to quote; 503 where the fault is a database that does not answer."""
    error = sys.exc_info()[1]
    if error is not None and is_outage(error):
        return unavailable(request, error)
    return _fixed(request, 500, BROKEN)


def unavailable(request: HttpRequest, error: BaseException) -> HttpResponse:
    """503 with Retry-After, and a line in the log about the database once in a few seconds (R1.4)."""
    outages.note(error)
    response = _fixed(request, 503, AWAY)
    response["Retry-After"] = str(RETRY_AFTER_OUTAGE)
    # The line above is enough: Django would log one with a trace, and mail it, for each request of the outage.
    setattr(response, "_has_been_logged", True)  # noqa: B010
    return response


def _refusal(
    request: HttpRequest, status: int, *, template: str = "", kind: type[HttpResponse] = HttpResponse
) -> HttpResponse:
    form = _wanted(request)
    if form == "html":
        # Without the request, no context processor asks the session or the database.
        return _finished(kind(render_to_string(template or f"{status}.html")), status)
    return _finished(_brief(form, status, kind), status)


def _fixed(request: HttpRequest, status: int, page: FixedPage) -> HttpResponse:
    form = _wanted(request)
    request_id = request_id_of(request)
    if form != "html":
        return _finished(_brief(form, status, HttpResponse, request_id), status)
    response = _finished(HttpResponse(page.text(request_id)), status)
    # What csp.decorators.csp_update would set, which stands around views only.
    setattr(response, "_csp_update", {"style-src": page.hashes})  # noqa: B010
    return response


def _brief(form: str, status: int, kind: type[HttpResponse], request_id: str = "") -> HttpResponse:
    words = str(WORDS[status])
    if form == "json":
        content = {"error": words, **({"request_id": request_id} if request_id else {})}
        return kind(JsonResponse(content).content, content_type="application/json")
    reference = f" ({request_id})" if request_id else ""
    return kind(f"{words}.{reference}\n", content_type="text/plain; charset=utf-8")


def _finished(response: HttpResponse, status: int) -> HttpResponse:
    response.status_code = status
    response.reason_phrase = HTTPStatus(status).phrase
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept"])
    return response


def request_id_of(request: HttpRequest) -> str:
    """The id that the middleware gave the request, or `-`."""
    origin = request.META.get(META_KEY)
    return origin.request_id if isinstance(origin, Origin) else NOBODY


def _wanted(request: HttpRequest) -> str:
    """html, json or text: what the client names best; whoever takes anything gets the page."""
    ranks = _ranks(request.META.get("HTTP_ACCEPT", ""))
    html, json = ranks.get("text/html", 0), ranks.get("application/json", 0)
    if html or json:
        return "html" if html >= json else "json"
    return "html" if set(ranks) <= {"*/*"} else "text"


def _ranks(accept: str) -> dict[str, float]:
    """The media types of an Accept header and their q (RFC 9110 12.5.1). Anything malformed counts as absent."""
    ranks: dict[str, float] = {}
    for entry in accept[:LONGEST_ACCEPT].lower().split(","):
        kind, *parameters = (part.strip() for part in entry.split(";"))
        q = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        if kind and re.fullmatch(r"[01](\.\d{0,3})?", q, re.ASCII) and float(q) > 0:
            ranks[kind] = max(float(q), ranks.get(kind, 0))
    return ranks
