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
# How many events may be queued, and how many are sent together.
MOST_WAITING = 1000
BATCH = 50

breaker = Breaker("The channel layer", rest=2.0, on_trip=metrics.redis_failed)
overflow = Breaker("The channel layer, which is too slow for all that is said,", rest=0.0)

Message = dict[str, Any]


class Publisher:
    """Takes events from any thread; one coroutine sends them to the layer in order, in batches when many are queued.

    It runs on the loop that serves this process's sockets, where there is one: the in-memory layer knows no other.
    Elsewhere it makes a loop in a separate thread, when first needed. Events that were lost are not kept: once
    the layer answers again, all clients are asked to resync.
    """

    def __init__(self) -> None:
        self._own: asyncio.AbstractEventLoop | None = None
        self._serving: asyncio.AbstractEventLoop | None = None
        self.begin()

    def begin(self) -> None:
        """Start empty: a forked process has neither the thread nor the loop."""
        self._waiting: deque[Message] = deque()
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

    def post(self, message: Message) -> None:
        """Queue `message` for the layer. It is dropped when the queue is full, and while the layer is down."""
        with self._changed:
            if breaker.is_open:
                self._lose(1)
            elif len(self._waiting) >= MOST_WAITING:
                self._lose(1)
                overflow.trip(OverflowError())
            else:
                self._waiting.append(message)
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

    def _next_batch(self) -> list[Message] | None:
        """The next batch, preceded by a notice when something was lost; None when nothing is left to do."""
        with self._changed:
            if breaker.is_open and self._waiting:
                self._lose(len(self._waiting))
                self._waiting.clear()
            batch: list[Message] = [{"lost": True}] if self._has_lost else []
            batch += [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if not batch:
                # Under the same lock as the check, so that the next post starts a task.
                self._running_on = None
            self._is_busy = bool(batch) and not breaker.is_open
            self._changed.notify_all()
            return batch or None

    async def _wait(self) -> None:
        """Wait until the breaker closes, or until there is something to send again."""
        self._pause = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(breaker.rest):
                await self._pause.wait()
        self._pause = None

    async def _send(self, batch: list[Message]) -> None:
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
# A command that published and ends at once: its events are still sent.
atexit.register(publisher.flush, 1.0)


# The longest text an event may carry: room for a UUID or a name of a kind, not for a message.
LONGEST_VALUE = 64

EventValue = int | str | None


def member_topic(member_id: int) -> str:
    """The group that every open tab of one member listens to."""
    return f"member.{member_id}"


def publish(topics: str | Sequence[str], event: Mapping[str, EventValue]) -> None:
    """Send `event` to the tabs that subscribe to any of `topics`, after commit. Never blocks.

    `event` holds a dotted `type` and ids. Raises TypeError for any other kind of value and ValueError when the
    type is missing or a text is longer than an id can be, so that no body ever travels this way. A tab that subscribes
    to several of the topics gets it once. Delivery is best effort; clients resync over HTTP.
    """
    if not isinstance(event.get("type"), str):
        raise ValueError("an event needs a type")
    for key, value in event.items():
        if value is not None and not isinstance(value, int | str):
            raise TypeError(f"{key} is {type(value).__name__}; events carry ids only")
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            raise ValueError(f"{key} is too long; events carry ids only")
    to = [topics] if isinstance(topics, str) else list(topics)
    if not to:
        return
    message = {"topics": to, "event": dict(event)}
    transaction.on_commit(lambda: publisher.post(message), robust=True)


def flush(seconds: float = 5.0) -> bool:
    """Wait until everything that this process published was sent to the layer; False when that took too long.

    For tests, and for a process that ends.
    """
    return publisher.flush(seconds)
