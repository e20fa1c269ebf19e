"""Limits of request bodies under ASGI, where servers hand over a body before Django has looked at the request.

Neither gunicorn's asgi worker nor daphne bounds a body, and one without a Content-Length has no announced end.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from core.database.thread_pool import in_database

from .body_limits import declared_size, max_size, max_size_of_anyone, path_accepts_files
from .content_type import parsable
from .error_pages import too_large, unavailable

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]

# Where the scope keeps the LimitedBody; core.web.middleware.LimitBody answers with its refusal.
SCOPE_KEY = "linkup.body"
END = {"type": "http.request", "body": b"", "more_body": False}

# Said before the application runs, so it is a sentence and no page.
SENTENCE = (
    b"What you sent is larger than this network accepts. Go back, choose smaller files, and send it again."
)
TOO_LARGE = (
    b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(SENTENCE), SENTENCE)
)


@dataclass
class LimitedBody:
    """Counts what is received of one request, and ends the body where it exceeds the limit."""

    request: HttpRequest
    inner: Receive
    received: int = 0
    refusal: Callable[[HttpRequest], HttpResponse] | None = None

    def __post_init__(self) -> None:
        self._most = max_size_of_anyone(self.request)
        self._is_final = False
        self._declared = declared_size(self.request.META.get("CONTENT_LENGTH", ""))

    async def receive(self) -> Message:
        """The next message, or the end of the body; after a refusal nothing more is read."""
        if self.refusal is not None:
            await asyncio.Event().wait()
        if await self._is_over(self._declared):
            return END
        message = await self.inner()
        self.received += len(message.get("body", b""))
        return END if await self._is_over(self.received) else message

    async def _is_over(self, size: int) -> bool:
        if size <= self._most:
            return False
        if not self._is_final:
            self._is_final = True
            try:
                self._most = await in_database(max_size, self.request)
            except DatabaseError as error:
                self.refusal = partial(unavailable, error=error)
                return True
        if size > self._most:
            self.refusal = too_large
        return size > self._most


class LimitBodies:
    """ASGI middleware around Django's application for HTTP."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Receive, send: Any) -> None:
        headers = [(name, _checked(name, value)) for name, value in scope["headers"]]
        scope = {**scope, "query_string": ascii_only(scope.get("query_string", b"")), "headers": headers}
        body = LimitedBody(ASGIRequest(scope, BytesIO()), receive)
        await self.application({**scope, SCOPE_KEY: body}, body.receive, send)


def ascii_only(query: bytes) -> bytes:
    """The query with percent-encoding in the place of bytes that no query may hold: Django cannot decode all."""
    return (
        query
        if query.isascii()
        else b"".join(b"%%%02X" % byte if byte > 127 else b"%c" % byte for byte in query)
    )


def _checked(name: bytes, value: bytes) -> bytes:
    return parsable(value.decode("latin-1")).encode("latin-1") if name == b"content-type" else value


def limit_daphne_bodies() -> None:
    """Make daphne refuse a body above the limit of its address while it arrives.

    By itself it writes a body of any size to the disk before the application hears of the request. Nothing is done
    where another server runs.
    """
    daphne = sys.modules.get("daphne.http_protocol")
    if daphne is not None:
        daphne.WebRequest.handleContentChunk = _handle_chunk


def _handle_chunk(self: Any, data: bytes) -> None:
    # The request learns its address only when the body is there.
    path = unquote(self.channel._path.partition(b"?")[0].decode("latin-1"))  # noqa: SLF001
    most = settings.REQUEST_MAX_BODY if path_accepts_files(path) else settings.REQUEST_MAX_FORM
    if self.content.tell() + len(data) <= most:
        self.content.write(data)
    else:
        self.channel.transport.write(TOO_LARGE)
        self.channel.loseConnection()
