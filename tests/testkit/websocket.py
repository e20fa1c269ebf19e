"""A synchronous WebSocket client that behaves as a browser (RFC 6455)."""

import json
import socket
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.frames import CloseCode
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from scripts.visitor import Site, Visitor, create_ssl_context

SWITCHING_PROTOCOLS = 101
# The library's codes for an end without a code: none in the frame, and no frame at all.
NO_CODE = {CloseCode.NO_STATUS_RCVD, CloseCode.ABNORMAL_CLOSURE}


class Closed(ConnectionError):
    """The server closed the socket; the first argument is its code, 0 without one."""


def _closed(error: ConnectionClosed) -> Closed:
    code = error.rcvd.code if error.rcvd else 0
    return Closed(0 if code in NO_CODE else code)


class WebSocket:
    """One connection through nginx. `status` is that of the handshake: 101 when the socket is open.

    With `port` it connects directly to a server of this machine, as nginx does. It reads at most one frame ahead, so
    that a test can be a slow reader.
    """

    def __init__(
        self, site: Site, *, path: str = "/ws/", cookies: str = "", port: int = 0, origin: str | None = None
    ) -> None:
        parts = urlsplit(site.origin)
        headers = {"Cookie": cookies, "X-Forwarded-Proto": "https" if port else ""}
        sent_origin = site.origin if origin is None else origin
        self.status = SWITCHING_PROTOCOLS
        self._connection: ClientConnection | None = None
        try:
            self._connection = connect(
                f"{'ws' if port else 'wss'}://{parts.netloc}{path}",
                sock=socket.create_connection((parts.hostname or "", port or parts.port or 0), timeout=20),
                ssl=None if port else create_ssl_context(site),
                origin=Origin(sent_origin) if sent_origin else None,
                additional_headers={name: value for name, value in headers.items() if value},
                user_agent_header=None,
                compression=None,
                proxy=None,
                ping_interval=None,
                open_timeout=20,
                max_size=None,
                max_queue=1,
                legacy=True,
            )
        except InvalidStatus as refused:
            self.status = refused.response.status_code
        except (InvalidMessage, EOFError) as error:
            raise Closed(0) from error

    @classmethod
    def of(cls, visitor: Visitor, *, port: int = 0) -> Self:
        """Open the socket of a tab of `visitor`."""
        cookies = "; ".join(f"{k}={v}" for k, v in visitor.cookies.items())
        return cls(visitor.site, cookies=cookies, port=port)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.vanish()

    @property
    def _open(self) -> ClientConnection:
        assert self._connection, f"the handshake returned {self.status}"
        return self._connection

    def vanish(self) -> None:
        """Close the TCP connection without a close frame, as after a power failure."""
        if self._connection is not None:
            self._connection.close_socket()
            self._connection.recv_events_thread.join()

    def close(self, code: int) -> None:
        """Close the socket with `code`."""
        self._open.close(code)

    def send(self, frame: dict[str, Any]) -> None:
        """Send a JSON object. Raises Closed when the server has closed the socket."""
        self.send_text(json.dumps(frame).encode())

    def send_text(self, text: bytes) -> None:
        """Send a text frame of any bytes."""
        try:
            self._open.send(text, text=True)
        except ConnectionClosed as error:
            raise _closed(error) from error

    def send_bytes(self, data: bytes) -> None:
        """Send a binary frame."""
        try:
            self._open.send(data)
        except ConnectionClosed as error:
            raise _closed(error) from error

    def send_octets(self, octets: bytes) -> None:
        """Send raw bytes, for frames that no client library creates."""
        self._open.socket.sendall(octets)

    def receive(self, seconds: float = 10.0) -> dict[str, Any]:
        """Return the next JSON object. Raises TimeoutError, or Closed when the server closes the socket."""
        try:
            frame: dict[str, Any] = json.loads(self._open.recv(seconds))
        except ConnectionClosed as error:
            raise _closed(error) from error
        return frame
