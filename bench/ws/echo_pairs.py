"""Pairs of sockets of the echo consumer: one sends, the other receives through the layer and another server."""

import asyncio
from time import monotonic
from typing import Any

from .clients import PROXY_HEADERS, Socket


class EchoPair:
    """Two sockets in one group, one on each server."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sockets: list[Socket] = []
        self.times: list[float] = []
        self.sent = 0
        # Until this time each received message is followed by the next.
        self.until = 0.0

    async def open(self, ports: list[int]) -> None:
        """Open both sockets."""
        path = f"/ws/?group={self.name}"
        sender = await Socket.open(ports[0], PROXY_HEADERS, lambda text: None, lambda code: None, path)
        receiver = await Socket.open(ports[-1], PROXY_HEADERS, self._on_text, lambda code: None, path)
        self.sockets = [sender, receiver]

    def send_message(self) -> None:
        """Send the current time from one socket to the other."""
        self.sent += 1
        self.sockets[0].send({"at": monotonic(), "text": "x" * 300})

    def _on_text(self, text: bytes) -> None:
        now = monotonic()
        self.times.append(now - float(text[6 : text.index(b",")]))
        if now < self.until:
            self.send_message()

    def take_log(self) -> tuple[int, list[float]]:
        """Return the number of sent messages and the seconds of each echo since the last call."""
        log = self.sent, self.times
        self.sent, self.times = 0, []
        return log


class EchoPairs:
    """All pairs of this process, and idle sockets."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.pairs: list[EchoPair] = []
        self.idle: list[Socket] = []
        self.closed = 0

    async def open(self, count: int) -> None:
        """Open `count` pairs."""
        self.pairs = [EchoPair(f"pair.{number}") for number in range(count)]
        for pair in self.pairs:
            await pair.open(self.ports)

    async def echo_steadily(self, rate: float, seconds: float) -> dict[str, Any]:
        """Send `rate` messages per second, one pair after the other."""
        started = monotonic()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, started + number / rate - monotonic()))
            self.pairs[number % len(self.pairs)].send_message()
        await asyncio.sleep(1)
        return self._take_logs(seconds)

    async def echo_flood(self, seconds: float) -> dict[str, Any]:
        """Send as fast as possible: each pair sends the next message when the previous one has arrived."""
        for pair in self.pairs:
            pair.until = monotonic() + seconds
            pair.send_message()
        await asyncio.sleep(seconds + 1)
        return self._take_logs(seconds)

    def _take_logs(self, seconds: float) -> dict[str, Any]:
        logs = [pair.take_log() for pair in self.pairs]
        times = [time for _, times in logs for time in times]
        return {"sent": sum(sent for sent, _ in logs), "times": times, "seconds": seconds}

    async def hold_sockets(self, count: int) -> int:
        """Keep `count` sockets open in one group without messages; return how many are open."""
        opening = asyncio.Semaphore(40)

        def on_close(code: int) -> None:
            self.closed += 1

        async def open_one(number: int) -> None:
            async with opening:
                port = self.ports[number % len(self.ports)]
                socket = await Socket.open(port, PROXY_HEADERS, lambda text: None, on_close, "/ws/?group=all")
                self.idle.append(socket)

        await asyncio.gather(*(open_one(number) for number in range(len(self.idle), count)))
        return sum(socket.is_open for socket in self.idle)

    def close(self) -> None:
        """Drop all connections."""
        for socket in [*self.idle, *(socket for pair in self.pairs for socket in pair.sockets)]:
            socket.abort()
        self.pairs, self.idle = [], []
