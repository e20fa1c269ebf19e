"""What is done to the servers while members write: which fault when, by the seed alone."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import redis

from scripts.servers import Server

from . import clock
from .history import FAULT, History
from .proxy import BAD, STORM, Proxy
from .site import Site


@dataclass(frozen=True)
class Planned:
    """A fault: when it comes, which one, and a number from which it draws the rest."""

    at: float
    kind: str
    seed: int

    def __str__(self) -> str:
        return f"{self.at:6.2f} s  {self.kind} ({self.seed})"


class Hand:
    """Does what is planned. Each fault is a separate method; those on one server come one after the other."""

    def __init__(self, site: Site, proxy: Proxy, history: History) -> None:
        self._site = site
        self._proxy = proxy
        self._history = history

    async def follow(self, plan: list[Planned]) -> None:
        """Do all of it; returns when the last fault is over."""
        async with asyncio.TaskGroup() as group:
            for planned in plan:
                group.create_task(self._do(planned))

    async def _do(self, planned: Planned) -> None:
        await asyncio.sleep(planned.at)
        deed: Callable[[random.Random], Awaitable[str]] = getattr(self, planned.kind)
        self._history.note(FAULT, begins=planned.kind)
        what = await deed(random.Random(planned.seed))
        self._history.note(FAULT, ends=planned.kind, payload=what)

    async def _with(self, server: Server, *deeds: Callable[[], object], pause: float = 0.0) -> None:
        """Do `deeds` to a server, `pause` seconds between them, while nobody else touches it."""
        loop = asyncio.get_running_loop()
        run = self._site.operators

        await loop.run_in_executor(run, self._site.lock(server).acquire)
        try:
            for index, deed in enumerate(deeds):
                await asyncio.sleep(pause if index else 0)
                await loop.run_in_executor(run, deed)
        finally:
            self._site.lock(server).release()

    async def gunicorn_worker_killed(self, chance: random.Random) -> str:
        victims = self._site.web.children()
        if not victims:
            return "there was none"
        victim = chance.choice(victims)
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        return str(victim)

    async def daphne_killed(self, chance: random.Random) -> str:
        index = chance.randrange(len(self._site.sockets))
        server = self._site.sockets[index]
        await self._with(server, server.kill, server.start)
        return f"daphne-{index}"

    async def redis_restarted(self, chance: random.Random) -> str:
        server = self._site.redis
        await self._with(server, server.kill, server.start, pause=chance.uniform(0.1, 1.0))
        return "away for a moment, and empty"

    async def redis_flushed(self, chance: random.Random) -> str:
        return await self._tell_redis("FLUSHALL")

    async def redis_clients_killed(self, chance: random.Random) -> str:
        await self._tell_redis("CLIENT KILL TYPE pubsub")
        return await self._tell_redis("CLIENT KILL TYPE normal SKIPME yes")

    async def _tell_redis(self, command: str) -> str:
        def run_command() -> str:
            client = self._site.redis_client()
            try:
                return f"{command}: {client.execute_command(*command.split())}"  # type: ignore[no-untyped-call]
            except redis.RedisError as error:
                return f"{command}: {error}"
            finally:
                client.close()

        return await asyncio.get_running_loop().run_in_executor(self._site.operators, run_command)

    async def postgres_crashed(self, chance: random.Random) -> str:
        await self._with(self._site.postgres, self._site.crash_postgres)
        return "stopped at once, and recovered"

    async def frozen(self, chance: random.Random) -> str:
        server = chance.choice(self._site.servers)
        seconds = chance.uniform(0.3, 2.0)
        # Nobody else touches it meanwhile: a frozen server does not even take the signal that ends it.
        await self._with(server, server.pause, server.resume, pause=seconds)
        return f"{server.folder.name} for {seconds:.1f} s"

    async def clock_jumped(self, chance: random.Random) -> str:
        slot, seconds = (
            chance.randrange(clock.CLOCKS),
            chance.choice((-3600.0, -90.0, -5.0, 5.0, 90.0, 3600.0)),
        )
        clock.shift(self._site.clock, slot, seconds)
        return f"slot {slot}: {seconds:+.0f} s"

    async def network_stormed(self, chance: random.Random) -> str:
        seconds = chance.uniform(0.5, 1.5)
        self._proxy.network_faults = STORM
        await asyncio.sleep(seconds)
        self._proxy.network_faults = BAD
        return f"{seconds:.1f} s"

    async def connections_cut(self, chance: random.Random) -> str:
        return f"{self._proxy.cut_all()} connections"


KINDS = (
    "gunicorn_worker_killed",
    "daphne_killed",
    "redis_restarted",
    "redis_flushed",
    "redis_clients_killed",
    "postgres_crashed",
    "frozen",
    "clock_jumped",
    "network_stormed",
    "connections_cut",
)


def plan(chance: random.Random, seconds: float, *, more: int = 4) -> list[Planned]:
    """Each kind once and some again, at random moments within `seconds`."""
    kinds = [*KINDS, *chance.choices(KINDS, k=more)]
    planned = [Planned(chance.uniform(0.5, seconds), kind, chance.getrandbits(32)) for kind in kinds]
    return sorted(planned, key=lambda each: each.at)
