"""A WebSocket client that does what it is told, good or bad (RFC 6455)."""

import base64
import json
import os
import secrets
import socket
import struct
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from scripts.visitor import Site, Visitor, trusting

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The server closed the socket; the first argument is its code, 0 when it gave none."""


class WebSocket:
    """One connection through nginx. `status` is the answer to the handshake: 101 when the socket is open.

    With `port` it goes past nginx, to a server of this machine, as nginx would.
    """

    def __init__(
        self, site: Site, *, path: str = "/ws/", cookies: str = "", port: int = 0, **headers: str
    ) -> None:
        parts = urlsplit(site.origin)
        plain = socket.create_connection((parts.hostname or "", port or parts.port or 0), timeout=20)
        self._socket: socket.socket = plain
        if not port:
            self._socket = trusting(site).wrap_socket(plain, server_hostname=parts.hostname)
        self._buffer = bytearray()
        sent = {
            "Host": parts.netloc,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
            "Origin": site.origin,
            "Cookie": cookies,
            "X-Forwarded-Proto": "https" if port else "",
            **headers,
        }
        lines = [
            f"GET {path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in sent.items() if value),
            "",
            "",
        ]
        self._socket.sendall("\r\n".join(lines).encode())
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        self._buffer = bytearray(rest)

    @classmethod
    def of(cls, visitor: Visitor, *, port: int = 0) -> Self:
        """The socket of a tab of `visitor`."""
        cookies = "; ".join(f"{k}={v}" for k, v in visitor.cookies.items())
        return cls(visitor.site, cookies=cookies, port=port)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, frame: dict[str, Any]) -> None:
        """Send a JSON object."""
        self._send(TEXT, json.dumps(frame).encode())

    def send_raw(self, code: int, payload: bytes) -> None:
        """Send any bytes as a frame of this kind."""
        self._send(code, payload)

    def send_octets(self, octets: bytes) -> None:
        """Send bytes as they are: frames that no client of ours makes."""
        self._socket.sendall(octets)

    def receive(self, seconds: float = 10.0) -> dict[str, Any]:
        """The next JSON object; TimeoutError when none comes, Closed when the server closes."""
        self._socket.settimeout(seconds)
        while True:
            code, payload = self._frame()
            if code == PING:
                self._send(PONG, payload)
            elif code == CLOSE:
                raise Closed(struct.unpack("!H", payload[:2])[0] if payload else 0)
            elif code == TEXT:
                frame: dict[str, Any] = json.loads(payload)
                return frame

    def _frame(self) -> tuple[int, bytes]:
        """The next frame. One that has come in part stays for the next call when the time is up."""
        while (frame := self._whole_frame()) is None:
            self._more()
        return frame

    def _whole_frame(self) -> tuple[int, bytes] | None:
        if len(self._buffer) < 2:
            return None
        start, length = 2, self._buffer[1] & 0x7F
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(self._buffer) < start:
                return None
            length = int.from_bytes(self._buffer[2:start], "big")
        if len(self._buffer) < start + length:
            return None
        code, payload = self._buffer[0] & 0x0F, bytes(self._buffer[start : start + length])
        del self._buffer[: start + length]
        return code, payload

    def _more(self) -> None:
        chunk = self._socket.recv(65_536)
        if not chunk:
            raise Closed(0)
        self._buffer += chunk

    def _send(self, code: int, payload: bytes) -> None:
        mask = os.urandom(4)
        length = len(payload)
        if length < 126:
            size = bytes([0x80 | length])
        elif length < 2**16:
            size = struct.pack("!BH", 0x80 | 126, length)
        else:
            size = struct.pack("!BQ", 0x80 | 127, length)
        pattern = (mask * (length // 4 + 1))[:length]
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")).to_bytes(length, "big")
        self._socket.sendall(bytes([0x80 | code]) + size + mask + masked)
