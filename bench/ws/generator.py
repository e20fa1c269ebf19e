"""A process that is many people: it takes orders as lines of JSON on its standard input, and answers each with one.

`python -m bench.ws.generator`; bench.ws.remote gives the orders.
"""

import asyncio
import json
import sys
from typing import Any

from .echo import Echoes
from .senders import Writers, read_pages
from .tabs import Place, Tabs
from .wire import headers_of


class Orders:
    """Each method is an order; its arguments come with it."""

    def __init__(self) -> None:
        self.tabs: Tabs
        self.echoes: Echoes
        self.writers: Writers

    async def place(self, **place: Any) -> None:
        self.tabs = Tabs(Place(**place))

    async def open(self, people: list[dict[str, Any]]) -> dict[str, Any]:
        return await self.tabs.open(people)

    async def count(self) -> int:
        return self.tabs.count()

    async def received(self, count: int, seconds: float) -> dict[str, Any]:
        await self.tabs.received(count, seconds)
        return self.tabs.take_log()

    async def storm(self, behind: int, seconds: float) -> dict[str, Any]:
        return await self.tabs.storm(behind, seconds)

    async def close(self) -> None:
        await self.tabs.close()

    async def writers_are(self, port: int, people: list[dict[str, Any]], cookies: dict[str, str]) -> None:
        self.writers = Writers(port, people, cookies)

    async def write(self, rate: float, seconds: float) -> dict[str, Any]:
        return await self.writers.steady(rate, seconds)

    async def write_flood(self, at_once: int, seconds: float) -> dict[str, Any]:
        return await self.writers.flood(at_once, seconds)

    async def pages(
        self, port: int, session: str, cookies: dict[str, str], every: float, seconds: float
    ) -> list[float]:
        headers = {**headers_of(session, names=cookies), "Accept": "text/html"}
        return await read_pages(port, headers, "/", every, seconds)

    async def echoes_are(self, ports: list[int], pairs: int) -> None:
        self.echoes = Echoes(ports)
        await self.echoes.open(pairs)

    async def echo(self, rate: float, seconds: float) -> dict[str, Any]:
        return await self.echoes.steady(rate, seconds)

    async def echo_flood(self, seconds: float) -> dict[str, Any]:
        return await self.echoes.flood(seconds)

    async def hold(self, count: int) -> int:
        return await self.echoes.hold(count)

    async def held_closed(self) -> int:
        return self.echoes.closed

    async def echoes_end(self) -> None:
        self.echoes.close()


async def main() -> None:
    """Do what is ordered until the input ends."""
    orders, loop = Orders(), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order, arguments = json.loads(line)
        answer = await getattr(orders, order)(**arguments)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
