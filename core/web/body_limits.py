"""How large a request body may be, decided before any of it is parsed.

Parsing multiplies: a megabyte of percent-encoded fields takes eighty of memory. So what is no upload is refused above
REQUEST_MAX_FORM (JSON above REQUEST_MAX_JSON), whoever sends it; an upload may have REQUEST_MAX_BODY if it is
multipart, goes to a view that `accepts_files`, and belongs to the session of a member. core.web.middleware.LimitBody
asks here under WSGI, core.web.asgi_bodies under ASGI; nginx knows the same addresses (deploy/nginx/linkup.conf).
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
# Lengths with more digits are read as this: Python refuses to read numbers of thousands of digits.
MOST_DIGITS = 18

View = TypeVar("View", bound=Callable[..., Any])


def accepts_files(view: View) -> View:
    """Mark a view that takes files: members may send it a multipart body of up to REQUEST_MAX_BODY."""
    view.accepts_files = True  # type: ignore[attr-defined]
    return view


def path_accepts_files(path: str) -> bool:
    """Whether the view at `path` is marked with `accepts_files`."""
    try:
        return bool(getattr(resolve(path).func, "accepts_files", False))
    except Resolver404:
        return False


def max_size_of_anyone(request: HttpRequest) -> int:
    """The most bytes that this request may have whoever sends it."""
    is_json = request.content_type == "application/json"
    most: int = settings.REQUEST_MAX_JSON if is_json else settings.REQUEST_MAX_FORM
    return most


def max_size(request: HttpRequest) -> int:
    """The most bytes that this request may have. Asks the database only where an upload is possible."""
    is_upload = request.content_type == "multipart/form-data" and path_accepts_files(request.path_info)
    if is_upload and is_signed_in(request):
        most: int = settings.REQUEST_MAX_BODY
        return most
    return max_size_of_anyone(request)


def is_too_large(request: HttpRequest, size: int) -> bool:
    """Whether a body of `size` bytes is more than this request may have."""
    return size > max_size_of_anyone(request) and size > max_size(request)


def is_signed_in(request: HttpRequest) -> bool:
    """Whether the session cookie belongs to a member who may be signed in. A cookie alone does not count."""
    try:
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return False
    return bool(key) and member_of_session(str(key)) is not None


def declared_size(text: str) -> int:
    """The Content-Length, or 0 where it is absent or no number."""
    digits = text.lstrip("0")
    if not (digits.isascii() and digits.isdigit()):
        return 0
    return int(digits) if len(digits) <= MOST_DIGITS else 10**MOST_DIGITS


def has_no_length(request: HttpRequest) -> bool:
    """Whether a WSGI server has decoded a chunked body, which ends by itself."""
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    return chunked and bool(request.META.get("wsgi.input_terminated"))


@contextmanager
def body_without_length(request: WSGIRequest) -> Iterator[bool]:
    """Read a chunked body as far as it may go and give the request its length; yields whether it is too large."""
    with SpooledTemporaryFile(max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE) as received:
        size = _copy_within_limit(request, received)
        if size is not None:
            received.seek(0)
            request.META["CONTENT_LENGTH"] = str(size)
            # Django has taken a body without a length for an empty one, and has no other way to give it one.
            request._stream = LimitedStream(received, size)  # type: ignore[assignment, arg-type]  # noqa: SLF001
        yield size is None


def _copy_within_limit(request: WSGIRequest, target: "SpooledTemporaryFile[bytes]") -> int | None:
    """The size of the body, or None where it is larger than it may be."""
    most, size = max_size_of_anyone(request), 0
    while chunk := request.META["wsgi.input"].read(CHUNK):
        size += len(chunk)
        if size > most:
            most = max_size(request)
        if size > most:
            return None
        target.write(chunk)
    return size
