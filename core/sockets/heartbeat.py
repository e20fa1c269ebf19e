"""Heartbeats of open tabs, which also find ended sessions; and the periodic jobs that apps registered."""

import asyncio
import random
from collections.abc import Sequence
from time import monotonic

from core.database.thread_pool import in_database

from . import dispatch, frames
from .connection import SIGNED_OUT, SocketConnection, Subscriptions
from .frames import TabState

# Seconds between two heartbeats of a tab: normally, and while the channel layer is down.
HEARTBEAT = 25.0
HEARTBEAT_ALONE = 5.0
TICK = 1.0
# Tabs per database call, and how long the call may take before they get a bare heartbeat.
BATCH = 500
COLLECT_SECONDS = 5.0


class Heartbeat:
    """Sends heartbeats while the process has tabs."""

    def __init__(self, hub: Subscriptions) -> None:
        self._hub = hub
        self._collecting: asyncio.Task[tuple[set[TabState], dict[TabState, str]]] | None = None

    async def run(self) -> None:
        """Send heartbeats until cancelled."""
        while True:
            now = monotonic()
            if not self._hub.is_up:
                for tab in self._hub.tabs:
                    tab.due = min(tab.due, now + HEARTBEAT_ALONE)
            due = sorted((tab for tab in self._hub.tabs if tab.due <= now), key=lambda tab: tab.due)
            for first in range(0, len(due), BATCH):
                await self._send_heartbeats(due[first : first + BATCH])
            await asyncio.sleep(TICK)

    async def _send_heartbeats(self, tabs: Sequence[SocketConnection]) -> None:
        for tab in tabs:
            tab.due = monotonic() + HEARTBEAT
        since = monotonic()
        if self._collecting is None:
            self._collecting = asyncio.create_task(in_database(dispatch.collect_heartbeats, tabs))
        collecting = self._collecting
        await asyncio.wait({collecting}, timeout=COLLECT_SECONDS)
        ended, heartbeats = set[TabState](), dict[TabState, str]()
        if collecting.done():
            self._collecting = None
            ended, heartbeats = collecting.result()
        if not all(tab in ended or tab in heartbeats for tab in tabs):
            # The database takes too long, or the result is that of an earlier batch.
            ended, heartbeats = set(), dict.fromkeys(tabs, dispatch.BARE_HEARTBEAT)
        for tab in tabs:
            if tab in ended:
                tab.close(SIGNED_OUT)
            else:
                tab.send_heartbeat(heartbeats[tab])
                self._hub.update_subscriptions(tab, since)


def first_heartbeat() -> float:
    """Return when a new tab's first heartbeat is due: a random moment, so that heartbeats are spread."""
    return monotonic() + random.uniform(HEARTBEAT_ALONE, HEARTBEAT)  # noqa: S311 -- no secret


async def repeat_chore(seconds: float, chore: frames.Chore) -> None:
    """Run `chore` every `seconds` until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        await in_database(dispatch.run_chore, chore)
