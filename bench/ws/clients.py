"""Minimal WebSocket (RFC 6455) and HTTP clients, which take little CPU from the measured servers."""

import asyncio
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

from scripts.servers import HOST

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
# Headers of a proxy that terminates TLS, and of a browser.
PROXY_HEADERS = {"Host": "localhost", "X-Forwarded-Proto": "https", "Origin": "https://localhost"}
# The server's response to it is not checked.
WEBSOCKET_KEY = "AAAAAAAAAAAAAAAAAAAAAA=="
CSRF_TOKEN = "b" * 32
TIMEOUT = 30.0


class Socket(asyncio.Protocol):
    """A WebSocket. Calls `on_text` for each text frame, and `on_close` once with the close code (0: none)."""

    __slots__ = ("_buffer", "_on_close", "_on_text", "_request", "_transport", "is_open", "opened")

    def __init__(
        self, request: bytes, on_text: Callable[[bytes], None], on_close: Callable[[int], None]
    ) -> None:
        self._request = request
        self._on_text = on_text
        self._on_close: Callable[[int], None] | None = on_close
        self._transport: Any = None
        self._buffer = b""
        self.is_open = False
        # The result of the handshake.
        self.opened: asyncio.Future[bool] | None = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(
        cls, port: int, headers: Mapping[str, str], on_text: Callable[[bytes], None], on_close: Callable[[int], None],
        path: str = "/ws/",
    ) -> "Socket":  # fmt: skip
        """Return an open socket. Raises ConnectionError when it is refused, TimeoutError without a response."""
        sent = {
            **headers,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": WEBSOCKET_KEY,
        }
        request = _head(f"GET {path}", {**sent, "Sec-WebSocket-Version": "13"})
        async with asyncio.timeout(TIMEOUT):
            loop = asyncio.get_running_loop()
            _, socket = await loop.create_connection(lambda: cls(request, on_text, on_close), HOST, port)
            handshake, is_accepted = socket.opened, False
            if handshake is not None:
                is_accepted = await handshake
        socket.opened = None
        if not is_accepted:
            raise ConnectionRefusedError("the handshake was refused")
        return socket

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._request)
        self._request = b""

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        if not self.is_open:
            head, end, buffer = buffer.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            self.is_open = head.startswith(b"HTTP/1.1 101")
            self._set_opened(is_accepted=self.is_open)
            if not self.is_open:
                self._transport.abort()
                return
        self._buffer = self._take(buffer)

    def _take(self, buffer: bytes) -> bytes:
        """Process the complete frames at the beginning of `buffer`; return the rest."""
        offset, size = 0, len(buffer)
        while size - offset >= 2:
            code, length, start = buffer[offset] & 0x0F, buffer[offset + 1] & 0x7F, offset + 2
            if length >= 126:
                width = 2 if length == 126 else 8
                if size - start < width:
                    break
                length = int.from_bytes(buffer[start : start + width], "big")
                start += width
            if size - start < length:
                break
            offset = start + length
            self._frame(code, buffer[start:offset])
        return buffer[offset:]

    def _frame(self, code: int, payload: bytes) -> None:
        if code == TEXT:
            self._on_text(payload)
        elif code == PING:
            self._write(PONG, payload)
        elif code == CLOSE:
            self._write(CLOSE, payload[:2])
            self._end(struct.unpack("!H", payload[:2])[0] if payload else 0)

    def connection_lost(self, error: Exception | None) -> None:
        self._set_opened(is_accepted=False)
        self._end(0)

    def _set_opened(self, *, is_accepted: bool) -> None:
        if self.opened is not None and not self.opened.done():
            self.opened.set_result(is_accepted)

    def _end(self, code: int) -> None:
        on_close, self._on_close = self._on_close, None
        was_open, self.is_open = self.is_open, False
        if on_close is not None and was_open:
            on_close(code)

    def send(self, frame: Mapping[str, Any]) -> None:
        """Send a JSON object."""
        self._write(TEXT, json.dumps(frame).encode())

    def _write(self, code: int, payload: bytes) -> None:
        # A mask of zeros is valid, and leaves the payload as it is.
        size = (
            struct.pack("!B", 0x80 | len(payload))
            if len(payload) < 126
            else struct.pack("!BH", 0xFE, len(payload))
        )
        self._transport.write(bytes([0x80 | code]) + size + b"\0\0\0\0" + payload)

    def abort(self) -> None:
        """Drop the connection without a close frame, as a network failure does; `on_close` is not called."""
        self._on_close = None
        self.is_open = False
        self._transport.abort()


class _Request(asyncio.Protocol):
    """One request on a separate connection."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._transport: Any = None
        self._parts: list[bytes] = []
        self._missing: int | None = None
        self.response: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        if self._missing is None:
            head, end, body = b"".join(self._parts).partition(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            if end and length.isdigit():
                self._missing = int(length) - len(body)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._finish()

    def connection_lost(self, error: Exception | None) -> None:
        self._finish()

    def _finish(self) -> None:
        if self.response.done():
            return
        head, _, body = b"".join(self._parts).partition(b"\r\n\r\n")
        if head:
            self.response.set_result((int(head.split(b" ", 2)[1]), body))
        else:
            self.response.set_exception(ConnectionResetError("no response"))
        self._transport.close()


async def send_request(
    port: int, path: str, headers: Mapping[str, str], form: bytes | None = None
) -> tuple[int, bytes]:
    """Send a GET, or a POST with `form`, over a separate connection; return status and body.

    Raises OSError or TimeoutError without a response.
    """
    sent = {**headers, "Connection": "close"}
    if form is not None:
        sent |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(form))}
    request = _head(f"{'GET' if form is None else 'POST'} {path}", sent) + (form or b"")
    async with asyncio.timeout(TIMEOUT):
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_connection(lambda: _Request(request), HOST, port)
        try:
            return await protocol.response
        finally:
            transport.abort()


def browser_headers(session: str, *, names: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a signed-in browser; `names` are the names of the cookies."""
    cookies = f"{names['session']}={session}; {names['csrf']}={CSRF_TOKEN}"
    return {**PROXY_HEADERS, "Cookie": cookies, "Accept": "application/json", "X-CSRFToken": CSRF_TOKEN}


def _head(line: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()
