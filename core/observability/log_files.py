"""Handlers that write log lines. A full disk or a closed console never breaks the request that logs (R9)."""

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from concurrent_log_handler import ConcurrentRotatingFileHandler

from .throttle import Throttle

COMPLAIN_EVERY = 60.0
MODE = 0o640


class Quiet(logging.Handler):
    """Swallows what goes wrong while a record is written, and says so on stderr once a minute.

    Logging's own way prints the arguments of the record, secrets and all.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._complaints = Throttle(COMPLAIN_EVERY)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging's name
        if not self._complaints.allow():
            return
        error = sys.exc_info()[1]
        reason = error.strerror if isinstance(error, OSError) and error.strerror else ""
        cause = f"{type(error).__name__} {reason}".rstrip()
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"{self.place} cannot be written ({cause})\n")

    @property
    def place(self) -> str:
        return "The log"


class Console(Quiet, logging.StreamHandler):  # type: ignore[type-arg]
    """stderr, so that what a command prints on stdout stays as it is."""


class RotatingFile(Quiet, ConcurrentRotatingFileHandler):
    """A file that several processes write to and rotate, without losing or tearing a line (R9.5).

    A record is one write, taken back when only a part of it fits the disk. Every logger with a file has the console
    too, so what the file cannot take is still seen. The folder is made when it is missing, now or later.
    """

    def __init__(self, filename: str, **options: Any) -> None:
        super().__init__(filename, encoding="utf-8", chmod=MODE, **options)

    def _do_lock(self) -> None:
        if self.stream_lock is not None and not self.is_locked and self._lock_file_is_another():
            self.stream_lock.close()
            self.stream_lock = None
        if self.stream_lock is None:
            Path(self.lockFilename).parent.mkdir(parents=True, exist_ok=True)
        super()._do_lock()

    def _lock_file_is_another(self) -> bool:
        """Whether the lock file was deleted or replaced, so that new processes would wait for another one."""
        try:
            held = os.fstat(self.stream_lock.fileno()) if self.stream_lock else None
            return held is None or not os.path.samestat(held, Path(self.lockFilename).stat())
        except (OSError, ValueError):
            return True

    def do_write(self, msg: str) -> None:
        """Append `msg` whole or not at all; raises OSError. The caller holds the lock of all processes."""
        if self.stream is None or self.stream.closed:
            self.stream = self.do_open()
        file = self.stream.fileno()
        data = (msg + self.terminator).encode("utf-8", "backslashreplace")
        size = os.fstat(file).st_size
        try:
            written = os.write(file, data)
            if written < len(data):
                # The rest fails with the true reason, which a short write does not tell.
                written += os.write(file, data[written:])
            if written < len(data):
                raise OSError("only a part was written")
        except OSError:
            with suppress(OSError):
                os.ftruncate(file, size)
            self._close()
            raise

    @property
    def place(self) -> str:
        return f"{Path(self.baseFilename).name} (its lines are on the console)"
