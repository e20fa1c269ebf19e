"""Members who write, over HTTP, and one who reads pages."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import count
from time import monotonic
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from .wire import ask, headers_of

TRIES = 20
# More than these are not on their way at once: a server that cannot follow is not asked for more.
MOST_WAITING = 600
WORDS = "Shall we meet on Thursday at ten, as last time, and bring the drawings along? Number"

numbers = count(1)


class Writers:
    """Writes messages: each of `people` in the conversation of theirs, one at a time, retried until it is answered."""

    def __init__(self, port: int, people: Sequence[Mapping[str, Any]], cookies: Mapping[str, str]) -> None:
        self._port = port
        self._people = [(who["conversation"], headers_of(who["session"], names=cookies)) for who in people]
        self._turns: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.sent: list[tuple[int, int, float, float]] = []
        self.refused: list[int] = []
        self.retried = 0
        self.skipped = 0
        self.late: list[float] = []

    async def write(self, place: int) -> None:
        """One message of one of them; the time counts from now, also while the one before is on its way."""
        conversation, headers = self._people[place % len(self._people)]
        started, number = monotonic(), next(numbers)
        form = urlencode({"text": f"{WORDS} {number}", "client_id": uuid4()}).encode()
        async with self._turns[conversation]:
            for _ in range(TRIES):
                try:
                    status, _body = await ask(self._port, f"/messages/{conversation}/send/", headers, form)
                except (OSError, TimeoutError):
                    status = 0
                if status in {200, 201}:
                    self.sent.append((number, conversation, started, monotonic()))
                    return
                if 400 <= status < 500:
                    break
                self.retried += 1
                await asyncio.sleep(0.2)
            self.refused.append(status)

    async def steady(self, rate: float, seconds: float) -> dict[str, Any]:
        """So many messages a second, whether or not earlier ones have been answered."""
        started = monotonic()
        tasks: set[asyncio.Task[None]] = set()
        for number in range(int(rate * seconds)):
            due = started + number / rate
            await asyncio.sleep(max(0.0, due - monotonic()))
            self.late.append(monotonic() - due)
            if len(tasks) >= MOST_WAITING:
                self.skipped += 1
                continue
            task = asyncio.create_task(self.write(number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        while tasks:
            await asyncio.wait(set(tasks))
        return self._taken(monotonic() - started)

    async def flood(self, at_once: int, seconds: float) -> dict[str, Any]:
        """As many as are answered, `at_once` on their way at any time."""
        started, places = monotonic(), count()

        async def write_on() -> None:
            while monotonic() < started + seconds:
                await self.write(next(places))

        await asyncio.gather(*(write_on() for _ in range(at_once)))
        return self._taken(monotonic() - started)

    def _taken(self, seconds: float) -> dict[str, Any]:
        told = {"sent": self.sent, "refused": self.refused, "retried": self.retried, "late": self.late}
        told |= {"skipped": self.skipped, "seconds": seconds}
        self.sent, self.refused, self.retried, self.skipped, self.late = [], [], 0, 0, []
        return told


async def read_pages(
    port: int, headers: Mapping[str, str], path: str, every: float, seconds: float
) -> list[float]:
    """Ask for a page every so many seconds, whether or not earlier ones have come; returns how long each took.

    What does not come, or not with 200, takes for ever.
    """

    async def read() -> float:
        begun = monotonic()
        try:
            status, _ = await ask(port, path, headers)
        except (OSError, TimeoutError):
            status = 0
        return monotonic() - begun if status == 200 else float("inf")

    started, tasks = monotonic(), []
    for number in range(int(seconds / every)):
        await asyncio.sleep(max(0.0, started + number * every - monotonic()))
        tasks.append(asyncio.create_task(read()))
    return list(await asyncio.gather(*tasks))
