"""Log handlers. A full disk or a closed console never breaks the request that logs (R9)."""

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from concurrent_log_handler import ConcurrentRotatingFileHandler

from .throttle import Throttle

REPORT_SECONDS = 60.0
MODE = 0o640


class QuietHandler(logging.Handler):
    """Suppresses errors while a record is written, and reports them on stderr once a minute.

    The default of `logging` prints the arguments of the record, which may contain secrets.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._reports = Throttle(REPORT_SECONDS)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging's name
        if not self._reports.allow():
            return
        error = sys.exc_info()[1]
        reason = error.strerror if isinstance(error, OSError) and error.strerror else ""
        cause = f"{type(error).__name__} {reason}".rstrip()
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"{self.target_name} cannot be written ({cause})\n")

    @property
    def target_name(self) -> str:
        return "The log"


class Console(QuietHandler, logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to stderr, so that the output of commands on stdout is not mixed with log lines."""


class RotatingFile(QuietHandler, ConcurrentRotatingFileHandler):
    """A file that several processes write to and rotate, without losing or splitting a line (R9.5).

    A record is one write, which is undone when only a part of it fits on the disk. Every logger with a file also uses
    the console, where lines appear that the file cannot store. A missing folder is created, now or later.
    """

    def __init__(self, filename: str, **options: Any) -> None:
        super().__init__(filename, encoding="utf-8", chmod=MODE, **options)

    def _do_lock(self) -> None:
        if self.stream_lock is not None and not self.is_locked:
            # New processes would use another lock file if this one was deleted or replaced.
            try:
                held = os.fstat(self.stream_lock.fileno())
                is_current = os.path.samestat(held, Path(self.lockFilename).stat())
            except (OSError, ValueError):
                is_current = False
            if not is_current:
                self.stream_lock.close()
                self.stream_lock = None
        if self.stream_lock is None:
            Path(self.lockFilename).parent.mkdir(parents=True, exist_ok=True)
        super()._do_lock()

    def do_write(self, msg: str) -> None:
        """Append all of `msg` or nothing; raises OSError. The caller holds the lock of all processes."""
        if self.stream is None or self.stream.closed:
            self.stream = self.do_open()
        file = self.stream.fileno()
        data = (msg + self.terminator).encode("utf-8", "backslashreplace")
        size = os.fstat(file).st_size
        try:
            length = os.write(file, data)
            if length < len(data):
                # Writing the rest raises the true reason, which a short write does not.
                length += os.write(file, data[length:])
            if length < len(data):
                raise OSError("only a part was written")
        except OSError:
            with suppress(OSError):
                os.ftruncate(file, size)
            self._close()
            raise

    @property
    def target_name(self) -> str:
        return f"{Path(self.baseFilename).name} (its lines are on the console)"
