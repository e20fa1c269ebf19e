"""A Redis of the test's own that can be stopped, frozen, emptied and brought back on the same port."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from scripts.programs import obtain
from scripts.servers import HOST, die_with_parent, free_port

START_SECONDS = 10.0


class RedisServer:
    """Keeps nothing on the disk, so that a restart comes back empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://{HOST}:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, or do nothing while it runs; returns when it answers."""
        if self._process is not None:
            return
        command = [str(obtain("redis")["redis"]), "--bind", HOST, "--port", str(self.port)]
        command += ["--dir", str(self.folder), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 -- one prctl call, no locks
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, "Redis did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        """Kill it; from then on nobody listens on the port."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It still takes connections, and answers none."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It answers again."""
        self._signal(signal.SIGCONT)

    def empty(self) -> None:
        """It forgets everything."""
        with self.client() as client:
            client.flushall()

    @contextmanager
    def client(self) -> Iterator["redis.Redis"]:
        """A connection of the test's own."""
        client = redis.Redis.from_url(self.url, socket_timeout=1)
        try:
            yield client
        finally:
            client.close()

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)
