"""Dispatches events from the channel layer to the connections of this process that subscribe to their topics.

Subscribing costs the layer nothing: only this process knows which connection subscribes to what.
"""

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

from . import frames, handler_calls
from .connection import RESTART, SocketConnection
from .flow_control import SOCKETS_PER_MEMBER, MemberFlow, MemberFlows
from .heartbeat import Heartbeat, first_heartbeat, repeat_periodic_job
from .layer_link import LayerLink
from .publisher import member_topic, publisher

logger = logging.getLogger(__name__)

# Events kept for a connection that subscribes while its app is still reading the database.
RECENT = 2000
# How many connections resync in a second, and within how many seconds all do.
RESYNCS_A_SECOND, RESYNC_SECONDS = 200, 4.0
# How long background tasks may take to end.
STOP_SECONDS = 5.0
# How often to look for a drain, and after how long a failed task restarts.
DRAIN_EVERY = 1.0
AGAIN_AFTER = 1.0

Work = Callable[[], Coroutine[Any, Any, None]]


class Hub:
    """The connections of this process. Its tasks run while there are any, on the loop that serves them."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.connections: set[SocketConnection] = set()
        self._flows = MemberFlows()
        self._subscribers: dict[str, set[SocketConnection]] = {}
        self._recent: deque[tuple[float, frozenset[str], Mapping[str, Any]]] = deque(maxlen=RECENT)
        self._link = LayerLink(self._handle_message, self.request_resync)
        self._work: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_up(self) -> bool:
        """Whether events arrive from the channel layer."""
        return self._link.is_up

    def has_room(self, member_id: int) -> bool:
        """Return whether this member may open another connection."""
        return len(self._subscribers.get(member_topic(member_id), ())) < SOCKETS_PER_MEMBER

    def flow_of(self, member_id: int) -> MemberFlow:
        """Return the flow control that all connections of this member share."""
        self._follow_loop()
        return self._flows.flow_of(member_id)

    # -- Connections ----------------------------------------------------------------------------------
    def add_connection(self, connection: SocketConnection) -> None:
        """Register `connection`; the first one starts the tasks."""

        async def watch_drain() -> None:
            while True:
                if drain.is_on:
                    self.close_all()
                await asyncio.sleep(DRAIN_EVERY)

        async def keep_running(work: Work) -> None:
            while True:
                try:
                    await work()
                except Exception:
                    logger.exception("a task of the socket hub failed and is restarted")
                await asyncio.sleep(AGAIN_AFTER)

        loop = self._follow_loop()
        self.connections.add(connection)
        metrics.open_sockets.set(len(self.connections))
        connection.due = first_heartbeat()
        self.update_subscriptions(connection, monotonic())
        if self._loop is None:
            self._loop = loop
            publisher.serve_on(loop)
            drain.close_on_sigterm(self.close_all, lambda: not self.connections)
            self._link = LayerLink(self._handle_message, self.request_resync)
            works: list[Work] = [self._link.run, Heartbeat(self).run, watch_drain]
            works += [partial(repeat_periodic_job, seconds, job) for seconds, job in frames.periodic_jobs]
            self._work = {loop.create_task(keep_running(work)) for work in works}

    def _follow_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is not None and self._loop is not loop:
            self._reset()  # the loop of the earlier tasks has ended
        return loop

    async def remove_connection(self, connection: SocketConnection) -> None:
        """Remove `connection`; after the last one the tasks stop, and the periodic jobs run once more."""
        self.connections.discard(connection)
        metrics.open_sockets.set(len(self.connections))
        for topic in connection.joined:
            self._drop_subscription(connection, topic)
        connection.joined = frozenset()
        if self.connections or self._loop is not asyncio.get_running_loop():
            return
        # A connection that is added meanwhile starts the tasks again.
        work, self._work, self._loop = self._work, set(), None
        self._flows = MemberFlows()  # the next connection may be on another loop
        for task in work:
            task.cancel()
        if work:
            await asyncio.wait(work, timeout=STOP_SECONDS)
        for _, job in frames.periodic_jobs:
            await in_database(handler_calls.run_periodic_job, job)

    def update_subscriptions(self, connection: SocketConnection, since: float) -> None:
        """Subscribe `connection` to `connection.topics`.

        Of new topics it also gets the events since the moment `since` (monotonic), when its app began to read the
        database.
        """
        wanted = frozenset(connection.topics | {member_topic(connection.member_id)})
        if wanted == connection.joined or connection not in self.connections:
            return
        for topic in connection.joined - wanted:
            self._drop_subscription(connection, topic)
        new = wanted - connection.joined
        for topic in new:
            self._subscribers.setdefault(topic, set()).add(connection)
        missed: list[Mapping[str, Any]] = []
        for at, topics, event in reversed(self._recent):
            if at < since:
                break
            if topics & new and not topics & connection.joined:
                missed.append(event)
        for event in reversed(missed):
            connection.enqueue_event(event)
        connection.joined = wanted

    def _drop_subscription(self, connection: SocketConnection, topic: str) -> None:
        subscribers = self._subscribers[topic]
        subscribers.discard(connection)
        if not subscribers:
            del self._subscribers[topic]

    # -- Events --------------------------------------------------------------------------------
    def _handle_message(self, message: Mapping[str, Any]) -> None:
        """Handle a message of the layer; one of an unknown form may come from a newer version."""
        try:
            for envelope in message["events"]:
                if "lost" in envelope:
                    self.request_resync()
                else:
                    # Version 0.1 calls topics "groups".
                    self.dispatch(envelope.get("topics") or envelope["groups"], envelope["event"])
        except (KeyError, TypeError, AttributeError) as error:
            logger.debug("a message of the layer was not understood (%s)", type(error).__name__)

    def dispatch(self, topics: Iterable[str], event: Mapping[str, Any]) -> None:
        """Queue `event` once for each connection that subscribes to any of `topics`."""
        addressed = frozenset(topics)
        self._recent.append((monotonic(), addressed, event))
        subscribers = {each for topic in addressed for each in self._subscribers.get(topic, ())}
        for connection in subscribers:
            connection.enqueue_event(event)

    def request_resync(self) -> None:
        """Events were lost: send all heartbeats soon, spread over a few seconds, so that clients resync."""
        now, many = monotonic(), len(self.connections)
        over = min(RESYNC_SECONDS, many / RESYNCS_A_SECOND) if many > RESYNCS_A_SECOND else 0.0
        for connection in self.connections:
            connection.mark_events_lost()
            connection.due = min(connection.due, now + random.uniform(0.0, over))  # noqa: S311 -- no secret

    # -- Tasks ---------------------------------------------------------------------------------

    def close_all(self) -> None:
        """Close every connection with RESTART; clients reconnect to another process."""
        for connection in self.connections:
            connection.close(RESTART)


hub = Hub()
