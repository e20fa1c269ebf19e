"""The other end of bench.ws.generator."""

import json
import subprocess
import sys
from signal import SIGTERM
from types import TracebackType
from typing import Any, Self

from scripts.programs import ROOT
from scripts.servers import die_with_parent


class Remote:
    """A generator in a separate process."""

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

    def begin(self, order: str, **arguments: Any) -> None:
        """Give an order; `end` waits for the answer."""
        if self._process.stdin is None:
            raise RuntimeError("no pipe")
        self._process.stdin.write(json.dumps([order, arguments]) + "\n")
        self._process.stdin.flush()

    def end(self) -> Any:
        """The answer to the order given before. RuntimeError when the process has ended."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("the generator has ended; what it wrote is above")
        return json.loads(line)

    def do(self, order: str, **arguments: Any) -> Any:
        """Give an order and wait for its answer."""
        self.begin(order, **arguments)
        return self.end()
