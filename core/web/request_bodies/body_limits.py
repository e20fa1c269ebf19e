"""Size limits of request bodies, which are checked before parsing.

Parsing multiplies the size: a megabyte of percent-encoded fields takes eighty of memory. So all bodies but uploads are
refused above REQUEST_MAX_FORM (JSON above REQUEST_MAX_JSON, or what the view `accepts_json`). An upload may have
REQUEST_MAX_BODY if it is multipart, for a view that `accepts_files`, and in the session of a member. The limits are
enforced by core.web.middleware.LimitBody under WSGI, by asgi_bodies under ASGI, and by nginx for the same paths
(deploy/nginx/linkup.conf).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookies import CookieError
from tempfile import SpooledTemporaryFile
from typing import Any, TypeVar

from django.conf import settings
from django.core.handlers.wsgi import LimitedStream, WSGIRequest
from django.http import HttpRequest
from django.urls import Resolver404, resolve

from core.database.session_store import member_of_session

CHUNK = 64 * 1024
# Lengths with more digits are capped: Python refuses to parse numbers of thousands of digits.
MOST_DIGITS = 18

View = TypeVar("View", bound=Callable[..., Any])


def accepts_files(view: View) -> View:
    """Mark a view that accepts files: members may send it a multipart body of up to REQUEST_MAX_BODY."""
    view.accepts_files = True  # type: ignore[attr-defined]
    return view


def accepts_json(size: int) -> Callable[[View], View]:
    """Mark a view that accepts a JSON body of up to `size` bytes from anyone, in place of REQUEST_MAX_JSON."""

    def mark(view: View) -> View:
        view.max_json = size  # type: ignore[attr-defined]
        return view

    return mark


def max_json_of_path(path: str) -> int:
    """Return the size of JSON that the view at `path` accepts."""
    most: int = settings.REQUEST_MAX_JSON
    try:
        return max(most, getattr(resolve(path).func, "max_json", 0))
    except Resolver404:
        return most


def path_accepts_files(path: str) -> bool:
    """Return whether the view at `path` is marked with `accepts_files`."""
    try:
        return bool(getattr(resolve(path).func, "accepts_files", False))
    except Resolver404:
        return False


def max_size_of_anyone(request: HttpRequest) -> int:
    """Return the size limit of this request for any sender."""
    is_json = request.content_type == "application/json"
    most: int = settings.REQUEST_MAX_JSON if is_json else settings.REQUEST_MAX_FORM
    return most


def max_size(request: HttpRequest) -> int:
    """Return the size limit of this request. Reads the session only where an upload is possible."""
    is_upload = request.content_type == "multipart/form-data" and path_accepts_files(request.path_info)
    if is_upload and is_signed_in(request):
        most: int = settings.REQUEST_MAX_BODY
        return most
    if request.content_type == "application/json":
        return max_json_of_path(request.path_info)
    return max_size_of_anyone(request)


def is_too_large(request: HttpRequest, size: int) -> bool:
    """Return whether a body of `size` bytes is above the limit of this request."""
    return size > max_size_of_anyone(request) and size > max_size(request)


def is_signed_in(request: HttpRequest) -> bool:
    """Return whether the session cookie belongs to the valid session of a member."""
    try:
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return False
    return bool(key) and member_of_session(str(key)) is not None


def declared_size(text: str) -> int:
    """Return the Content-Length, or 0 when it is absent or not a number."""
    digits = text.lstrip("0")
    if not (digits.isascii() and digits.isdigit()):
        return 0
    return int(digits) if len(digits) <= MOST_DIGITS else 10**MOST_DIGITS


def has_no_length(request: HttpRequest) -> bool:
    """Return whether a WSGI server has decoded a chunked body, which has no Content-Length."""
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    return chunked and bool(request.META.get("wsgi.input_terminated"))


@contextmanager
def body_without_length(request: WSGIRequest) -> Iterator[bool]:
    """Read a chunked body up to its limit and set the request's length; yield whether it is too large."""
    limit, size = max_size_of_anyone(request), 0
    with SpooledTemporaryFile(max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE) as received:
        while size <= limit and (chunk := request.META["wsgi.input"].read(CHUNK)):
            size += len(chunk)
            if size > limit:
                limit = max_size(request)
            received.write(chunk)
        if size <= limit:
            received.seek(0)
            request.META["CONTENT_LENGTH"] = str(size)
            # Django treats a body without a length as empty, and has no other way to set it.
            request._stream = LimitedStream(received, size)  # type: ignore[assignment, arg-type]  # noqa: SLF001
        yield size > limit
