"""Starts bench.ws.generator as a separate process and sends commands to it."""

import json
import subprocess
import sys
from signal import SIGTERM
from types import TracebackType
from typing import Any, Self

from scripts.programs import ROOT
from scripts.servers import die_with_parent


class GeneratorProcess:
    """A running generator process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.ws.generator"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent(SIGTERM),  # noqa: PLW1509 -- one prctl call
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    def send_command(self, command: str, **arguments: Any) -> None:
        """Send a command; `read_result` waits for its result."""
        if self._process.stdin is None:
            raise RuntimeError("no pipe")
        self._process.stdin.write(json.dumps([command, arguments]) + "\n")
        self._process.stdin.flush()

    def read_result(self) -> Any:
        """Return the result of the last command. Raises RuntimeError when the process has ended."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("the generator has ended; what it wrote is above")
        return json.loads(line)

    def run_command(self, command: str, **arguments: Any) -> Any:
        """Send a command and return its result."""
        self.send_command(command, **arguments)
        return self.read_result()
