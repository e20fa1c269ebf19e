"""Carries hints to the channel layer, off the request's path (core.realtime.publish says what may be one)."""

import asyncio
import atexit
import os
import time
from collections import deque
from contextlib import suppress
from threading import Condition, Thread
from typing import Any

from channels.layers import get_channel_layer

from . import metrics
from .breaker import Breaker

# The one group of the layer: each server process that has tabs is in it, with one channel (core.layer_link).
TABS = "tabs"
# How long the layer may take for one load. Nobody waits for it, and a busy process may come to it late: only what takes
# much longer than that is a layer that does not answer.
SEND_SECONDS = 2.0
# How many hints may wait, and how many travel together.
MOST_WAITING = 1000
LOAD = 50

breaker = Breaker("The channel layer", rest=2.0, on_trip=metrics.redis_failed)
overflow = Breaker("The channel layer, which is too slow for all that is said,", rest=0.0)

Hint = dict[str, Any]


class Courier:
    """Takes hints from any thread; one coroutine brings them to the layer in order, several at once when many wait.

    It runs on the loop that serves this process's sockets, where there is one: the in-memory layer knows no other.
    Elsewhere it has a loop in a thread of its own, made when first needed. Hints that were lost are not kept: once
    the layer answers again, all tabs are told to look for themselves.
    """

    def __init__(self) -> None:
        self._own: asyncio.AbstractEventLoop | None = None
        self._serving: asyncio.AbstractEventLoop | None = None
        self.begin()

    def begin(self) -> None:
        """Begin anew: no thread and no loop comes along into a forked process."""
        self._waiting: deque[Hint] = deque()
        self._changed = Condition()
        self._carrying_on: asyncio.AbstractEventLoop | None = None
        self._is_busy = False
        self._has_lost = False
        self._pause: asyncio.Event | None = None
        self._own = self._serving = None
        self._task: asyncio.Task[None] | None = None

    def serve_on(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """From now on use `loop`, which serves sockets; None when it no longer does."""
        self._serving = loop

    def post(self, hint: Hint) -> None:
        """Have `hint` brought to the layer. What does not fit is dropped, and so is all while the layer is down."""
        with self._changed:
            if breaker.is_open:
                self._lose(1)
            elif len(self._waiting) >= MOST_WAITING:
                self._lose(1)
                overflow.trip(OverflowError())
            else:
                self._waiting.append(hint)
                self._is_busy = True
            if self._carrying_on is None or self._carrying_on.is_closed():
                self._start()
            elif self._is_busy and self._pause is not None:
                self._carrying_on.call_soon_threadsafe(self._pause.set)

    def _lose(self, number: int) -> None:
        self._has_lost = True
        metrics.hints.labels("dropped").inc(number)

    def _start(self) -> None:
        try:
            self._start_on(self._serving or self._loop_of_our_own())
        except RuntimeError:  # it is closed: the server has ended
            self._serving = None
            self._start_on(self._loop_of_our_own())

    def _start_on(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon_threadsafe(self._carry_on, loop)
        self._carrying_on = loop

    def _loop_of_our_own(self) -> asyncio.AbstractEventLoop:
        if self._own is None:
            self._own = asyncio.new_event_loop()
            Thread(target=_run, args=(self._own,), name="courier", daemon=True).start()
        return self._own

    def _carry_on(self, loop: asyncio.AbstractEventLoop) -> None:
        self._task = loop.create_task(self._carry())

    async def _carry(self) -> None:
        try:
            while (load := self._next_load()) is not None:
                if breaker.is_open:
                    await self._wait()
                else:
                    await self._bring(load)
        finally:
            self._rest()

    def _next_load(self) -> list[Hint] | None:
        """What to bring next, a word that something was lost in front; None when nothing is left to do."""
        with self._changed:
            if breaker.is_open and self._waiting:
                self._lose(len(self._waiting))
                self._waiting.clear()
            load: list[Hint] = [{"lost": True}] if self._has_lost else []
            load += [self._waiting.popleft() for _ in range(min(LOAD, len(self._waiting)))]
            if not load:
                # Under the same lock as the look, so that who posts next starts anew.
                self._carrying_on = None
            self._is_busy = bool(load) and not breaker.is_open
            self._changed.notify_all()
            return load or None

    async def _wait(self) -> None:
        """Rest as long as the breaker does, or until there is something to bring again."""
        self._pause = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(breaker.rest):
                await self._pause.wait()
        self._pause = None

    async def _bring(self, load: list[Hint]) -> None:
        number = len(load) - ("lost" in load[0])
        try:
            layer = get_channel_layer()
            if layer is not None:
                async with asyncio.timeout(SEND_SECONDS):
                    await layer.group_send(TABS, {"type": "switchboard.events", "events": load})
                metrics.hints.labels("sent").inc(number)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the change itself is stored
            breaker.trip(error)
            self._lose(number)
        else:
            if "lost" in load[0]:
                self._has_lost = False

    def _rest(self) -> None:
        with self._changed:
            self._carrying_on = None
            self._is_busy = False
            self._changed.notify_all()

    def settle(self, seconds: float) -> bool:
        """Wait until nothing waits; False when that takes longer than `seconds`. Not from the loop it runs on."""
        until = time.monotonic() + seconds
        with self._changed:
            while self._is_busy:
                if not self._changed.wait(until - time.monotonic()):
                    return False
        return True


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


courier = Courier()
os.register_at_fork(after_in_child=courier.begin)
# A command that published and ends at once: what it said is still brought.
atexit.register(courier.settle, 1.0)
