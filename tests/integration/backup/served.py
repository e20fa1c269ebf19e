"""gunicorn on a restored network."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.programs import ROOT
from scripts.servers import HOST, Server, free_port
from scripts.stack import answers_health, web_command


@contextmanager
def served(environment: dict[str, str], folder: Path) -> Iterator[str]:
    """gunicorn with this environment; yields its address."""
    port = free_port()
    variables = {**environment, "WEB_CONCURRENCY": "1"}
    server = Server(
        web_command(port),
        lambda: answers_health(port),
        folder,
        None,
        signal.SIGTERM,
        environment=variables,
        start_in=ROOT,
    )
    server.start()
    try:
        yield f"http://{HOST}:{port}"
    finally:
        server.stop()
