"""Connects this process to the channel layer: one channel in one group, rebuilt after an outage of Redis."""

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

# A probe is sent to the group and must come back: a group that lost this channel reports no error.
PROBE_EVERY = 2.0
PROBE_SECONDS = 3.0
# How long one call of the layer may take.
CALL_SECONDS = 1.0
# After this many failed probes everything is rebuilt, since a connection may be half open.
TRIES = 4
PAUSE = 0.5
# The core layer removes channels from the group that have not joined again for a day.
JOIN_EVERY = 600.0

breaker = Breaker("The channel layer, for sockets,", rest=0.0, on_trip=metrics.count_redis_failure)


class _Once(logging.Filter):
    """Replaces the trace that the pub/sub layer logs each second of an outage by one line a minute."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        breaker.trip(error or ConnectionError())
        return False


logging.getLogger("channels_redis.pubsub").addFilter(_Once())


class LayerLink:
    """Receives the messages of the group.

    `on_message(message)` must be quick; `on_reconnect()` is called when messages arrive again.
    """

    def __init__(
        self, on_message: Callable[[Mapping[str, Any]], None], on_reconnect: Callable[[], None]
    ) -> None:
        self._on_message = on_message
        self._on_reconnect = on_reconnect
        self._layer: Any = None
        self._channel = ""
        self._numbers = count(1)
        self._probe = 0
        self._returned = asyncio.Event()
        self._joined_at = 0.0
        self.is_up = False

    async def run(self) -> None:
        """Receive messages until cancelled."""
        self._layer = get_channel_layer()
        if self._layer is None:
            # Without a layer there are no messages, and heartbeats are more frequent.
            await asyncio.Event().wait()
        while True:
            receiver: asyncio.Task[None] | None = None
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    self._channel = await self._layer.new_channel()
                receiver = asyncio.create_task(self._receive_messages())
                await self._keep_probing()
            except Exception as error:  # noqa: BLE001 -- whatever it is, the layer does not work
                breaker.trip(error)
            finally:
                self.is_up = False
                with suppress(Exception):
                    async with asyncio.timeout(CALL_SECONDS):
                        await self._layer.group_discard(TABS, self._channel)
                if receiver is not None:
                    receiver.cancel()
                    await asyncio.wait({receiver}, timeout=CALL_SECONDS)
            # The `flush` of the pub/sub layer only closes the connections of this process.
            if type(self._layer).__name__ == "RedisPubSubChannelLayer":
                with suppress(Exception):
                    async with asyncio.timeout(CALL_SECONDS):
                        await self._layer.flush()
            await asyncio.sleep(PAUSE)

    async def _keep_probing(self) -> None:
        """Send probes; return after TRIES failures."""
        failures = 0
        while failures < TRIES:
            try:
                await self._send_probe()
            except Exception as error:  # noqa: BLE001 -- as above
                breaker.trip(error)
                self.is_up = False
                failures += 1
                await asyncio.sleep(PAUSE)
                continue
            failures = 0
            if not self.is_up:
                self.is_up = True
                self._on_reconnect()
            await asyncio.sleep(PROBE_EVERY)

    async def _send_probe(self) -> None:
        """Send a probe and wait for it; raises when it does not return."""
        self._returned.clear()
        self._probe = next(self._numbers)
        async with asyncio.timeout(CALL_SECONDS):
            if not self.is_up:
                # The pub/sub layer may believe that it is still in the group.
                with suppress(Exception):
                    await self._layer.group_discard(TABS, self._channel)
            if not self.is_up or monotonic() - self._joined_at > JOIN_EVERY:
                await self._layer.group_add(TABS, self._channel)
                self._joined_at = monotonic()
            probe = {"type": "hub.probe", "channel": self._channel, "number": self._probe}
            await self._layer.group_send(TABS, probe)
        async with asyncio.timeout(PROBE_SECONDS):
            await self._returned.wait()

    async def _receive_messages(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self._channel)
            except Exception as error:  # noqa: BLE001 -- as above
                breaker.trip(error)
                await asyncio.sleep(PAUSE)
                continue
            if message.get("type") != "hub.probe":
                self._on_message(message)
            elif (message.get("channel"), message.get("number")) == (self._channel, self._probe):
                self._returned.set()
