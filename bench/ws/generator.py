"""A process that simulates many members: reads commands as JSON lines from stdin, writes a JSON line for each.

`python -m bench.ws.generator`, started by bench.ws.generator_process.
"""

import asyncio
import json
import sys
from typing import Any

from .browser_tabs import Tabs, TabSettings
from .clients import browser_headers
from .echo_pairs import EchoPairs
from .writers import Writers, read_pages


class Commands:
    """Each method is a command."""

    def __init__(self) -> None:
        self.tabs: Tabs
        self.echoes: EchoPairs
        self.writers: Writers

    async def configure(self, **settings: Any) -> None:
        self.tabs = Tabs(TabSettings(**settings))

    async def open_tabs(self, members: list[dict[str, Any]]) -> dict[str, Any]:
        return await self.tabs.open(members)

    async def count_tabs(self) -> int:
        return self.tabs.count_open()

    async def wait_for_messages(self, count: int, seconds: float) -> dict[str, Any]:
        await self.tabs.wait_for_messages(count, seconds)
        return self.tabs.take_log()

    async def reconnect_all(self, behind: int, seconds: float) -> dict[str, Any]:
        return await self.tabs.reconnect_all(behind, seconds)

    async def close_tabs(self) -> None:
        await self.tabs.close()

    async def create_writers(self, port: int, members: list[dict[str, Any]], cookies: dict[str, str]) -> None:
        self.writers = Writers(port, members, cookies)

    async def write_steadily(self, rate: float, seconds: float) -> dict[str, Any]:
        return await self.writers.write_steadily(rate, seconds)

    async def write_flood(self, concurrency: int, seconds: float) -> dict[str, Any]:
        return await self.writers.flood(concurrency, seconds)

    async def read_pages(
        self, port: int, session: str, cookies: dict[str, str], every: float, seconds: float
    ) -> list[float]:
        headers = {**browser_headers(session, names=cookies), "Accept": "text/html"}
        return await read_pages(port, headers, "/", every, seconds)

    async def open_echo_pairs(self, ports: list[int], pairs: int) -> None:
        self.echoes = EchoPairs(ports)
        await self.echoes.open(pairs)

    async def echo_steadily(self, rate: float, seconds: float) -> dict[str, Any]:
        return await self.echoes.echo_steadily(rate, seconds)

    async def echo_flood(self, seconds: float) -> dict[str, Any]:
        return await self.echoes.echo_flood(seconds)

    async def hold_sockets(self, count: int) -> int:
        return await self.echoes.hold_sockets(count)

    async def count_closed(self) -> int:
        return self.echoes.closed

    async def close_echo_pairs(self) -> None:
        self.echoes.close()


async def main() -> None:
    """Run the commands until stdin ends."""
    commands, loop = Commands(), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command, arguments = json.loads(line)
        result = await getattr(commands, command)(**arguments)
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
