"""A WebSocket of a browser (RFC 6455), for tests that wait for one answer after the other."""

import json
import socket
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.frames import CloseCode
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from scripts.visitor import Site, Visitor, trusting

SWITCHING_PROTOCOLS = 101
# The library's words for an end without a code: none in the frame, and no frame at all.
NO_CODE = {CloseCode.NO_STATUS_RCVD, CloseCode.ABNORMAL_CLOSURE}


class Closed(ConnectionError):
    """The server closed the socket; the first argument is its code, 0 when it gave none."""


def _closed(error: ConnectionClosed) -> Closed:
    code = error.rcvd.code if error.rcvd else 0
    return Closed(0 if code in NO_CODE else code)


class WebSocket:
    """One connection through nginx. `status` is the answer to the handshake: 101 when the socket is open.

    With `port` it goes past nginx, to a server of this machine, as nginx would. It reads one frame ahead of who asks,
    no more, so that a tab can be slow.
    """

    def __init__(
        self, site: Site, *, path: str = "/ws/", cookies: str = "", port: int = 0, origin: str | None = None
    ) -> None:
        parts = urlsplit(site.origin)
        headers = {"Cookie": cookies, "X-Forwarded-Proto": "https" if port else ""}
        said = site.origin if origin is None else origin
        self.status = SWITCHING_PROTOCOLS
        self._connection: ClientConnection | None = None
        try:
            self._connection = connect(
                f"{'ws' if port else 'wss'}://{parts.netloc}{path}",
                sock=socket.create_connection((parts.hostname or "", port or parts.port or 0), timeout=20),
                ssl=None if port else trusting(site),
                origin=Origin(said) if said else None,
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
        """The socket of a tab of `visitor`."""
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
        assert self._connection, f"the handshake says {self.status}"
        return self._connection

    def vanish(self) -> None:
        """Go without a word, as a tab of a machine that loses its power."""
        if self._connection is not None:
            self._connection.close_socket()
            self._connection.recv_events_thread.join()

    def close(self, code: int) -> None:
        """Say goodbye."""
        self._open.close(code)

    def send(self, frame: dict[str, Any]) -> None:
        """Send a JSON object. Closed when there is nobody to hear it."""
        self.send_text(json.dumps(frame).encode())

    def send_text(self, text: bytes) -> None:
        """Send a text frame of any bytes, whatever they say."""
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
        """Send bytes as they are: frames that no client makes."""
        self._open.socket.sendall(octets)

    def receive(self, seconds: float = 10.0) -> dict[str, Any]:
        """The next JSON object; TimeoutError when none comes, Closed when the server closes."""
        try:
            frame: dict[str, Any] = json.loads(self._open.recv(seconds))
        except ConnectionClosed as error:
            raise _closed(error) from error
        return frame
