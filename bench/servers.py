"""One page under gunicorn's gthread workers and under its asgi workers, both as on a server, in one run.

`python -m bench.servers [--seconds 5]`: private PostgreSQL and Redis, production settings, 8 clients, one connection
per request. It says what a platform pays that routes one port only (WEB_SERVER=asgi).
"""

import argparse
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from scripts.servers import HOST, find_free_port, private_postgres, private_redis, temporary_folder
from scripts.stack import production_environment, run_release, running_gunicorn

CLIENTS = 8
PAGE = "/accounts/login/"


def fetch(port: int, address: str) -> int:
    """Ask once, over a separate connection, as a proxy that ended TLS would; returns the size of the answer in bytes.

    Raises AssertionError unless it is a 200.
    """
    request = (
        f"GET {address} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
    )
    answer = b""
    with socket.create_connection((HOST, port), timeout=30) as line:
        line.sendall(request.encode())
        while part := line.recv(65536):
            answer += part
    if not answer.startswith(b"HTTP/1.1 200"):
        raise AssertionError(f"{address} answered {answer[:200]!r}")
    return len(answer)


def rate(port: int, address: str, seconds: float) -> float:
    """Requests a second that CLIENTS clients get answered at once."""
    end = time.monotonic() + seconds

    def ask(_client: int) -> int:
        asked = 0
        while time.monotonic() < end:
            fetch(port, address)
            asked += 1
        return asked

    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        asked = sum(clients.map(ask, range(CLIENTS)))
    return asked / (time.monotonic() - started)


def measured(environment: Mapping[str, str], folder: Path, kind: str, seconds: float) -> float:
    """Start gunicorn with workers of `kind` ("gthread" or "asgi"), ask PAGE, stop it; requests a second."""
    port = find_free_port()
    place = folder / kind
    place.mkdir()
    with running_gunicorn(port, place, {**environment, "WEB_SERVER": kind}):
        rate(port, PAGE, 1)  # templates and connections are warm from here on
        return rate(port, PAGE, seconds)


def main() -> None:
    """Print the two rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    seconds = parser.parse_args().seconds
    with ExitStack() as exit_stack:
        database = exit_stack.enter_context(private_postgres(use_environment=False))
        cache = exit_stack.enter_context(private_redis(use_environment=False))
        folder = exit_stack.enter_context(temporary_folder(None))
        environment = production_environment(database, cache, folder, WEB_CONCURRENCY="2")
        run_release(environment)
        rates = {kind: measured(environment, folder, kind, seconds) for kind in ("gthread", "asgi")}
    print(f"{PAGE} with 2 workers, 8 clients, one connection per request, {seconds:g} s each:")
    print(f"  gthread  {rates['gthread']:6.0f} requests/s")
    print(f"  asgi     {rates['asgi']:6.0f} requests/s")


if __name__ == "__main__":
    main()
