"""A bad network: a proxy in front of the servers that loses, delays, doubles, swaps and cuts what passes."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from scripts.servers import HOST

from .wire import (
    BROKEN,
    LIMIT,
    TEXT,
    Frame,
    Message,
    hang_up,
    read_frame,
    read_head,
    read_message,
)

# How long a frame that shall change places waits for one that comes after it.
SWAP_SECONDS = 0.3
ANSWER_SECONDS = 15.0


@dataclass(frozen=True)
class NetworkFaults:
    """How likely each mishap is, for one frame or one request."""

    drop: float = 0.0
    delay: float = 0.0
    double: float = 0.0
    swap: float = 0.0
    cut: float = 0.0
    # Of requests: never arrives; its answer never comes; half the answer comes; arrives twice at once.
    lost: float = 0.0
    unanswered: float = 0.0
    halved: float = 0.0
    twice: float = 0.0

    def draw(self, chance: random.Random, *names: str) -> str:
        """One of the mishaps `names`, or "" when all goes well."""
        point = chance.random()
        for name in names:
            point -= getattr(self, name)
            if point < 0:
                return name
        return ""


CALM = NetworkFaults()
BAD = NetworkFaults(
    drop=0.04,
    delay=0.05,
    double=0.04,
    swap=0.04,
    cut=0.004,
    lost=0.02,
    unanswered=0.03,
    halved=0.01,
    twice=0.04,
)
STORM = NetworkFaults(
    drop=0.2, delay=0.15, double=0.1, swap=0.15, cut=0.03, lost=0.1, unanswered=0.1, halved=0.05, twice=0.1
)
FRAME_MISHAPS = ("drop", "delay", "double", "swap", "cut")
REQUEST_MISHAPS = ("lost", "delay", "unanswered", "halved", "twice")

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """Two ports, one for pages and one for sockets; sockets go to the servers in turn."""

    def __init__(
        self, web: int, sockets: Sequence[int], chance: random.Random, note: Callable[..., object]
    ) -> None:
        self.network_faults = CALM
        self.web_port = self.ws_port = 0
        self._web = web
        self._sockets = list(sockets)
        self._chance = chance
        self._note = note
        self._turn = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> "Proxy":
        for pass_on in (self._pass_request, self._pass_socket):
            self._servers.append(await asyncio.start_server(self._serving(pass_on), HOST, 0, limit=LIMIT))
        self.web_port, self.ws_port = (server.sockets[0].getsockname()[1] for server in self._servers)
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut_all(self) -> int:
        """Cut every connection; returns how many there were."""
        for writer in self._writers:
            writer.transport.abort()
        return len(self._writers)

    def _serving(self, pass_on: Callable[[Pair], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            self._writers.add(writer)
            try:
                # Cancelled only by ourselves, at the end; asyncio would report it as a fault.
                with suppress(*BROKEN, asyncio.CancelledError):
                    await pass_on((reader, writer))
            finally:
                self._tasks.discard(task)
                self._writers.discard(writer)
                writer.transport.abort()
                await hang_up(writer)

        return serve

    # -- Pages ---------------------------------------------------------------------------------
    async def _pass_request(self, client: Pair) -> None:
        request = await read_message(client[0])
        mishap = self.network_faults.draw(self._chance, *REQUEST_MISHAPS)
        if mishap:
            self._note("request", mishap, request.start)
        if mishap == "lost":
            return
        if mishap == "delay":
            await asyncio.sleep(self._chance.uniform(0.05, 0.5))
        if mishap == "twice":
            again = asyncio.create_task(self._asked(request))
            self._tasks.add(again)
            again.add_done_callback(self._tasks.discard)
            again.add_done_callback(lambda task: task.cancelled() or task.exception())
        answer = await self._asked(request)
        if mishap != "unanswered":
            shown = answer.raw[: len(answer.raw) // 2] if mishap == "halved" else answer.raw
            client[1].write(shown)
            await client[1].drain()
            # Closed in order: an abort may overtake what was written.
            await hang_up(client[1])

    async def _asked(self, request: Message) -> Message:
        reader, writer = await asyncio.open_connection(HOST, self._web, limit=LIMIT)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                writer.write(request.raw)
                await writer.drain()
                return await read_message(reader)
        finally:
            await hang_up(writer)

    # -- Sockets -------------------------------------------------------------------------------
    async def _pass_socket(self, client: Pair) -> None:
        head = await read_head(client[0])
        server = await self._next_server()
        try:
            server[1].write(head.raw)
            answer = await read_head(server[0])
            client[1].write(answer.raw)
            if answer.status != 101:
                # What follows is a page that nobody reads.
                await client[1].drain()
                await hang_up(client[1])
                return
            await self._pump_both(client, server)
        finally:
            server[1].transport.abort()
            await hang_up(server[1])

    async def _next_server(self) -> Pair:
        """One of the servers in turn, as far as one takes connections."""
        for _ in self._sockets[:-1]:
            self._turn += 1
            with suppress(OSError):
                return await self._connect()
        self._turn += 1
        return await self._connect()

    async def _connect(self) -> Pair:
        return await asyncio.open_connection(
            HOST, self._sockets[self._turn % len(self._sockets)], limit=LIMIT
        )

    async def _pump_both(self, client: Pair, server: Pair) -> None:
        """Until either side goes. Both are cut then, without a close frame where there was none."""
        pumps = [
            asyncio.create_task(_Pump(self, one[0], other[1]).run())
            for one, other in ((client, server), (server, client))
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            # A close frame that has just passed shall arrive.
            for writer in (client[1], server[1]):
                with suppress(*BROKEN):
                    await writer.drain()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            await hang_up(client[1])

    def mishap(self, frame: Frame) -> str:
        """What happens to this frame. Only what carries our own texts is at the network's mercy."""
        if frame.opcode != TEXT:
            return ""
        return self.network_faults.draw(self._chance, *FRAME_MISHAPS)

    def pause(self) -> float:
        """How long a delayed frame, and all behind it, are held up."""
        return self._chance.uniform(0.05, 0.6)


class _Pump:
    """One direction of a socket."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._held = b""

    async def run(self) -> None:
        """Pass frames on until the connection ends or is cut."""
        reading: asyncio.Task[Frame] | None = None
        try:
            with suppress(*BROKEN):
                while True:
                    reading = reading or asyncio.create_task(read_frame(self._reader))
                    await asyncio.wait({reading}, timeout=SWAP_SECONDS if self._held else None)
                    if not reading.done():
                        self._let_go()
                        continue
                    frame, reading = reading.result(), None
                    if not await self._pass_on(frame):
                        return
        finally:
            if reading is not None:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    def _let_go(self) -> None:
        self._writer.write(self._held)
        self._held = b""

    async def _pass_on(self, frame: Frame) -> bool:
        mishap = self._proxy.mishap(frame)
        if mishap == "cut" or self._writer.is_closing():
            return False
        if mishap == "drop":
            return True
        if mishap == "swap" and not self._held:
            self._held = frame.raw
            return True
        if mishap == "delay":
            await asyncio.sleep(self._proxy.pause())
        self._writer.write(frame.raw)
        if mishap == "double":
            self._writer.write(frame.raw)
        if self._held:
            self._let_go()
        await self._writer.drain()
        return True
