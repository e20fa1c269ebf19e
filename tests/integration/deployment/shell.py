"""The operator's shell: one bash, in which blocks of a page are run one after the other."""

import signal
import subprocess
import time
from pathlib import Path

from scripts.servers import die_with_parent

from .blocks import Block

DONE = "the block is done"


class BlockFailed(AssertionError):
    """A command of a block ended with a fault; the message holds all that the block said."""


class Shell:
    """Bash that ends at the first fault, as a careful operator does."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.seconds: dict[str, float] = {}
        self._process = subprocess.Popen(
            ["/bin/bash", "-euo", "pipefail"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 -- one prctl call, no locks
        )

    def run(self, block: Block) -> str:
        """Run the block unchanged; return its output. Raises BlockFailed."""
        started = time.monotonic()
        said = self.type(block.text, block.location)
        self.seconds[block.location] = time.monotonic() - started
        return said

    def type(self, text: str, name: str = "typed") -> str:
        """The same for any commands."""
        script, out = self.folder / f"{name}.sh", self.folder / f"{name}.out"
        script.write_text(text)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"source '{script}' </dev/null >'{out}' 2>&1\necho '{DONE}'\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        said = out.read_text() if out.is_file() else ""
        if answer.strip() != DONE:
            raise BlockFailed(f"{name} ended with {process.wait()}:\n{text}\n{said}")
        return said

    def leave(self) -> None:
        """End the shell. What it started in the background runs on."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
