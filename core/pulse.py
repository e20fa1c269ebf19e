"""What the server does by itself for open tabs: the heartbeat, which also finds sessions that ended; and chores."""

import asyncio
import random
from collections.abc import Sequence
from time import monotonic
from typing import Protocol

from . import dispatch, frames
from .database import in_database
from .frames import Tab
from .tabs import SIGNED_OUT, OpenTab

# Seconds between two heartbeats of a tab; while hints do not travel, tabs are told more often.
HEARTBEAT = 25.0
HEARTBEAT_ALONE = 5.0
TICK = 1.0
# Tabs that are asked about together, and how long that may take before they hear a bare heartbeat.
TOGETHER = 500
PATIENCE = 5.0


class Board(Protocol):
    """What the pulse is for (core.switchboard)."""

    tabs: set[OpenTab]

    @property
    def is_up(self) -> bool:
        """Whether hints travel."""

    def regroup(self, tab: OpenTab, since: float) -> None:
        """Let `tab` hear what `tab.groups` says now."""


class Pulse:
    """Runs while the process has tabs."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._asking: asyncio.Task[tuple[set[Tab], dict[Tab, str]]] | None = None

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            now = monotonic()
            due = sorted((tab for tab in self._board.tabs if self._is_due(tab, now)), key=lambda tab: tab.due)
            for first in range(0, len(due), TOGETHER):
                await self._beat(due[first : first + TOGETHER])
            await asyncio.sleep(TICK)

    def _is_due(self, tab: OpenTab, now: float) -> bool:
        if not self._board.is_up:
            tab.due = min(tab.due, now + HEARTBEAT_ALONE)
        return tab.due <= now

    async def _beat(self, tabs: Sequence[OpenTab]) -> None:
        for tab in tabs:
            tab.due = monotonic() + HEARTBEAT
        since = monotonic()
        over, beats = await self._ask(tabs)
        for tab in tabs:
            if tab in over:
                tab.close(SIGNED_OUT)
            else:
                tab.beat(beats[tab])
                self._board.regroup(tab, since)

    async def _ask(self, tabs: Sequence[OpenTab]) -> tuple[set[Tab], dict[Tab, str]]:
        """What apps say of `tabs`; bare heartbeats when the database takes too long."""
        if self._asking is None:
            self._asking = asyncio.create_task(in_database(dispatch.beats, tabs))
        asking = self._asking
        await asyncio.wait({asking}, timeout=PATIENCE)
        if asking.done():
            self._asking = None
            over, beats = asking.result()
            if all(tab in over or tab in beats for tab in tabs):
                return over, beats
        return set(), dict.fromkeys(tabs, dispatch.BARE_BEAT)


def first_beat() -> float:
    """When a new tab's first heartbeat is due: tabs that came together do not stay together."""
    return monotonic() + random.uniform(HEARTBEAT_ALONE, HEARTBEAT)  # noqa: S311 -- no secret


async def repeat(seconds: float, chore: frames.Chore) -> None:
    """Do `chore` every so many seconds, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        await in_database(dispatch.chore, chore)
