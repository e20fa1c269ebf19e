"""Middleware for every request: its id, the security log, size limits, and the page for a database outage."""

import logging
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import BadRequest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse

from core.database.db_errors import is_outage
from core.observability.request_id import (
    META_KEY,
    UNKNOWN,
    RequestInfo,
    is_valid_request_id,
    logging_request,
    new_request_id,
)

from .client_ip import client_address, from_trusted_proxy
from .error_pages import (
    CsrfFailureResponse,
    method_not_allowed,
    service_unavailable,
    too_large,
    too_many_requests,
)
from .rate_limits import RateLimited
from .request_bodies.asgi_bodies import SCOPE_KEY, LimitedBody
from .request_bodies.body_limits import body_without_length, declared_size, has_no_length, is_too_large
from .responses import rate_limited

GetResponse = Callable[[HttpRequest], HttpResponse]
AsyncGetResponse = Callable[[HttpRequest], Awaitable[HttpResponse]]

HEADER = "X-Request-ID"

denials = logging.getLogger("security.denied")
limits = logging.getLogger("security.limit")


class RequestId:
    """Gives each request an id, for its log lines and the X-Request-ID of the response (R9.3). Comes first.

    A trusted proxy may set a valid id; ids of other clients are ignored, so that they cannot choose the text in our
    logs.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse | AsyncGetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = sent if is_valid_request_id(sent) and from_trusted_proxy(request) else new_request_id()
        # The address is empty for an untrusted peer on a unix socket.
        request_info = RequestInfo(request_id, client_address(request) or UNKNOWN)
        request.META[META_KEY] = request_info

        async def serve() -> HttpResponse:
            with logging_request(request_info):
                response = await cast(AsyncGetResponse, self.get_response)(request)
            response[HEADER] = request_info.request_id
            return response

        if self.is_async:
            return serve()
        with logging_request(request_info):
            response = cast(GetResponse, self.get_response)(request)
        response[HEADER] = request_info.request_id
        return response


class SecurityEvents:
    """Logs each denied permission (403) and each exceeded limit (429) to the security log (R9.6).

    Django logs the other events: CSRF failures, disallowed hosts, suspicious requests.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 403 and not isinstance(response, CsrfFailureResponse):
            self._log_refusal(denials, "permission denied", request)
        elif response.status_code == 429:
            self._log_refusal(limits, "rate limit hit", request)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return a 429 page for a RateLimited error that no form has handled."""
        if isinstance(exception, RateLimited):
            return rate_limited(too_many_requests(request), exception.wait)
        return None

    @staticmethod
    def _log_refusal(logger: logging.Logger, event: str, request: HttpRequest) -> None:
        # Only a user that is already loaded: reading the session now could fail, as the database may be overloaded.
        user = getattr(request, "_cached_user", None)
        logger.warning("%s: %s %s by user %s", event, request.method, request.path, getattr(user, "pk", None))


class MethodPage:
    """Adds a page with a link to the empty 405 of a GET: after signing in, typed, or from a bookmark."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 405 and request.method == "GET" and not response.content:
            return method_not_allowed(request, response.headers.get("Allow", ""))
        return response


class LimitBody:
    """Returns 413 for a body above the limit of request_bodies.body_limits, before it is parsed.

    Under WSGI, a body with a Content-Length is not even read. Under ASGI, request_bodies.asgi_bodies has counted it.
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
    """Returns 503 when a view meets a database outage (R1.4).

    For outages in other middleware, such as saving a session, core.web.error_pages.server_error returns the same.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return service_unavailable(request, exception) if is_outage(exception) else None


class RefuseNullBytes:
    """Returns 400 for a NUL in the path or query, which PostgreSQL cannot store or search."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("NUL in the address")
        return self.get_response(request)
