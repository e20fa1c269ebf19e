"""Connects this process to the channel layer: one channel in one group, rebuilt when Redis was away."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import Any

from channels.layers import get_channel_layer

from core.observability import metrics
from core.observability.breaker import Breaker

from .publisher import TABS

# A probe goes through the group and must come back: a group that forgot this channel says nothing by itself.
PROBE_EVERY = 2.0
PROBE_PATIENCE = 3.0
# How long one question to the layer may take.
ASK_SECONDS = 1.0
# After so many probes in vain everything is made anew, also what seems to work: a connection may be half dead.
TRIES = 4
PAUSE = 0.5
# The core layer drops from the group, after a day, who has not joined again.
JOIN_EVERY = 600.0

breaker = Breaker("The channel layer, for sockets,", rest=0.0, on_trip=metrics.redis_failed)


class _Once(logging.Filter):
    """The pub/sub layer logs a trace each second while Redis is away; ours says it once a minute."""

    def filter(self, record: logging.LogRecord) -> bool:
        fault = record.exc_info[1] if record.exc_info else None
        breaker.trip(fault or ConnectionError())
        return False


logging.getLogger("channels_redis.pubsub").addFilter(_Once())


class LayerLink:
    """Hears what is said in the group. `hear(message)` must be quick; `back()` is called when it hears again."""

    def __init__(self, hear: Callable[[Mapping[str, Any]], None], back: Callable[[], None]) -> None:
        self._hear = hear
        self._back = back
        self._layer: Any = None
        self._channel = ""
        self._numbers = count(1)
        self._probe = 0
        self._returned = asyncio.Event()
        self._joined_at = 0.0
        self.is_up = False

    async def run(self) -> None:
        """Hear until cancelled."""
        self._layer = get_channel_layer()
        if self._layer is None:
            # Without a layer there is nothing to hear, and the heartbeat is more frequent.
            await asyncio.Event().wait()
        while True:
            receiver: asyncio.Task[None] | None = None
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    self._channel = await self._layer.new_channel()
                receiver = asyncio.create_task(self._receive())
                await self._keep()
            except Exception as error:  # noqa: BLE001 -- whatever it is, the layer does not work
                breaker.trip(error)
            finally:
                self.is_up = False
                await self._leave(receiver)
            await self._forget_connections()
            await asyncio.sleep(PAUSE)

    async def _keep(self) -> None:
        """Probe again and again; returns when it stays in vain."""
        failures = 0
        while failures < TRIES:
            try:
                await self._ask()
            except Exception as error:  # noqa: BLE001 -- as above
                breaker.trip(error)
                self.is_up = False
                failures += 1
                await asyncio.sleep(PAUSE)
                continue
            failures = 0
            if not self.is_up:
                self.is_up = True
                self._back()
            await asyncio.sleep(PROBE_EVERY)

    async def _ask(self) -> None:
        """Send a probe and wait for it; raises when it does not come back."""
        self._returned.clear()
        self._probe = next(self._numbers)
        async with asyncio.timeout(ASK_SECONDS):
            if not self.is_up or monotonic() - self._joined_at > JOIN_EVERY:
                await self._join()
            probe = {"type": "hub.probe", "channel": self._channel, "number": self._probe}
            await self._layer.group_send(TABS, probe)
        async with asyncio.timeout(PROBE_PATIENCE):
            await self._returned.wait()

    async def _join(self) -> None:
        if not self.is_up:
            # The pub/sub layer believes that it is in a group still.
            with suppress(Exception):
                await self._layer.group_discard(TABS, self._channel)
        await self._layer.group_add(TABS, self._channel)
        self._joined_at = monotonic()

    async def _receive(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self._channel)
            except Exception as error:  # noqa: BLE001 -- as above
                breaker.trip(error)
                await asyncio.sleep(PAUSE)
                continue
            self._take(message)

    def _take(self, message: Mapping[str, Any]) -> None:
        if message.get("type") != "hub.probe":
            self._hear(message)
        elif (message.get("channel"), message.get("number")) == (self._channel, self._probe):
            self._returned.set()

    async def _leave(self, receiver: asyncio.Task[None] | None) -> None:
        with suppress(Exception):
            async with asyncio.timeout(ASK_SECONDS):
                await self._layer.group_discard(TABS, self._channel)
        if receiver is not None:
            receiver.cancel()
            await asyncio.wait({receiver}, timeout=ASK_SECONDS)

    async def _forget_connections(self) -> None:
        """Of the pub/sub layer: its `flush` closes this process's own, and nothing else."""
        if type(self._layer).__name__ == "RedisPubSubChannelLayer":
            with suppress(Exception):
                async with asyncio.timeout(ASK_SECONDS):
                    await self._layer.flush()
