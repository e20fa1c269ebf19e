"""Members that write messages over HTTP, and one that requests pages."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import count
from time import monotonic
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from .clients import browser_headers, send_request

MAX_ATTEMPTS = 20
# Most concurrent requests: a server that cannot keep up gets no more.
MAX_PENDING = 600
MESSAGE_TEXT = "Shall we meet on Thursday at ten, as last time, and bring the drawings along? Number"

numbers = count(1)


class Writers:
    """Writes messages: each of `members` in the pair's conversation, one at a time, retried on errors."""

    def __init__(self, port: int, members: Sequence[Mapping[str, Any]], cookies: Mapping[str, str]) -> None:
        self._port = port
        self._members = [
            (member["conversation"], browser_headers(member["session"], names=cookies)) for member in members
        ]
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.sent: list[tuple[int, int, float, float]] = []
        self.refused: list[int] = []
        self.retried = 0
        self.skipped = 0
        self.late: list[float] = []

    async def write_message(self, index: int) -> None:
        """Send a message of one member; the time includes waiting for the member's previous message."""
        conversation, headers = self._members[index % len(self._members)]
        started, number = monotonic(), next(numbers)
        form = urlencode({"text": f"{MESSAGE_TEXT} {number}", "client_id": uuid4()}).encode()
        async with self._locks[conversation]:
            for _ in range(MAX_ATTEMPTS):
                try:
                    status, _body = await send_request(
                        self._port, f"/messages/{conversation}/send/", headers, form
                    )
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

    async def write_steadily(self, rate: float, seconds: float) -> dict[str, Any]:
        """Send `rate` messages per second, without waiting for earlier responses."""
        started = monotonic()
        tasks: set[asyncio.Task[None]] = set()
        for number in range(int(rate * seconds)):
            due = started + number / rate
            await asyncio.sleep(max(0.0, due - monotonic()))
            self.late.append(monotonic() - due)
            if len(tasks) >= MAX_PENDING:
                self.skipped += 1
                continue
            task = asyncio.create_task(self.write_message(number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        while tasks:
            await asyncio.wait(set(tasks))
        return self._take_log(monotonic() - started)

    async def flood(self, concurrency: int, seconds: float) -> dict[str, Any]:
        """Send as many messages as possible with `concurrency` parallel requests."""
        started, indexes = monotonic(), count()

        async def write_until_end() -> None:
            while monotonic() < started + seconds:
                await self.write_message(next(indexes))

        await asyncio.gather(*(write_until_end() for _ in range(concurrency)))
        return self._take_log(monotonic() - started)

    def _take_log(self, seconds: float) -> dict[str, Any]:
        log = {"sent": self.sent, "refused": self.refused, "retried": self.retried, "late": self.late}
        log |= {"skipped": self.skipped, "seconds": seconds}
        self.sent, self.refused, self.retried, self.skipped, self.late = [], [], 0, 0, []
        return log


async def read_pages(
    port: int, headers: Mapping[str, str], path: str, every: float, seconds: float
) -> list[float]:
    """Request a page every `every` seconds, without waiting for earlier responses; return the seconds of each.

    They are infinite for errors and for responses other than 200.
    """

    async def read() -> float:
        started = monotonic()
        try:
            status, _ = await send_request(port, path, headers)
        except (OSError, TimeoutError):
            status = 0
        return monotonic() - started if status == 200 else float("inf")

    started, tasks = monotonic(), []
    for number in range(int(seconds / every)):
        await asyncio.sleep(max(0.0, started + number * every - monotonic()))
        tasks.append(asyncio.create_task(read()))
    return list(await asyncio.gather(*tasks))
