"""A proxy between LinkUp and PostgreSQL that acts at a given word: it cuts the connection, or sends Ctrl-C."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest
from django.db import connections

# Gets the data with the word, the client's and the server's socket; returns whether to continue.
Action = Callable[[bytes, socket.socket, socket.socket], bool]


class Proxy:
    """Forwards everything until the word appears."""

    def __init__(self, host: str, port: int, word: bytes, deed: Action) -> None:
        self._server = (host, port)
        self._word = word
        self._deed = deed
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._back, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError), client, server:
            while piece := client.recv(1 << 16):
                if self._word in piece and not self._deed(piece, client, server):
                    return
                server.sendall(piece)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while piece := server.recv(1 << 16):
                client.sendall(piece)


@contextmanager
def _use_proxy(monkeypatch: pytest.MonkeyPatch, word: bytes, deed: Action) -> Iterator[None]:
    """Let the settings name the proxy in place of the server, without TLS."""
    address = urlsplit(os.environ["DATABASE_URL"])
    between = Proxy(address.hostname or "127.0.0.1", address.port or 5432, word, deed)
    with monkeypatch.context() as changed:
        settings = connections["default"].settings_dict
        changed.setitem(settings, "HOST", "127.0.0.1")
        changed.setitem(settings, "PORT", str(between.port))
        changed.setitem(settings, "OPTIONS", {**settings["OPTIONS"], "sslmode": "disable"})
        yield
    between.close()


@contextmanager
def cut_at_commit(monkeypatch: pytest.MonkeyPatch, *, before: bool) -> Iterator[None]:
    """The answer to COMMIT never arrives; the order does, unless it is cut `before`."""

    def cut(piece: bytes, client: socket.socket, server: socket.socket) -> bool:
        client.shutdown(socket.SHUT_WR)
        if before:
            server.shutdown(socket.SHUT_RDWR)
            return False
        server.sendall(piece)
        server.shutdown(socket.SHUT_WR)
        while server.recv(1 << 16):
            pass
        return False

    with _use_proxy(monkeypatch, b"COMMIT\0", cut):
        yield


@contextmanager
def interrupted_at(monkeypatch: pytest.MonkeyPatch, word: bytes) -> Iterator[None]:
    """Send Ctrl-C while the first statement with this word is transmitted; the statement is executed."""
    pressed: list[bytes] = []

    def press(piece: bytes, _client: socket.socket, _server: socket.socket) -> bool:
        if not pressed:
            pressed.append(piece)
            os.kill(os.getpid(), signal.SIGINT)
        return True

    # A run in the background ignores Ctrl-C, and Python goes by that.
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with _use_proxy(monkeypatch, word, press):
            yield
    finally:
        signal.signal(signal.SIGINT, usual)
