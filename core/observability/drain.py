"""Knows when this process is about to stop: after `manage.py drain`, or SIGTERM."""

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

# How long tabs may take to go before the server is let stop.
PATIENCE = 3.0

_began = time.time()


def drain_file() -> Path | None:
    """Return the file with which `manage.py drain` asks to be relieved; None where the settings name none."""
    name = getattr(settings, "DRAIN_FILE", "")
    return Path(name) if name else None


class Drain:
    """Knows whether new tabs are wanted; on SIGTERM lets the open ones go before the server hears of it."""

    def __init__(self) -> None:
        self._is_stopping = False
        self._is_watching = False

    @property
    def is_on(self) -> bool:
        """Whether this process takes no more tabs. A drain file that is older than the process means another one."""
        if self._is_stopping:
            return True
        path = drain_file()
        try:
            return path is not None and path.stat().st_mtime > _began
        except OSError:
            return False

    def watch(self, close_all: Callable[[], None], is_empty: Callable[[], bool]) -> None:
        """From now on SIGTERM calls `close_all`, waits until `is_empty`, PATIENCE seconds at most, and only then
        does what the server meant it to do. Once for a process; not in a thread, where no signal comes."""
        if self._is_watching or current_thread() is not main_thread():
            return
        self._is_watching = True
        loop = asyncio.get_running_loop()
        proceed = _what_follows(loop)

        def stop(*_: Any) -> None:
            if self._is_stopping or loop.is_closed():
                proceed()  # asked twice, or nobody is left
                return
            self._is_stopping = True
            loop.call_soon_threadsafe(begin)

        def begin() -> None:
            self._task = loop.create_task(_let_go(close_all, is_empty, proceed))

        signal.signal(signal.SIGTERM, stop)

    def forget(self) -> None:
        """Begin anew: for tests."""
        self._is_stopping = self._is_watching = False


def _what_follows(loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    """What SIGTERM does so far."""
    # gunicorn's own way: a handler of the loop, which nothing but the loop knows.
    handle = getattr(loop, "_signal_handlers", {}).get(signal.SIGTERM)
    if handle is not None:
        run: Callable[[], None] = handle._run  # noqa: SLF001 -- as the loop itself does
        return run
    before = signal.getsignal(signal.SIGTERM)

    def proceed() -> None:
        frame: FrameType | None = None
        if callable(before):
            before(signal.SIGTERM, frame)
        else:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    return proceed


async def _let_go(
    close_all: Callable[[], None], is_empty: Callable[[], bool], proceed: Callable[[], None]
) -> None:
    close_all()
    until = time.monotonic() + PATIENCE
    while not is_empty() and time.monotonic() < until:  # noqa: ASYNC110 -- once, at the end
        await asyncio.sleep(0.05)
    proceed()


drain = Drain()
