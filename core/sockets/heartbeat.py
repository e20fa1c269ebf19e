"""Heartbeats of open connections, which also find ended sessions; and the periodic jobs that apps registered."""

import asyncio
import random
from collections.abc import Sequence
from time import monotonic

from core.database.thread_pool import in_database

from . import frames, handler_calls
from .connection import SIGNED_OUT, SocketConnection, Subscriptions
from .frames import TabState

# Seconds between two heartbeats of a connection: normally, and while the channel layer is down.
HEARTBEAT = 25.0
HEARTBEAT_ALONE = 5.0
TICK = 1.0
# Connections per database call, and how long the call may take before they get a bare heartbeat.
BATCH = 500
COLLECT_SECONDS = 5.0


class Heartbeat:
    """Sends heartbeats while the process has connections."""

    def __init__(self, hub: Subscriptions) -> None:
        self._hub = hub
        self._collecting: asyncio.Task[tuple[set[TabState], dict[TabState, str]]] | None = None

    async def run(self) -> None:
        """Send heartbeats until cancelled."""
        while True:
            now = monotonic()
            if not self._hub.is_up:
                for connection in self._hub.connections:
                    connection.due = min(connection.due, now + HEARTBEAT_ALONE)
            due = sorted(
                (connection for connection in self._hub.connections if connection.due <= now),
                key=lambda connection: connection.due,
            )
            for first in range(0, len(due), BATCH):
                await self._send_heartbeats(due[first : first + BATCH])
            await asyncio.sleep(TICK)

    async def _send_heartbeats(self, connections: Sequence[SocketConnection]) -> None:
        for connection in connections:
            connection.due = monotonic() + HEARTBEAT
        since = monotonic()
        if self._collecting is None:
            self._collecting = asyncio.create_task(in_database(handler_calls.collect_heartbeats, connections))
        collecting = self._collecting
        await asyncio.wait({collecting}, timeout=COLLECT_SECONDS)
        ended, heartbeats = set[TabState](), dict[TabState, str]()
        if collecting.done():
            self._collecting = None
            ended, heartbeats = collecting.result()
        if not all(connection in ended or connection in heartbeats for connection in connections):
            # The database takes too long, or the result is that of an earlier batch.
            ended, heartbeats = set(), dict.fromkeys(connections, handler_calls.BARE_HEARTBEAT)
        for connection in connections:
            if connection in ended:
                connection.close(SIGNED_OUT)
            else:
                connection.send_heartbeat(heartbeats[connection])
                self._hub.update_subscriptions(connection, since)


def first_heartbeat() -> float:
    """Return when a new connection's first heartbeat is due: a random moment, so that heartbeats are spread."""
    return monotonic() + random.uniform(HEARTBEAT_ALONE, HEARTBEAT)  # noqa: S311 -- no secret


async def repeat_periodic_job(seconds: float, job: frames.PeriodicJob) -> None:
    """Run `job` every `seconds` until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        await in_database(handler_calls.run_periodic_job, job)
