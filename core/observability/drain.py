"""Detects that this process is about to stop, after `manage.py drain` or SIGTERM, and closes its sockets."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

from django.conf import settings

# How long tabs may take to close before the server stops.
CLOSE_SECONDS = 3.0

_began = time.time()


def drain_file() -> Path | None:
    """Return the file that `manage.py drain` creates; None when the settings name none."""
    name = getattr(settings, "DRAIN_FILE", "")
    return Path(name) if name else None


class Drain:
    """Whether this process accepts new tabs; on SIGTERM it closes the open ones before the server stops."""

    def __init__(self) -> None:
        self._is_stopping = False
        self._is_installed = False

    @property
    def is_on(self) -> bool:
        """Whether this process refuses new tabs. A drain file older than the process was meant for an earlier one."""
        if self._is_stopping:
            return True
        path = drain_file()
        try:
            return path is not None and path.stat().st_mtime > _began
        except OSError:
            return False

    def close_on_sigterm(self, close_all: Callable[[], None], is_empty: Callable[[], bool]) -> None:
        """Let SIGTERM call `close_all`, wait until `is_empty` or CLOSE_SECONDS, and then run the previous handler.

        Has an effect once per process, and only in the main thread, which receives signals.
        """
        if self._is_installed or current_thread() is not main_thread():
            return
        self._is_installed = True
        loop = asyncio.get_running_loop()
        run_previous_handler = _sigterm_handler(loop)

        async def close_then_stop() -> None:
            close_all()
            until = time.monotonic() + CLOSE_SECONDS
            while not is_empty() and time.monotonic() < until:  # noqa: ASYNC110 -- once, at the end
                await asyncio.sleep(0.05)
            run_previous_handler()

        def start_closing() -> None:
            self._task = loop.create_task(close_then_stop())

        def handle_sigterm(*_: Any) -> None:
            if self._is_stopping or loop.is_closed():
                run_previous_handler()  # the second signal, or there are no tabs left
                return
            self._is_stopping = True
            loop.call_soon_threadsafe(start_closing)

        signal.signal(signal.SIGTERM, handle_sigterm)

    def reset(self) -> None:
        """Restore the initial state, for tests."""
        self._is_stopping = self._is_installed = False


def _sigterm_handler(loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    """Return a function that does what SIGTERM does at present."""
    # gunicorn registers its handler with the loop only.
    handle = getattr(loop, "_signal_handlers", {}).get(signal.SIGTERM)
    if handle is not None:
        run: Callable[[], None] = handle._run  # noqa: SLF001 -- as the loop itself does
        return run
    handler = signal.getsignal(signal.SIGTERM)

    def run_handler() -> None:
        frame: FrameType | None = None
        if callable(handler):
            handler(signal.SIGTERM, frame)
        else:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    return run_handler


drain = Drain()
