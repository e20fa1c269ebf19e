"""The smallest clients that do: a WebSocket (RFC 6455) and an HTTP request, both cheap for the machine they measure."""

import asyncio
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

from scripts.servers import HOST

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
# What a proxy that ended TLS says, and a browser of this site.
FRONT = {"Host": "localhost", "X-Forwarded-Proto": "https", "Origin": "https://localhost"}
# Nobody checks the answer to it here.
KEY = "AAAAAAAAAAAAAAAAAAAAAA=="
CSRF = "b" * 32
WAIT = 30.0


class Socket(asyncio.Protocol):
    """One open WebSocket. `heard(text)` is called for each text frame, `gone(code)` once at the end (0: no code)."""

    __slots__ = ("_buffer", "_gone", "_heard", "_request", "_transport", "is_open", "opened")

    def __init__(self, request: bytes, heard: Callable[[bytes], None], gone: Callable[[int], None]) -> None:
        self._request = request
        self._heard = heard
        self._gone: Callable[[int], None] | None = gone
        self._transport: Any = None
        self._buffer = b""
        self.is_open = False
        # True when the server let us in, False when it did not.
        self.opened: asyncio.Future[bool] | None = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(
        cls, port: int, headers: Mapping[str, str], heard: Callable[[bytes], None], gone: Callable[[int], None],
        path: str = "/ws/",
    ) -> "Socket":  # fmt: skip
        """The socket once it is open. ConnectionError when it is refused, TimeoutError when nobody answers."""
        sent = {**headers, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY}
        request = _head(f"GET {path}", {**sent, "Sec-WebSocket-Version": "13"})
        async with asyncio.timeout(WAIT):
            loop = asyncio.get_running_loop()
            _, socket = await loop.create_connection(lambda: cls(request, heard, gone), HOST, port)
            welcome, is_welcome = socket.opened, False
            if welcome is not None:
                is_welcome = await welcome
        socket.opened = None
        if not is_welcome:
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
            self._answer(is_welcome=self.is_open)
            if not self.is_open:
                self._transport.abort()
                return
        self._buffer = self._take(buffer)

    def _take(self, buffer: bytes) -> bytes:
        """Take the whole frames at the beginning of `buffer`; returns the rest."""
        place, size = 0, len(buffer)
        while size - place >= 2:
            code, length, start = buffer[place] & 0x0F, buffer[place + 1] & 0x7F, place + 2
            if length >= 126:
                width = 2 if length == 126 else 8
                if size - start < width:
                    break
                length = int.from_bytes(buffer[start : start + width], "big")
                start += width
            if size - start < length:
                break
            place = start + length
            self._frame(code, buffer[start:place])
        return buffer[place:]

    def _frame(self, code: int, payload: bytes) -> None:
        if code == TEXT:
            self._heard(payload)
        elif code == PING:
            self._write(PONG, payload)
        elif code == CLOSE:
            self._write(CLOSE, payload[:2])
            self._end(struct.unpack("!H", payload[:2])[0] if payload else 0)

    def connection_lost(self, error: Exception | None) -> None:
        self._answer(is_welcome=False)
        self._end(0)

    def _answer(self, *, is_welcome: bool) -> None:
        if self.opened is not None and not self.opened.done():
            self.opened.set_result(is_welcome)

    def _end(self, code: int) -> None:
        gone, self._gone = self._gone, None
        was_open, self.is_open = self.is_open, False
        if gone is not None and was_open:
            gone(code)

    def send(self, frame: Mapping[str, Any]) -> None:
        """Send a JSON object."""
        self._write(TEXT, json.dumps(frame).encode())

    def _write(self, code: int, payload: bytes) -> None:
        # A mask of zeros is a mask: the server takes it off as it does any other.
        size = (
            struct.pack("!B", 0x80 | len(payload))
            if len(payload) < 126
            else struct.pack("!BH", 0xFE, len(payload))
        )
        self._transport.write(bytes([0x80 | code]) + size + b"\0\0\0\0" + payload)

    def abort(self) -> None:
        """Be gone without a word, as when the network fails; `gone` is not called."""
        self._gone = None
        self.is_open = False
        self._transport.abort()


class _Request(asyncio.Protocol):
    """One request on a separate connection."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._transport: Any = None
        self._parts: list[bytes] = []
        self._missing: int | None = None
        self.answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()

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
        if self.answer.done():
            return
        head, _, body = b"".join(self._parts).partition(b"\r\n\r\n")
        if head:
            self.answer.set_result((int(head.split(b" ", 2)[1]), body))
        else:
            self.answer.set_exception(ConnectionResetError("no answer"))
        self._transport.close()


async def ask(
    port: int, path: str, headers: Mapping[str, str], form: bytes | None = None
) -> tuple[int, bytes]:
    """Ask over a separate connection, with POST where there is a `form`; returns status and body.

    Raises OSError or TimeoutError when no answer comes.
    """
    sent = {**headers, "Connection": "close"}
    if form is not None:
        sent |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(form))}
    request = _head(f"{'GET' if form is None else 'POST'} {path}", sent) + (form or b"")
    async with asyncio.timeout(WAIT):
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_connection(lambda: _Request(request), HOST, port)
        try:
            return await protocol.answer
        finally:
            transport.abort()


def headers_of(session: str, *, names: Mapping[str, str]) -> dict[str, str]:
    """What the browser of a signed-in member sends; `names` are those of the cookies."""
    cookies = f"{names['session']}={session}; {names['csrf']}={CSRF}"
    return {**FRONT, "Cookie": cookies, "Accept": "application/json", "X-CSRFToken": CSRF}


def _head(line: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()
