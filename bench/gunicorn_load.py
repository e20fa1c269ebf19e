"""Measures rate, CPU and latency of a page under gunicorn: several clients, one connection per request."""

import gzip
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from scripts.servers import HOST, die_with_parent, find_free_port
from users.models import User

CLIENTS = 8
START_TIMEOUT = 30.0


@dataclass(frozen=True)
class LoadResult:
    """The result of one round: requests per second, milliseconds of server CPU per request, latency in ms."""

    rate: float
    cpu: float
    p50: float
    p99: float


@dataclass(frozen=True)
class PageSize:
    """Sizes in bytes: the body as sent, and its HTML."""

    wire: int
    html: int


@dataclass(frozen=True)
class GunicornProcess:
    """A running gunicorn."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Return user and system time of all workers so far, from /proc."""
        return sum(_cpu_seconds(worker) for worker in self._workers())

    def _workers(self) -> list[int]:
        text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in text.split()]


@contextmanager
def run_gunicorn() -> Iterator[GunicornProcess]:
    """Run gunicorn with gunicorn_config.py during the block; the environment names the database."""
    port = find_free_port()
    command = [sys.executable, "-m", "gunicorn", "professional_network.wsgi"]
    command += ["--config", "python:bench.gunicorn_config", "--bind", f"{HOST}:{port}"]
    process = subprocess.Popen(  # noqa: S603
        command,
        env={**os.environ},
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 -- one prctl call
    )
    try:
        _wait_for_port(port, process)
        yield GunicornProcess(port, process.pid)
    finally:
        process.terminate()
        process.wait()


def create_session_cookie(member: User) -> str:
    """Create a session of `member`; return its cookie."""
    session = SessionStore()
    session[SESSION_KEY] = str(member.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = member.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def fetch_response(server: GunicornProcess, path: str, cookie: str) -> bytes:
    """Return one response, head and body, from a separate connection. Raises AssertionError unless it is a 200."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nAccept-Encoding: gzip\r\n"
        "Connection: close\r\n\r\n"
    )
    parts = []
    with socket.create_connection((HOST, server.port), timeout=30) as connection:
        connection.sendall(request.encode())
        while part := connection.recv(65536):
            parts.append(part)
    response = b"".join(parts)
    if not response.startswith(b"HTTP/1.1 200"):
        raise AssertionError(f"{path} returned {response[:200]!r}")
    return response


def fetch_page_size(server: GunicornProcess, path: str, cookie: str) -> PageSize:
    """Return the sizes of one response. Raises AssertionError unless it is a 200."""
    head, _blank, body = fetch_response(server, path, cookie).partition(b"\r\n\r\n")
    compressed = b"content-encoding: gzip" in head.lower()
    return PageSize(len(body), len(gzip.decompress(body)) if compressed else len(body))


def measure_load(server: GunicornProcess, path: str, cookie: str, *, seconds: float) -> LoadResult:
    """Request `path` from CLIENTS parallel clients for about `seconds`."""
    end = time.monotonic() + seconds

    def send_requests(_client: int) -> list[float]:
        times = []
        while (started := time.monotonic()) < end:
            fetch_response(server, path, cookie)
            times.append(time.monotonic() - started)
        return times

    cpu, started = server.cpu_seconds(), time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        times = [taken for client in clients.map(send_requests, range(CLIENTS)) for taken in client]
    passed, used = time.monotonic() - started, server.cpu_seconds() - cpu
    times.sort()
    return LoadResult(
        len(times) / passed,
        1000 * used / len(times),
        1000 * statistics.median(times),
        1000 * times[int(0.99 * (len(times) - 1))],
    )


def _cpu_seconds(pid: int) -> float:
    # The name of the program, in brackets, may contain blanks; user and system time are fields 14 and 15 (proc(5)).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("gunicorn did not start") from None
            time.sleep(0.05)
        else:
            return
