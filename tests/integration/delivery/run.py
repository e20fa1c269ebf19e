"""One run: members write while servers and network fail as the seed says; then the checker judges."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from scripts.programs import ROOT

from .cast import CLUB, STRANGER, TWICE, Cast
from .checker import Complaint, check
from .client import Doors, TabState
from .deeds import Writer, go_and_come
from .faults import Hand, Planned, plan
from .history import ACKNOWLEDGED, FAULT, NOTE, History
from .proxy import BAD, CALM, NetworkFaults, Proxy
from .site import Site
from .stored import Stored, read_stored

RECORDS = ROOT / "test-results" / "delivery"
SHOWN_COMPLAINTS = 12

Deed = Callable[["Run"], Awaitable[None]]


@dataclass(frozen=True)
class Course:
    """How a run goes: messages of each tab that writes, seconds of thought before each, how long faults come, the
    network meanwhile, and how long clients may take to become consistent afterwards."""

    messages: int = 40
    pace: float = 0.12
    faults: float = 8.0
    network_faults: NetworkFaults = BAD
    most_seconds: float = 30.0
    # So long members may take to get all their answers.
    patience: float = 120.0
    # How often the guest of the club is taken out and comes back.
    comings: int = 2
    with_faults: bool = True
    catches_up: bool = True
    # In place of the faults by seed.
    deed: Deed | None = None


@dataclass
class Outcome:
    """What came out of a run."""

    seed: int
    complaints: list[Complaint]
    record: Path
    planned: Sequence[Planned]
    figures: dict[str, object] = field(default_factory=dict)
    acknowledged: int = 0

    @property
    def rules(self) -> set[str]:
        """The rules that were broken."""
        return {complaint.rule for complaint in self.complaints}

    def __str__(self) -> str:
        """All that somebody needs who looks for the cause."""
        shown = [str(complaint) for complaint in self.complaints[:SHOWN_COMPLAINTS]]
        return "\n".join(
            [
                f"seed {self.seed}: {len(self.complaints)} complaints; the record is in {self.record}",
                "faults:",
                *(f"  {planned}" for planned in self.planned),
                f"figures: {self.figures}",
                *shown,
            ]
        )


class Run:
    """The people of a run with their tabs, behind a proxy."""

    def __init__(self, site: Site, cast: Cast, seed: int, course: Course) -> None:
        self.site = site
        self.cast = cast
        self.seed = seed
        self.course = course
        self.chance = random.Random(seed)
        self.history = History()
        self._spent = time.process_time()
        self.proxy = Proxy(
            site.web_port,
            site.ws_ports,
            random.Random(self.chance.getrandbits(32)),
            lambda what, mishap, where: self.history.note(NOTE, mishap=mishap, where=where),
        )
        self.planned = plan(self.chance, course.faults) if course.with_faults else []
        self.tabs: list[TabState] = []
        self.writers: list[Writer] = []

    def _open_tabs(self) -> None:
        """A tab for each seat, in which its member writes; a second one for some; and those of the stranger."""
        doors = Doors(self.proxy.web_port, self.proxy.ws_port)
        for order, (conversation, indexes) in enumerate(self.cast.seats.items()):
            for index in indexes:
                self._writer(self._tab(doors, index, conversation, "a"), 0)
                if (index, order) in TWICE:
                    self._tab(doors, index, conversation, "b")
        for conversation in (self.cast.pairs[0], self.cast.group):
            self._tab(doors, STRANGER, conversation, "x")

    def _tab(self, doors: Doors, index: int, conversation: int, letter: str) -> TabState:
        name = f"m{index}/{conversation}{letter}"
        person = self.cast.people[index]
        tab = TabState(name, person, conversation, doors, self.history, catches_up=self.course.catches_up)
        # Some never read, some read a part.
        tab.reads_to = self.chance.choice((0, 10, 10**9, 10**9)) if letter == "a" else 0
        self.tabs.append(tab)
        return tab

    def _writer(self, tab: TabState, first: int) -> None:
        chance = random.Random(self.chance.getrandbits(32))
        self.writers.append(Writer(tab, chance, first=first, pace=self.course.pace))

    async def go(self) -> Outcome:
        """Run it. Whatever happens, the servers run again afterwards."""
        began = time.monotonic()
        async with self.proxy:
            self._open_tabs()
            living = [asyncio.create_task(tab.run()) for tab in self.tabs]
            try:
                self.proxy.network_faults = self.course.network_faults
                slow = await self._write_in_time()
                wrote = time.monotonic()
                self.proxy.network_faults = CALM
                await asyncio.get_running_loop().run_in_executor(self.site.operators, self.site.reset_faults)
                complaints, stored = await self._wait_until_consistent()
                complaints = slow + complaints
                self._raise_what_failed(living)
            finally:
                for task in living:
                    task.cancel()
                await asyncio.gather(*living, return_exceptions=True)
        name = f"seed-{self.seed}" if self.course.with_faults else self.site.name
        record = RECORDS / f"{name}.txt"
        record.unlink(missing_ok=True)
        if complaints:
            self.history.write(record)
        settled = time.monotonic()
        figures = self._figures(stored, wrote - began, settled - wrote)
        acknowledged = len(self.history.of(ACKNOWLEDGED))
        return Outcome(self.seed, complaints, record, self.planned, figures, acknowledged)

    async def until_acknowledged(self, more: int) -> None:
        """Wait until so many more sends were acknowledged."""
        enough = len(self.history.of(ACKNOWLEDGED)) + more
        while len(self.history.of(ACKNOWLEDGED)) < enough:  # noqa: ASYNC110 -- the history is only a list
            await asyncio.sleep(0.01)

    def kill_workers(self) -> None:
        """Kill all of gunicorn's workers."""
        for victim in self.site.web.children():
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)

    @staticmethod
    def _raise_what_failed(living: Sequence["asyncio.Task[None]"]) -> None:
        for task in living:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error

    async def _write_in_time(self) -> list[Complaint]:
        """Write; a complaint where some got no answer for too long."""
        try:
            async with asyncio.timeout(self.course.patience):
                await self._write()
        except TimeoutError:
            return [Complaint("answers come", f"not all had one after {self.course.patience} s")]
        return []

    async def _write(self) -> None:
        hand = Hand(self.site, self.proxy, self.history)
        async with asyncio.TaskGroup() as group:
            for writer in self.writers:
                group.create_task(writer.write(self.course.messages))
            owner = next(
                tab
                for tab in self.tabs
                if tab.conversation == self.cast.club and tab.person is self.cast.people[CLUB[0]]
            )
            guest = self.cast.people[CLUB[-1]]
            group.create_task(go_and_come(owner, guest, random.Random(self.seed), self.course.comings))
            group.create_task(hand.follow(self.planned))
            if self.course.deed is not None:
                group.create_task(_awaited(self.course.deed(self)))

    async def _wait_until_consistent(self) -> tuple[list[Complaint], Stored]:
        """Wait until everything fits, `course.most_seconds` seconds at most; what does not fit then is the outcome."""
        self.history.note(FAULT, all_is_calm=True)
        deadline = time.monotonic() + self.course.most_seconds
        loop = asyncio.get_running_loop()
        for tab in self.tabs:
            await tab.settle_cursors()
        while True:
            length = len(self.history.events)
            for tab in self.tabs:
                tab.picture()
            stored = await loop.run_in_executor(self.site.operators, self._stored)
            complaints = check(self.history, stored, self.cast.members)
            if not complaints or time.monotonic() > deadline:
                return complaints, stored
            # Only the last picture counts.
            self._forget_pictures(length)
            await asyncio.sleep(0.5)

    def _forget_pictures(self, length: int) -> None:
        events = self.history.events
        events[length:] = [event for event in events[length:] if event.what != "screen"]

    def _stored(self) -> Stored:
        return read_stored(self.site.database, list(self.cast.seats))

    def _figures(self, stored: Stored, wrote: float, settled: float) -> dict[str, object]:
        acknowledged = self.history.of(ACKNOWLEDGED)
        return {
            "messages acknowledged": len(acknowledged),
            "of these repeated": sum(event.data["attempts"] > 1 for event in acknowledged),
            "entries stored": len(stored.rows),
            "events": len(self.history.events),
            "mishaps of requests": sum("mishap" in event.data for event in self.history.of(NOTE)),
            "own processor seconds": round(time.process_time() - self._spent, 1),
            "seconds": round(wrote, 1),
            "seconds until consistent": round(settled, 1),
        }


async def _awaited(deed: Awaitable[None]) -> None:
    await deed


def run(site: Site, cast: Cast, seed: int, course: Course) -> Outcome:
    """One run from begin to end."""
    return asyncio.run(Run(site, cast, seed, course).go())
