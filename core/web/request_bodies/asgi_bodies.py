"""Limits request bodies under ASGI, where Django sees the request only after the server has received the body.

Neither gunicorn's asgi worker nor daphne limits a body, and one without a Content-Length has no declared end.
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

from ..content_type import parsable_content_type
from ..error_pages import service_unavailable, too_large
from .body_limits import declared_size, max_size, max_size_of_anyone, path_accepts_files

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]

# Key of the LimitedBody in the scope; core.web.middleware.LimitBody returns its refusal.
SCOPE_KEY = "linkup.body"
END = {"type": "http.request", "body": b"", "more_body": False}

# Sent before the application runs, so it is plain text.
SENTENCE = (
    b"What you sent is larger than this network accepts. Go back, choose smaller files, and send it again."
)
TOO_LARGE = (
    b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(SENTENCE), SENTENCE)
)


@dataclass
class LimitedBody:
    """Counts the received bytes of one request, and ends the body at the limit."""

    request: HttpRequest
    inner: Receive
    received: int = 0
    refusal: Callable[[HttpRequest], HttpResponse] | None = None

    def __post_init__(self) -> None:
        self._most = max_size_of_anyone(self.request)
        self._is_final = False
        self._declared = declared_size(self.request.META.get("CONTENT_LENGTH", ""))

    async def receive(self) -> Message:
        """Return the next message, or the end of the body; after a refusal nothing more is read."""
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
                self.refusal = partial(service_unavailable, error=error)
                return True
        if size > self._most:
            self.refusal = too_large
        return size > self._most


class LimitBodies:
    """ASGI middleware that limits the bodies of Django's HTTP application."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Receive, send: Any) -> None:
        headers = [
            (name, parsable_content_type(value.decode("latin-1")).encode("latin-1"))
            if name == b"content-type"
            else (name, value)
            for name, value in scope["headers"]
        ]
        scope = {**scope, "query_string": ascii_only(scope.get("query_string", b"")), "headers": headers}
        body = LimitedBody(ASGIRequest(scope, BytesIO()), receive)
        await self.application({**scope, SCOPE_KEY: body}, body.receive, send)


def ascii_only(query: bytes) -> bytes:
    """Return the query with non-ASCII bytes percent-encoded: they are invalid, and Django cannot decode all."""
    if query.isascii():
        return query
    return b"".join(b"%%%02X" % byte if byte > 127 else b"%c" % byte for byte in query)


def limit_daphne_bodies() -> None:
    """Make daphne refuse a body above the limit of its path while it arrives.

    By default it writes a body of any size to the disk before the application sees the request. Has no effect under
    other servers.
    """

    def handle_chunk(self: Any, data: bytes) -> None:
        # daphne parses the path only after the body.
        path = unquote(self.channel._path.partition(b"?")[0].decode("latin-1"))  # noqa: SLF001
        most = settings.REQUEST_MAX_BODY if path_accepts_files(path) else settings.REQUEST_MAX_FORM
        if self.content.tell() + len(data) <= most:
            self.content.write(data)
        else:
            self.channel.transport.write(TOO_LARGE)
            self.channel.loseConnection()

    daphne = sys.modules.get("daphne.http_protocol")
    if daphne is not None:
        daphne.WebRequest.handleContentChunk = handle_chunk
