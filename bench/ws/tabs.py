"""Tabs of members, who do what the page does: watch a conversation, say what has arrived, catch up, come back."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from .wire import Socket, ask, headers_of

# How many sockets are being opened at a time.
OPENING = 40
# As in core/static/core/js/socket.js.
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0


@dataclass
class Place:
    """Where the servers are, and what tabs do."""

    daphne: list[int]
    gunicorn: int
    cookies: Mapping[str, str]
    receipt: str = "delivered"
    shows_list: bool = False


@dataclass
class Log:
    """What came to all tabs. `received`: number, conversation, seq, moment; numbers stand in the texts."""

    received: list[tuple[int, int, int, float]] = field(default_factory=list)
    # Entries that were there already, that came in another order, and that were fetched for want of a hint.
    repeated: int = 0
    disordered: int = 0
    fetched: int = 0
    frames: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    refused: int = 0


class BrowserTab:
    """One tab. With a conversation it watches it; it has everything up to `have`."""

    def __init__(self, place: Place, log: Log, who: Mapping[str, Any], port: int) -> None:
        self.place, self.log, self.port = place, log, port
        self.member: int = who["member"]
        self.conversation: int = who.get("watched", 0)
        self.have: int = who.get("have", 0)
        self.newest = self.have
        self.headers = headers_of(who["session"], names=place.cookies)
        self.socket: Socket | None = None
        self.synced_at: float | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the socket and say what the page shows; OSError or TimeoutError when it cannot be."""
        self.socket = await Socket.open(self.port, self.headers, self._heard, self._gone)
        self.socket.send({"type": "visible", "visible": True})
        if self.place.shows_list:
            self.socket.send({"type": "messaging.list", "shown": True})
        if self.conversation:
            self.socket.send({"type": "messaging.watch", "conversation": self.conversation, "seq": self.have})

    async def come_back(self) -> int:
        """Open it again as often as it takes, with the page's own delays; returns the failures."""
        failures = 1
        while True:
            longest = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (failures - 1))
            await asyncio.sleep(longest * (0.5 + random.random() / 2))  # noqa: S311 -- no secret
            try:
                await self.open()
            except (OSError, TimeoutError):
                failures += 1
            else:
                return failures - 1

    def _gone(self, code: int) -> None:
        self.log.closed[str(code)] += 1
        self.socket = None

    def _heard(self, said: bytes) -> None:
        at = monotonic()
        kind = said[9 : said.index(b'"', 9)].decode()
        self.log.frames[kind] += 1
        if kind == "messaging.entries":
            self._take(json.loads(said), at)
        elif kind == "messaging.cursors":
            if self.synced_at is None and self.have >= self.newest:
                self.synced_at = at
        elif kind == "ping" and self.socket:
            self.socket.send({"type": "pong", "n": json.loads(said)["n"]})
        elif kind == "error":
            self.log.closed[json.loads(said)["reason"]] += 1
        elif kind == "lagged" or (kind == "heartbeat" and self._lacks(said)):
            self._fetch()

    def _lacks(self, heartbeat: bytes) -> bool:
        newest: int = json.loads(heartbeat).get("messaging", {}).get("newest", 0) if self.conversation else 0
        return newest > self.have

    def _take(self, told: Mapping[str, Any], at: float) -> None:
        entries = told["entries"]
        if entries and entries[0]["seq"] > self.have + 1:
            self._fetch()
            return
        numbers = [entry["seq"] for entry in entries]
        self.log.disordered += numbers != sorted(numbers)
        for entry in entries:
            if entry["seq"] <= self.have:
                self.log.repeated += 1
                continue
            self.have = entry["seq"]
            if entry["author"] != self.member:
                number = int(entry["text"].rpartition(" ")[2]) if entry["text"][-1:].isdigit() else -1
                self.log.received.append((number, self.conversation, entry["seq"], at))
        if self.socket and self.place.receipt:
            kind = f"messaging.{self.place.receipt}"
            self.socket.send({"type": kind, "conversation": self.conversation, "seq": self.have})
        if told["more"]:
            self._fetch()

    def _fetch(self) -> None:
        if self._fetching is None:
            self._fetching = asyncio.get_running_loop().create_task(self._catch_up())

    async def _catch_up(self) -> None:
        path = f"/messages/{self.conversation}/since/{self.have}/"
        try:
            status, body = await ask(self.place.gunicorn, path, self.headers)
        except (OSError, TimeoutError):
            return
        finally:
            self._fetching = None
        if status == 200:
            before = len(self.log.received)
            self._take(json.loads(body), monotonic())
            self.log.fetched += len(self.log.received) - before


class Tabs:
    """All tabs of this process."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.log = Log()
        self.tabs: list[BrowserTab] = []

    async def open(self, people: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Open a tab for each of `people`, the servers in turns; returns how many there are, and the seconds."""
        started = monotonic()
        ports = self.place.daphne
        new = [
            BrowserTab(self.place, self.log, who, ports[number % len(ports)])
            for number, who in enumerate(people)
        ]
        room = asyncio.Semaphore(OPENING)

        async def open_one(tab: BrowserTab) -> None:
            async with room:
                try:
                    await tab.open()
                except (OSError, TimeoutError):
                    self.log.refused += 1

        await asyncio.gather(*(open_one(tab) for tab in new))
        self.tabs += new
        return {"open": self.count(), "seconds": monotonic() - started}

    def count(self) -> int:
        """How many are open now."""
        return sum(tab.socket is not None for tab in self.tabs)

    async def received(self, count: int, seconds: float) -> None:
        """Wait until `count` messages have come, or so many seconds."""
        until = monotonic() + seconds
        while len(self.log.received) < count and monotonic() < until:  # noqa: ASYNC110 -- see below
            await asyncio.sleep(0.1)  # a coarse look costs less than an event for each message

    def take_log(self) -> dict[str, Any]:
        """What came since it was taken the last time."""
        log, self.log = self.log, Log()
        for tab in self.tabs:
            tab.log = self.log
        return {**vars(log), "open": self.count()}

    async def storm(self, behind: int, seconds: float) -> dict[str, Any]:
        """Drop all sockets at once; each comes back and asks for the `behind` entries that it misses."""
        for tab in self.tabs:
            tab.newest = tab.have
            tab.have = max(0, tab.have - behind)
            tab.synced_at = None
            if tab.socket:
                tab.socket.abort()
                tab.socket = None
        started = monotonic()
        back = [asyncio.create_task(tab.come_back()) for tab in self.tabs]
        done, missing = await asyncio.wait(back, timeout=seconds)
        while any(tab.synced_at is None for tab in self.tabs) and monotonic() < started + seconds:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        for task in missing:
            task.cancel()
        synced = sorted(tab.synced_at - started for tab in self.tabs if tab.synced_at is not None)
        failures = sum(task.result() for task in done)
        return {"synced": synced, "tabs": len(self.tabs), "open": self.count(), "failures": failures}

    async def close(self) -> None:
        """Leave all, and let the servers see it."""
        for tab in self.tabs:
            if tab.socket:
                tab.socket.abort()
        self.tabs = []
        await asyncio.sleep(1)
