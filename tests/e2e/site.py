"""A LinkUp of the test's own, started as a person would, on a fresh folder."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.programs import ROOT
from scripts.servers import die_with_parent, find_free_port
from tests.testkit.prepared_files import copy_migrated_sqlite

START_TIMEOUT = 60.0


@dataclass(frozen=True)
class Site:
    """A running server: where it answers, where it keeps its data, and what it wrote to its console."""

    url: str
    data: Path
    log: Path
    environment: dict[str, str]

    def manage(self, *arguments: str) -> str:
        """Run a management command on this site's data; returns what it printed."""
        return _manage(self.environment, *arguments)


def _manage(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _environment(data: Path, mail_port: int) -> dict[str, str]:
    """What a developer's shell holds, without what the test run put there."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
        and not name.startswith("PYTEST_")
    }
    return {
        **inherited,
        "DJANGO_ENVIRONMENT": "development",
        "DATABASE_URL": f"sqlite:///{data / 'db.sqlite3'}",
        "DATA_DIR": str(data),
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(mail_port),
    }


def _wait_until_it_answers(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health/", timeout=5):  # noqa: S310 -- our own http address
                return
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The site did not start:\n{log.read_text()[-4000:]}") from None
            time.sleep(0.1)


@contextmanager
def running_site(data: Path, mail_port: int) -> Iterator[Site]:
    """Serve a fresh LinkUp from the folder `data` for the time of the block; its mail goes to `mail_port`."""
    environment = _environment(data, mail_port)
    copy_migrated_sqlite(data)
    port = find_free_port()
    site = Site(f"http://localhost:{port}", data, data / "server.log", environment)
    with site.log.open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 -- one prctl call, no locks
        )
    try:
        _wait_until_it_answers(server, site.url, site.log)
        yield site
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
