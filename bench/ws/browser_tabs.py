"""Simulated tabs that do what the page does: watch a conversation, send receipts, catch up, reconnect."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from .clients import Socket, browser_headers, send_request

# Most sockets that are opened at the same time.
MAX_OPENING = 40
# As in core/static/core/js/socket.js.
FIRST_DELAY, MAX_DELAY = 0.5, 30.0


@dataclass
class TabSettings:
    """The ports of the servers, and options of the tabs."""

    daphne: list[int]
    gunicorn: int
    cookies: Mapping[str, str]
    receipt: str = "delivered"
    shows_list: bool = False


@dataclass
class TabLog:
    """What all tabs received. `received`: number (from the text), conversation, seq, time."""

    received: list[tuple[int, int, int, float]] = field(default_factory=list)
    # Entries that a tab already had, that came out of order, and that were fetched because no event came.
    repeated: int = 0
    disordered: int = 0
    fetched: int = 0
    frames: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    refused: int = 0


class BrowserTab:
    """A tab. It watches its conversation if it has one, and has the entries up to `have`."""

    def __init__(self, settings: TabSettings, log: TabLog, member: Mapping[str, Any], port: int) -> None:
        self.settings, self.log, self.port = settings, log, port
        self.member: int = member["member"]
        self.conversation: int = member.get("watched", 0)
        self.have: int = member.get("have", 0)
        self.newest = self.have
        self.headers = browser_headers(member["session"], names=settings.cookies)
        self.socket: Socket | None = None
        self.synced_at: float | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the socket and send what the page shows. Raises OSError or TimeoutError."""
        self.socket = await Socket.open(self.port, self.headers, self._on_text, self._on_close)
        self.socket.send({"type": "visible", "visible": True})
        if self.settings.shows_list:
            self.socket.send({"type": "messaging.list", "shown": True})
        if self.conversation:
            self.socket.send({"type": "messaging.watch", "conversation": self.conversation, "seq": self.have})

    async def reconnect(self) -> int:
        """Retry with the page's delays until the socket is open; return the number of failures."""
        failures = 1
        while True:
            longest = min(MAX_DELAY, FIRST_DELAY * 2 ** (failures - 1))
            await asyncio.sleep(longest * (0.5 + random.random() / 2))  # noqa: S311 -- no secret
            try:
                await self.open()
            except (OSError, TimeoutError):
                failures += 1
            else:
                return failures - 1

    def _on_close(self, code: int) -> None:
        self.log.closed[str(code)] += 1
        self.socket = None

    def _on_text(self, text: bytes) -> None:
        at = monotonic()
        kind = text[9 : text.index(b'"', 9)].decode()
        self.log.frames[kind] += 1
        if kind == "messaging.entries":
            self._take(json.loads(text), at)
        elif kind == "messaging.cursors":
            if self.synced_at is None and self.have >= self.newest:
                self.synced_at = at
        elif kind == "ping" and self.socket:
            self.socket.send({"type": "pong", "n": json.loads(text)["n"]})
        elif kind == "error":
            self.log.closed[json.loads(text)["reason"]] += 1
        elif kind == "lagged" or (kind == "heartbeat" and self._is_behind(text)):
            self._fetch()

    def _is_behind(self, heartbeat: bytes) -> bool:
        newest: int = json.loads(heartbeat).get("messaging", {}).get("newest", 0) if self.conversation else 0
        return newest > self.have

    def _take(self, frame: Mapping[str, Any], at: float) -> None:
        entries = frame["entries"]
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
        if self.socket and self.settings.receipt:
            kind = f"messaging.{self.settings.receipt}"
            self.socket.send({"type": kind, "conversation": self.conversation, "seq": self.have})
        if frame["more"]:
            self._fetch()

    def _fetch(self) -> None:
        if self.conversation and self._fetching is None:
            self._fetching = asyncio.get_running_loop().create_task(self._catch_up())

    async def _catch_up(self) -> None:
        path = f"/messages/{self.conversation}/since/{self.have}/"
        try:
            status, body = await send_request(self.settings.gunicorn, path, self.headers)
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

    def __init__(self, settings: TabSettings) -> None:
        self.settings = settings
        self.log = TabLog()
        self.tabs: list[BrowserTab] = []

    async def open(self, members: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Open a tab for each of `members`, spread over the servers; return the number of open tabs and the seconds."""
        started = monotonic()
        ports = self.settings.daphne
        new = [
            BrowserTab(self.settings, self.log, member, ports[number % len(ports)])
            for number, member in enumerate(members)
        ]
        opening = asyncio.Semaphore(MAX_OPENING)

        async def open_one(tab: BrowserTab) -> None:
            async with opening:
                try:
                    await tab.open()
                except (OSError, TimeoutError):
                    self.log.refused += 1

        await asyncio.gather(*(open_one(tab) for tab in new))
        self.tabs += new
        return {"open": self.count_open(), "seconds": monotonic() - started}

    def count_open(self) -> int:
        """Return the number of open tabs."""
        return sum(tab.socket is not None for tab in self.tabs)

    async def wait_for_messages(self, count: int, seconds: float) -> None:
        """Wait until `count` messages have been received, at most `seconds`."""
        until = monotonic() + seconds
        while len(self.log.received) < count and monotonic() < until:  # noqa: ASYNC110 -- see below
            await asyncio.sleep(0.1)  # cheaper than an event for each message

    def take_log(self) -> dict[str, Any]:
        """Return the log since the last call."""
        log, self.log = self.log, TabLog()
        for tab in self.tabs:
            tab.log = self.log
        return {**vars(log), "open": self.count_open()}

    async def reconnect_all(self, behind: int, seconds: float) -> dict[str, Any]:
        """Drop all sockets at once; each tab reconnects and fetches the `behind` entries that it misses."""
        for tab in self.tabs:
            tab.newest = tab.have
            tab.have = max(0, tab.have - behind)
            tab.synced_at = None
            if tab.socket:
                tab.socket.abort()
                tab.socket = None
        started = monotonic()
        reconnecting = [asyncio.create_task(tab.reconnect()) for tab in self.tabs]
        done, missing = await asyncio.wait(reconnecting, timeout=seconds)
        while any(tab.synced_at is None for tab in self.tabs) and monotonic() < started + seconds:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        for task in missing:
            task.cancel()
        synced = sorted(tab.synced_at - started for tab in self.tabs if tab.synced_at is not None)
        failures = sum(task.result() for task in done)
        return {"synced": synced, "tabs": len(self.tabs), "open": self.count_open(), "failures": failures}

    async def close(self) -> None:
        """Drop all connections, and wait for the servers to notice."""
        for tab in self.tabs:
            if tab.socket:
                tab.socket.abort()
        self.tabs = []
        await asyncio.sleep(1)
