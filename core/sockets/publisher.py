"""The one exit to sockets: after commit, events go to the channel layer for the open tabs of all processes.

An event only says "look": ids, never bodies. Delivery is best effort; clients resync over HTTP.
"""

import asyncio
import atexit
import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Condition, Thread
from typing import Any

from channels.layers import get_channel_layer
from django.db import transaction

from core.observability import metrics
from core.observability.breaker import Breaker

# The one group of the layer: each server process that has tabs is in it, with one channel (core.sockets.layer_link).
TABS = "tabs"
# How long the layer may take for one batch. Nobody waits for it, and a busy process may come to it late: only what
# takes much longer than that is a layer that does not answer.
SEND_SECONDS = 2.0
# How many hints may wait, and how many travel together.
MOST_WAITING = 1000
BATCH = 50

breaker = Breaker("The channel layer", rest=2.0, on_trip=metrics.redis_failed)
overflow = Breaker("The channel layer, which is too slow for all that is said,", rest=0.0)

Hint = dict[str, Any]


class Publisher:
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
        self._running_on: asyncio.AbstractEventLoop | None = None
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
            if self._running_on is None or self._running_on.is_closed():
                self._start()
            elif self._is_busy and self._pause is not None:
                self._running_on.call_soon_threadsafe(self._pause.set)

    def _lose(self, number: int) -> None:
        self._has_lost = True
        metrics.hints.labels("dropped").inc(number)

    def _start(self) -> None:
        try:
            self._start_on(self._serving or self._own_loop())
        except RuntimeError:  # it is closed: the server has ended
            self._serving = None
            self._start_on(self._own_loop())

    def _start_on(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon_threadsafe(self._start_task, loop)
        self._running_on = loop

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        if self._own is None:
            self._own = asyncio.new_event_loop()
            Thread(target=_run_loop, args=(self._own,), name="publisher", daemon=True).start()
        return self._own

    def _start_task(self, loop: asyncio.AbstractEventLoop) -> None:
        self._task = loop.create_task(self._run())

    async def _run(self) -> None:
        try:
            while (batch := self._next_batch()) is not None:
                if breaker.is_open:
                    await self._wait()
                else:
                    await self._send(batch)
        finally:
            self._rest()

    def _next_batch(self) -> list[Hint] | None:
        """What to bring next, a word that something was lost in front; None when nothing is left to do."""
        with self._changed:
            if breaker.is_open and self._waiting:
                self._lose(len(self._waiting))
                self._waiting.clear()
            batch: list[Hint] = [{"lost": True}] if self._has_lost else []
            batch += [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if not batch:
                # Under the same lock as the look, so that who posts next starts anew.
                self._running_on = None
            self._is_busy = bool(batch) and not breaker.is_open
            self._changed.notify_all()
            return batch or None

    async def _wait(self) -> None:
        """Rest as long as the breaker does, or until there is something to bring again."""
        self._pause = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(breaker.rest):
                await self._pause.wait()
        self._pause = None

    async def _send(self, batch: list[Hint]) -> None:
        number = len(batch) - ("lost" in batch[0])
        try:
            layer = get_channel_layer()
            if layer is not None:
                async with asyncio.timeout(SEND_SECONDS):
                    await layer.group_send(TABS, {"type": "hub.events", "events": batch})
                metrics.hints.labels("sent").inc(number)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the change itself is stored
            breaker.trip(error)
            self._lose(number)
        else:
            if "lost" in batch[0]:
                self._has_lost = False

    def _rest(self) -> None:
        with self._changed:
            self._running_on = None
            self._is_busy = False
            self._changed.notify_all()

    def flush(self, seconds: float) -> bool:
        """Wait until nothing waits; False when that takes longer than `seconds`. Not from the loop it runs on."""
        until = time.monotonic() + seconds
        with self._changed:
            while self._is_busy:
                if not self._changed.wait(until - time.monotonic()):
                    return False
        return True


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


publisher = Publisher()
os.register_at_fork(after_in_child=publisher.begin)
# A command that published and ends at once: what it said is still brought.
atexit.register(publisher.flush, 1.0)


# The longest text an event may carry: room for a UUID or a name of a kind, not for a message.
LONGEST_VALUE = 64

EventValue = int | str | None


def member_group(member_id: int) -> str:
    """The group that every open tab of one member listens to."""
    return f"member.{member_id}"


def publish(groups: str | Sequence[str], event: Mapping[str, EventValue]) -> None:
    """Tell the tabs that listen to any of `groups`, after commit, that something happened. Never waits for anybody.

    `event` holds a dotted `type` and ids. Raises TypeError for any other kind of value and ValueError when the
    type is missing or a text is longer than an id can be, so that no body ever travels this way. A tab that is in
    several of the groups hears it once. What is lost on the way is found by the tabs themselves when they ask.
    """
    if not isinstance(event.get("type"), str):
        raise ValueError("an event needs a type")
    for key, value in event.items():
        if value is not None and not isinstance(value, int | str):
            raise TypeError(f"{key} is {type(value).__name__}; events carry ids only")
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            raise ValueError(f"{key} is too long; events carry ids only")
    to = [groups] if isinstance(groups, str) else list(groups)
    if not to:
        return
    hint = {"groups": to, "event": dict(event)}
    transaction.on_commit(lambda: publisher.post(hint), robust=True)


def flush(seconds: float = 5.0) -> bool:
    """Wait until the layer has been given all that this process has published; False when that took too long.

    For tests, and for a process that ends.
    """
    return publisher.flush(seconds)
