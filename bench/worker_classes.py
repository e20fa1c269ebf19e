"""Compares gunicorn's gthread and asgi workers: requests per second of one page, with production settings.

`python -m bench.worker_classes [--seconds 5]`: private PostgreSQL and Redis, 8 clients, one connection per request. The
difference is the cost of WEB_SERVER=asgi, which platforms need that route only one port.
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


def fetch_page(port: int, path: str) -> int:
    """Send one request as a proxy does that terminates TLS; return the size of the response in bytes.

    Raises AssertionError unless it is a 200.
    """
    request = (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
    )
    response = b""
    with socket.create_connection((HOST, port), timeout=30) as connection:
        connection.sendall(request.encode())
        while part := connection.recv(65536):
            response += part
    if not response.startswith(b"HTTP/1.1 200"):
        raise AssertionError(f"{path} returned {response[:200]!r}")
    return len(response)


def measure_rate(port: int, path: str, seconds: float) -> float:
    """Return the responses per second that CLIENTS parallel clients receive."""
    end = time.monotonic() + seconds

    def send_requests(_client: int) -> int:
        count = 0
        while time.monotonic() < end:
            fetch_page(port, path)
            count += 1
        return count

    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        count = sum(clients.map(send_requests, range(CLIENTS)))
    return count / (time.monotonic() - started)


def measure_worker_class(environment: Mapping[str, str], folder: Path, kind: str, seconds: float) -> float:
    """Run gunicorn with workers of `kind` ("gthread" or "asgi"); return the requests per second of PAGE."""
    port = find_free_port()
    server_folder = folder / kind
    server_folder.mkdir()
    with running_gunicorn(port, server_folder, {**environment, "WEB_SERVER": kind}):
        measure_rate(port, PAGE, 1)  # loads templates and opens connections
        return measure_rate(port, PAGE, seconds)


def main() -> None:
    """Measure and print both rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    seconds = parser.parse_args().seconds
    with ExitStack() as exit_stack:
        database = exit_stack.enter_context(private_postgres(use_environment=False))
        cache = exit_stack.enter_context(private_redis(use_environment=False))
        folder = exit_stack.enter_context(temporary_folder(None))
        environment = production_environment(database, cache, folder, WEB_CONCURRENCY="2")
        run_release(environment)
        rates = {
            kind: measure_worker_class(environment, folder, kind, seconds) for kind in ("gthread", "asgi")
        }
    print(f"{PAGE} with 2 workers, 8 clients, one connection per request, {seconds:g} s each:")
    print(f"  gthread  {rates['gthread']:6.0f} requests/s")
    print(f"  asgi     {rates['asgi']:6.0f} requests/s")


if __name__ == "__main__":
    main()
