"""Pairs of sockets of the bare consumer: what one says the other hears, through the layer and two servers."""

import asyncio
from time import monotonic
from typing import Any

from .wire import FRONT, Socket

PATIENCE = 5.0


class Pair:
    """Two sockets in one group, one on each server."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sockets: list[Socket] = []
        self.times: list[float] = []
        self.said = 0
        # Set while the pair answers itself: each echo is followed by the next.
        self.until = 0.0

    async def open(self, ports: list[int]) -> None:
        """Open both."""
        path = f"/ws/?group={self.name}"
        deaf = await Socket.open(ports[0], FRONT, lambda said: None, lambda code: None, path)
        hearing = await Socket.open(ports[-1], FRONT, self._heard, lambda code: None, path)
        self.sockets = [deaf, hearing]

    def say(self) -> None:
        """Send the moment from the one to the other."""
        self.said += 1
        self.sockets[0].send({"at": monotonic(), "text": "x" * 300})

    def _heard(self, said: bytes) -> None:
        now = monotonic()
        self.times.append(now - float(said[6 : said.index(b",")]))
        if now < self.until:
            self.say()

    def take(self) -> tuple[int, list[float]]:
        """How often something was said, and how long each echo took, since the last time."""
        taken = self.said, self.times
        self.said, self.times = 0, []
        return taken


class Echoes:
    """All pairs of this process."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.pairs: list[Pair] = []
        self.idle: list[Socket] = []
        self.closed = 0

    async def open(self, count: int) -> None:
        """Have `count` pairs."""
        self.pairs = [Pair(f"pair.{number}") for number in range(count)]
        for pair in self.pairs:
            await pair.open(self.ports)

    async def steady(self, rate: float, seconds: float) -> dict[str, Any]:
        """Say something so often a second, one pair after the other."""
        started = monotonic()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, started + number / rate - monotonic()))
            self.pairs[number % len(self.pairs)].say()
        await asyncio.sleep(1)
        return self._taken(seconds)

    async def flood(self, seconds: float) -> dict[str, Any]:
        """As fast as it goes: each pair says the next thing when the one before has arrived."""
        for pair in self.pairs:
            pair.until = monotonic() + seconds
            pair.say()
        await asyncio.sleep(seconds + 1)
        return self._taken(seconds)

    def _taken(self, seconds: float) -> dict[str, Any]:
        taken = [pair.take() for pair in self.pairs]
        times = [time for _, times in taken for time in times]
        return {"said": sum(said for said, _ in taken), "times": times, "seconds": seconds}

    async def hold(self, count: int) -> int:
        """Hold `count` sockets in one group that say nothing; returns how many are open."""
        room = asyncio.Semaphore(40)

        def gone(code: int) -> None:
            self.closed += 1

        async def open_one(number: int) -> None:
            async with room:
                port = self.ports[number % len(self.ports)]
                socket = await Socket.open(port, FRONT, lambda said: None, gone, "/ws/?group=all")
                self.idle.append(socket)

        await asyncio.gather(*(open_one(number) for number in range(len(self.idle), count)))
        return sum(socket.is_open for socket in self.idle)

    def close(self) -> None:
        """Leave all."""
        for socket in [*self.idle, *(socket for pair in self.pairs for socket in pair.sockets)]:
            socket.abort()
        self.pairs, self.idle = [], []
