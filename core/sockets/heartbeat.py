"""Heartbeats of open tabs, which also find sessions that ended; and the periodic jobs that apps registered."""

import asyncio
import random
from collections.abc import Sequence
from time import monotonic

from core.database.thread_pool import in_database

from . import dispatch, frames
from .connection import SIGNED_OUT, SocketConnection, Subscriptions
from .frames import TabState

# Seconds between two heartbeats of a tab; more often while events do not arrive.
HEARTBEAT = 25.0
HEARTBEAT_ALONE = 5.0
TICK = 1.0
# Tabs that are asked about together, and how long that may take before they hear a bare heartbeat.
TOGETHER = 500
PATIENCE = 5.0


class Heartbeat:
    """Runs while the process has tabs."""

    def __init__(self, hub: Subscriptions) -> None:
        self._hub = hub
        self._asking: asyncio.Task[tuple[set[TabState], dict[TabState, str]]] | None = None

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            now = monotonic()
            due = sorted((tab for tab in self._hub.tabs if self._is_due(tab, now)), key=lambda tab: tab.due)
            for first in range(0, len(due), TOGETHER):
                await self._beat(due[first : first + TOGETHER])
            await asyncio.sleep(TICK)

    def _is_due(self, tab: SocketConnection, now: float) -> bool:
        if not self._hub.is_up:
            tab.due = min(tab.due, now + HEARTBEAT_ALONE)
        return tab.due <= now

    async def _beat(self, tabs: Sequence[SocketConnection]) -> None:
        for tab in tabs:
            tab.due = monotonic() + HEARTBEAT
        since = monotonic()
        over, heartbeats = await self._ask(tabs)
        for tab in tabs:
            if tab in over:
                tab.close(SIGNED_OUT)
            else:
                tab.send_heartbeat(heartbeats[tab])
                self._hub.update_subscriptions(tab, since)

    async def _ask(self, tabs: Sequence[SocketConnection]) -> tuple[set[TabState], dict[TabState, str]]:
        """What apps say of `tabs`; bare heartbeats when the database takes too long."""
        if self._asking is None:
            self._asking = asyncio.create_task(in_database(dispatch.heartbeats, tabs))
        asking = self._asking
        await asyncio.wait({asking}, timeout=PATIENCE)
        if asking.done():
            self._asking = None
            over, heartbeats = asking.result()
            if all(tab in over or tab in heartbeats for tab in tabs):
                return over, heartbeats
        return set(), dict.fromkeys(tabs, dispatch.BARE_HEARTBEAT)


def first_heartbeat() -> float:
    """When a new tab's first heartbeat is due: tabs that came together do not stay together."""
    return monotonic() + random.uniform(HEARTBEAT_ALONE, HEARTBEAT)  # noqa: S311 -- no secret


async def repeat(seconds: float, chore: frames.Chore) -> None:
    """Do `chore` every so many seconds, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        await in_database(dispatch.chore, chore)
