"""Hands hints from the channel layer to those of this process's tabs that listen. Joining a group costs the layer
nothing: which tab listens where is known here alone."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from time import monotonic
from typing import Any

from core.database.thread_pool import in_database
from core.observability import metrics
from core.observability.drain import drain

from . import dispatch, frames
from .connection import RESTART, SocketConnection
from .flow_control import TABS_EACH, MemberFlow, MemberFlows
from .heartbeat import Heartbeat, first_heartbeat, repeat
from .layer_link import LayerLink
from .publisher import member_group, publisher

logger = logging.getLogger(__name__)

# Hints that a tab may still be told that comes to listen while its app reads the database.
RECENT = 2000
# How many tabs are healed in a second, and how long it takes at most.
RESYNCS_A_SECOND, RESYNC_SECONDS = 200, 4.0
# How long the work may take to end.
STOP_SECONDS = 5.0
# How often a drain is looked for, and after how long work that failed begins again.
DRAIN_EVERY = 1.0
AGAIN_AFTER = 1.0

Work = Callable[[], Coroutine[Any, Any, None]]


class Hub:
    """The tabs of this process. It works while there are any, on the loop that serves them."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.tabs: set[SocketConnection] = set()
        self._flows = MemberFlows()
        self._listening: dict[str, set[SocketConnection]] = {}
        self._recent: deque[tuple[float, frozenset[str], Mapping[str, Any]]] = deque(maxlen=RECENT)
        self._link = LayerLink(self._hear, self.request_resync)
        self._work: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_up(self) -> bool:
        """Whether hints reach this process."""
        return self._link.is_up

    def has_room(self, member_id: int) -> bool:
        """Whether one more tab of this member is wanted."""
        return len(self._listening.get(member_group(member_id), ())) < TABS_EACH

    def flow_of(self, member_id: int) -> MemberFlow:
        """What all tabs of this member share."""
        self._follow_loop()
        return self._flows.of(member_id)

    # -- Tabs ----------------------------------------------------------------------------------
    def add(self, tab: SocketConnection) -> None:
        """Let `tab` hear; the first one starts the work."""
        loop = self._follow_loop()
        self.tabs.add(tab)
        metrics.tabs.set(len(self.tabs))
        tab.due = first_heartbeat()
        self.update_subscriptions(tab, monotonic())
        if self._loop is None:
            self._loop = loop
            self._start(loop)

    def _follow_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is not None and self._loop is not loop:
            self._begin()  # what belonged to a loop that has ended
        return loop

    async def remove(self, tab: SocketConnection) -> None:
        """`tab` has gone; after the last one the work ends, and chores are done once more."""
        self.tabs.discard(tab)
        metrics.tabs.set(len(self.tabs))
        for group in tab.joined:
            self._quit(tab, group)
        tab.joined = frozenset()
        if not self.tabs and self._loop is asyncio.get_running_loop():
            await self._stop()

    def update_subscriptions(self, tab: SocketConnection, since: float) -> None:
        """Let `tab` hear what `tab.groups` says now; in groups that are new to it, also what was told since the
        moment `since`, while its app looked at the database."""
        wanted = frozenset(tab.groups | {member_group(tab.member_id)})
        if wanted == tab.joined or tab not in self.tabs:
            return
        for group in tab.joined - wanted:
            self._quit(tab, group)
        new = wanted - tab.joined
        for group in new:
            self._listening.setdefault(group, set()).add(tab)
        missed: list[Mapping[str, Any]] = []
        for at, groups, event in reversed(self._recent):
            if at < since:
                break
            if groups & new and not groups & tab.joined:
                missed.append(event)
        for event in reversed(missed):
            tab.notice(event)
        tab.joined = wanted

    def _quit(self, tab: SocketConnection, group: str) -> None:
        listening = self._listening[group]
        listening.discard(tab)
        if not listening:
            del self._listening[group]

    # -- Hints ---------------------------------------------------------------------------------
    def _hear(self, message: Mapping[str, Any]) -> None:
        """Take what came from the layer. What it does not know, a newer process may have sent."""
        try:
            for hint in message["events"]:
                if "lost" in hint:
                    self.request_resync()
                else:
                    self.dispatch(hint["groups"], hint["event"])
        except (KeyError, TypeError, AttributeError) as error:
            logger.debug("a message of the layer says nothing (%s)", type(error).__name__)

    def dispatch(self, groups: Iterable[str], event: Mapping[str, Any]) -> None:
        """Give the hint `event` to each tab that listens to any of `groups`, once."""
        told = frozenset(groups)
        self._recent.append((monotonic(), told, event))
        for tab in {tab for group in told for tab in self._listening.get(group, ())}:
            tab.notice(event)

    def request_resync(self) -> None:
        """Hints were lost: let every tab have its heartbeat soon, which says what is newest, and ask for the rest; many
        tabs not at once."""
        now, many = monotonic(), len(self.tabs)
        over = min(RESYNC_SECONDS, many / RESYNCS_A_SECOND) if many > RESYNCS_A_SECOND else 0.0
        for tab in self.tabs:
            tab.lost_hints()
            tab.due = min(tab.due, now + random.uniform(0.0, over))  # noqa: S311 -- no secret

    # -- Work ----------------------------------------------------------------------------------
    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        publisher.serve_on(loop)
        drain.watch(self.close_all, lambda: not self.tabs)
        self._link = LayerLink(self._hear, self.request_resync)
        works: list[Work] = [self._link.run, Heartbeat(self).run, self._watch_drain]
        works += [partial(repeat, seconds, chore) for seconds, chore in frames.chores]
        self._work = {loop.create_task(_kept_up(work)) for work in works}

    async def _stop(self) -> None:
        """End the work. A tab that comes meanwhile starts it anew."""
        work, self._work, self._loop = self._work, set(), None
        self._flows = MemberFlows()  # the next tab may come on another loop
        for task in work:
            task.cancel()
        if work:
            await asyncio.wait(work, timeout=STOP_SECONDS)
        for _, chore in frames.chores:
            await in_database(dispatch.chore, chore)

    async def _watch_drain(self) -> None:
        while True:
            if drain.is_on:
                self.close_all()
            await asyncio.sleep(DRAIN_EVERY)

    def close_all(self) -> None:
        """Send every tab elsewhere."""
        for tab in self.tabs:
            tab.close(RESTART)


async def _kept_up(work: Work) -> None:
    """Do `work`, which ends by being cancelled; a fault of ours must not leave the tabs alone."""
    while True:
        try:
            await work()
        except Exception:
            logger.exception("work for sockets failed; it begins anew")
        await asyncio.sleep(AGAIN_AFTER)


hub = Hub()
