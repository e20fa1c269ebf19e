"""Publishes events for the open tabs of all processes through the channel layer, after commit.

An event contains ids, never texts. Delivery is best effort; clients resync over HTTP.
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

# The only group of the layer: each process that has tabs is in it with one channel (core.sockets.layer_link).
TABS = "tabs"
# How long the layer may take for one batch: long enough for a busy process, since nothing waits for it.
SEND_SECONDS = 2.0
# The most queued events, and the most events of one batch.
MOST_WAITING = 1000
BATCH = 50

breaker = Breaker("The channel layer", rest=2.0, on_trip=metrics.count_redis_failure)
overflow = Breaker("The channel layer, which is too slow for all events,", rest=0.0)

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
        self.reset()

    def reset(self) -> None:
        """Restore the initial state: a forked process has neither the thread nor the loop."""
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

    def enqueue(self, message: Message) -> None:
        """Queue `message` for the layer. It is dropped when the queue is full, and while the layer is down."""
        with self._changed:
            if breaker.is_open:
                self._count_dropped(1)
            elif len(self._waiting) >= MOST_WAITING:
                self._count_dropped(1)
                overflow.trip(OverflowError())
            else:
                self._waiting.append(message)
                self._is_busy = True
            if self._running_on is None or self._running_on.is_closed():
                self._ensure_running()
            elif self._is_busy and self._pause is not None:
                self._running_on.call_soon_threadsafe(self._pause.set)

    def _count_dropped(self, number: int) -> None:
        self._has_lost = True
        metrics.events.labels("dropped").inc(number)

    def _ensure_running(self) -> None:
        try:
            self._start_on(self._serving or self._own_loop())
        except RuntimeError:  # it is closed: the server has ended
            self._serving = None
            self._start_on(self._own_loop())

    def _start_on(self, loop: asyncio.AbstractEventLoop) -> None:
        async def run() -> None:
            try:
                while (batch := self._next_batch()) is not None:
                    if not breaker.is_open:
                        await self._send_batch(batch)
                        continue
                    # Wait until it closes, or until a message is queued.
                    self._pause = asyncio.Event()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(breaker.rest):
                            await self._pause.wait()
                    self._pause = None
            finally:
                with self._changed:
                    self._running_on = None
                    self._is_busy = False
                    self._changed.notify_all()

        def start_task() -> None:
            self._task = loop.create_task(run())

        loop.call_soon_threadsafe(start_task)
        self._running_on = loop

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        if self._own is None:
            loop = self._own = asyncio.new_event_loop()

            def run_loop() -> None:
                try:
                    loop.run_forever()
                finally:
                    loop.close()

            Thread(target=run_loop, name="publisher", daemon=True).start()
        return self._own

    def _next_batch(self) -> list[Message] | None:
        """Return the next batch, with a notice first when events were lost; None when there is nothing to send."""
        with self._changed:
            if breaker.is_open and self._waiting:
                self._count_dropped(len(self._waiting))
                self._waiting.clear()
            batch: list[Message] = [{"lost": True}] if self._has_lost else []
            batch += [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if not batch:
                # Under the same lock as the check, so that the next message starts a task.
                self._running_on = None
            self._is_busy = bool(batch) and not breaker.is_open
            self._changed.notify_all()
            return batch or None

    async def _send_batch(self, batch: list[Message]) -> None:
        number = len(batch) - ("lost" in batch[0])
        try:
            layer = get_channel_layer()
            if layer is not None:
                async with asyncio.timeout(SEND_SECONDS):
                    await layer.group_send(TABS, {"type": "hub.events", "events": batch})
                metrics.events.labels("sent").inc(number)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the change itself is stored
            breaker.trip(error)
            self._count_dropped(number)
        else:
            if "lost" in batch[0]:
                self._has_lost = False

    def flush(self, seconds: float) -> bool:
        """Wait until the queue is empty; return False after `seconds`. Not to be called on the loop it runs on."""
        until = time.monotonic() + seconds
        with self._changed:
            while self._is_busy:
                if not self._changed.wait(until - time.monotonic()):
                    return False
        return True


publisher = Publisher()
os.register_at_fork(after_in_child=publisher.reset)
# Commands send their events before they end.
atexit.register(publisher.flush, 1.0)


# The longest text in an event: enough for a UUID or the name of a kind, not for a message.
LONGEST_VALUE = 64

EventValue = int | str | None


def member_topic(member_id: int) -> str:
    """Return the topic that every open tab of one member subscribes to."""
    return f"member.{member_id}"


def publish(topics: str | Sequence[str], event: Mapping[str, EventValue]) -> None:
    """Send `event` to the tabs that subscribe to any of `topics`, after commit. Never blocks.

    `event` contains a dotted `type` and ids. Raises TypeError for other kinds of values, and ValueError when the type
    is missing or a text is longer than an id, so that no text of members is sent this way. A tab that subscribes to
    several of the topics gets the event once. Delivery is best effort; clients resync over HTTP.
    """
    if not isinstance(event.get("type"), str):
        raise ValueError("an event needs a type")
    for key, value in event.items():
        if value is not None and not isinstance(value, int | str):
            raise TypeError(f"{key} is {type(value).__name__}; events carry ids only")
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            raise ValueError(f"{key} is too long; events carry ids only")
    addressed = [topics] if isinstance(topics, str) else list(topics)
    if not addressed:
        return
    message = {"topics": addressed, "event": dict(event)}
    transaction.on_commit(lambda: publisher.enqueue(message), robust=True)


def flush(seconds: float = 5.0) -> bool:
    """Wait until all events of this process were sent to the layer; return False when that takes too long.

    For tests, and for ending processes.
    """
    return publisher.flush(seconds)
