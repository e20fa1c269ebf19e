"""Middleware for every request: its id, refusals, size limits, and the page when the database is away."""

import logging
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import BadRequest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse

from core.database.db_errors import is_outage
from core.observability.request_id import META_KEY, NOBODY, Origin, is_acceptable, mint, serving

from .asgi_bodies import SCOPE_KEY, LimitedBody
from .body_limits import body_without_length, declared_size, has_no_length, is_too_large
from .client_ip import client_address, from_trusted_proxy
from .error_pages import CsrfFailureResponse, method_not_allowed, too_large, too_many_requests, unavailable
from .rate_limits import RateLimited
from .responses import rate_limited

GetResponse = Callable[[HttpRequest], HttpResponse]
AsyncGetResponse = Callable[[HttpRequest], Awaitable[HttpResponse]]

HEADER = "X-Request-ID"

denials = logging.getLogger("security.denied")
limits = logging.getLogger("security.limit")


class RequestId:
    """Gives each request an id: in its log lines, and in the answer's X-Request-ID (R9.3). Stands first of all.

    A trusted proxy may bring the id, when it looks like one; what anybody else sends is ignored, so that nobody can
    choose what stands in our logs.
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
        origin = _origin_of(request)
        with serving(origin):
            response = cast(GetResponse, self.get_response)(request)
        response[HEADER] = origin.request_id
        return response

    async def _serve_async(self, request: HttpRequest) -> HttpResponse:
        origin = _origin_of(request)
        with serving(origin):
            response = await cast(AsyncGetResponse, self.get_response)(request)
        response[HEADER] = origin.request_id
        return response


def _origin_of(request: HttpRequest) -> Origin:
    brought = request.META.get("HTTP_X_REQUEST_ID", "")
    taken = brought if is_acceptable(brought) and from_trusted_proxy(request) else mint()
    # An address that came over a unix socket from nobody we know is empty.
    origin = Origin(taken, client_address(request) or NOBODY)
    request.META[META_KEY] = origin
    return origin


class SecurityEvents:
    """Writes each refusal for want of rights (403) and each limit that was hit (429) to the security log (R9.6).

    Django itself logs what else belongs there: CSRF failures, disallowed hosts, suspicious requests.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 403 and not isinstance(response, CsrfFailureResponse):
            self._note(denials, "permission denied", request)
        elif response.status_code == 429:
            self._note(limits, "rate limit hit", request)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page for who does too much, where there is no form that could say so."""
        if isinstance(exception, RateLimited):
            return rate_limited(too_many_requests(request), exception.wait)
        return None

    @staticmethod
    def _note(logger: logging.Logger, what: str, request: HttpRequest) -> None:
        # Only who is known already: asking the session now could fail, as the database may be what is overloaded.
        user = getattr(request, "_cached_user", None)
        logger.warning("%s: %s %s by user %s", what, request.method, request.path, getattr(user, "pk", None))


class MethodPage:
    """Gives a 405 to whoever asks for a page its words and a way on: after signing in, or typed, or from a bookmark."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 405 and request.method == "GET" and not response.content:
            return method_not_allowed(request, response.headers.get("Allow", ""))
        return response


class LimitBody:
    """Answers 413 to a body that is larger than core.web.body_limits allows, before any of it is parsed.

    Under WSGI one that has a length is not even read. Under ASGI core.web.asgi_bodies has counted what was received.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limited: LimitedBody | None = getattr(request, "scope", {}).get(SCOPE_KEY)
        if limited is not None:
            return limited.refusal(request) if limited.refusal else self.get_response(request)
        if isinstance(request, WSGIRequest) and has_no_length(request):
            with body_without_length(request) as is_larger:
                return too_large(request) if is_larger else self.get_response(request)
        size = declared_size(request.META.get("CONTENT_LENGTH") or "")
        return too_large(request) if is_too_large(request, size) else self.get_response(request)


class DatabaseUnavailable:
    """Answers 503 at once where a view finds the database away (R1.4).

    What other middleware meets, such as the saving of a session, is turned into the same answer by
    core.web.error_pages.server_error.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return unavailable(request, exception) if is_outage(exception) else None


class RefuseNullBytes:
    """Answer 400 when the path or the query holds a NUL: PostgreSQL cannot store one, so none can be found."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("NUL in the address")
        return self.get_response(request)
