"""A worker of background tasks, as linkup-work runs it."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from scripts.programs import ROOT
from scripts.servers import Server
from scripts.stack import process_command
from scripts.task_workers import WorkerServer, is_consuming


def make_worker(
    redis_url: str, folder: Path, environment: Mapping[str, str], application: str = ""
) -> Server:
    """Return a worker with beat, perhaps of another Celery application, which is not started.

    Its log is written to `folder`.
    """
    standard = "professional_network.celery"
    command = [application or part if part == standard else part for part in process_command("work")]
    return WorkerServer(
        command,
        lambda: is_consuming(redis_url),
        folder,
        None,
        signal.SIGTERM,
        environment=dict(environment),
        start_in=ROOT,
    )


@contextmanager
def running_worker(
    redis_url: str, folder: Path, environment: Mapping[str, str], application: str = ""
) -> Iterator[Server]:
    """Run a worker with beat during the block. Raises ServerStartError when it does not start."""
    server = make_worker(redis_url, folder, environment, application)
    server.start()
    try:
        yield server
    finally:
        server.stop()
