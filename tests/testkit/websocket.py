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
# The codes that the library reports when the close frame has no code, or when there is no close frame.
MISSING_CODES = {CloseCode.NO_STATUS_RCVD, CloseCode.ABNORMAL_CLOSURE}


class SocketClosed(ConnectionError):
    """The server closed the socket; the first argument is the close code, 0 when there is none."""


def _as_socket_closed(error: ConnectionClosed) -> SocketClosed:
    code = error.rcvd.code if error.rcvd else 0
    return SocketClosed(0 if code in MISSING_CODES else code)


class WebSocket:
    """One connection through nginx. `status` is the HTTP status of the handshake: 101 when the socket is open.

    With `port` it connects directly to daphne on this machine, as nginx does. It reads at most one frame ahead, so
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
            raise SocketClosed(0) from error

    @classmethod
    def open_for(cls, visitor: Visitor, *, port: int = 0) -> Self:
        """Open a WebSocket with the cookies of `visitor`, as one more tab does."""
        cookies = "; ".join(f"{k}={v}" for k, v in visitor.cookies.items())
        return cls(visitor.site, cookies=cookies, port=port)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop_connection()

    @property
    def _opened(self) -> ClientConnection:
        assert self._connection, f"the handshake returned {self.status}"
        return self._connection

    def drop_connection(self) -> None:
        """Close the TCP connection without a close frame, as after a power failure."""
        if self._connection is not None:
            self._connection.close_socket()
            self._connection.recv_events_thread.join()

    def close(self, code: int) -> None:
        """Close the socket with `code`."""
        self._opened.close(code)

    def send(self, frame: dict[str, Any]) -> None:
        """Send a JSON object. Raises SocketClosed when the server has closed the socket."""
        self.send_text(json.dumps(frame).encode())

    def send_text(self, text: bytes) -> None:
        """Send a text frame; `text` may be invalid UTF-8 or JSON."""
        try:
            self._opened.send(text, text=True)
        except ConnectionClosed as error:
            raise _as_socket_closed(error) from error

    def send_bytes(self, data: bytes) -> None:
        """Send a binary frame."""
        try:
            self._opened.send(data)
        except ConnectionClosed as error:
            raise _as_socket_closed(error) from error

    def send_raw(self, data: bytes) -> None:
        """Send bytes without a frame around them, for frames that no client library creates."""
        self._opened.socket.sendall(data)

    def receive(self, seconds: float = 10.0) -> dict[str, Any]:
        """Return the next JSON object. Raises TimeoutError, or SocketClosed when the server closes the socket."""
        try:
            frame: dict[str, Any] = json.loads(self._opened.recv(seconds))
        except ConnectionClosed as error:
            raise _as_socket_closed(error) from error
        return frame
