"""An open tab on the server's side: what waits for it, in order, and how it is told."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Protocol, TypeVar

from core.database.thread_pool import in_database
from core.observability import metrics

from . import dispatch, frames
from .dispatch import encode_frame
from .flow_control import FRAME_BYTES, WAITING_BYTES, WAITING_HINTS, MemberFlow, Window
from .frames import Event, Frame, TabState
from .sessions import Visitor

logger = logging.getLogger(__name__)

# Close codes (RFC 6455 7.4; 4000 and above are our own).
RESTART = 1012
FLOODED = 1008
TOO_LARGE = 1009
SIGNED_OUT = 4401

# Hints that are shown with one trip to the database.
HINTS_AT_ONCE = 50

# The hint of core itself: a session of this member has ended, or the member was suspended. Which, the tab asks.
SESSION = "tab.session"

MALFORMED = dispatch.error("malformed")
LAGGED = encode_frame({"type": "lagged"})

T = TypeVar("T")
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Subscriptions(Protocol):
    """What a connection and the heartbeat need of the hub (core.sockets.hub)."""

    tabs: set["SocketConnection"]

    @property
    def is_up(self) -> bool:
        """Whether events arrive from the channel layer."""

    def update_subscriptions(self, tab: "SocketConnection", since: float) -> None:
        """Subscribe `tab` to `tab.groups`, and deliver events of new groups since the moment `since`."""


class SocketConnection(TabState):
    """A tab with its socket. All of it but the apps' own functions runs on the loop that serves the socket.

    One task does what waits, one thing at a time, and lives only while something does.
    """

    __slots__ = (
        "_asgi_send", "_beat", "_closing", "_flow", "_frames", "_has_gone", "_has_lost", "_hints", "_hub",
        "_is_lagging", "_is_new", "_out", "_task", "_waiting_bytes", "_window", "due", "joined",
    )  # fmt: skip

    def __init__(self, visitor: Visitor, send: Send, hub: Subscriptions, flow: MemberFlow) -> None:
        super().__init__(*visitor)
        self._asgi_send = send
        self._hub = hub
        self._flow = flow
        self._window = Window()
        self._closing: int | None = None
        self._frames: list[tuple[Frame, int]] = []
        self._waiting_bytes = 0
        self._hints: dict[tuple[Any, ...], Event] = {}
        self._out: list[str] = []
        self._beat = ""
        self._is_new = True
        self._is_lagging = False
        self._has_lost = False
        self._has_gone = False
        self._task: asyncio.Task[None] | None = None
        self.due = 0.0
        self.joined: frozenset[str] = frozenset()

    # -- What others want of it ----------------------------------------------------------------
    def open(self) -> None:
        """Begin: tell what apps say to a new tab."""
        self._wake()

    def close(self, code: int) -> None:
        """Close with `code`, once; what waits is forgotten."""
        if self._closing is None:
            self._closing = code
            self._wake()

    @property
    def code(self) -> int:
        """The code it is closed with; 0 while it is not, and where the tab itself has gone."""
        return self._closing or 0

    def beat(self, said: str) -> None:
        """Send the heartbeat `said`, however slow the tab is."""
        self._beat = said
        if self._has_lost and self.visible:
            self._has_lost, self._is_lagging = False, True
        self._wake()

    def lost_hints(self) -> None:
        """Hints to it may have been lost: with the next heartbeat in view it is told to ask."""
        self._has_lost = True

    def notice(self, event: Event) -> None:
        """Take a hint; equal ones that wait are one, and types that no app knows are nothing."""
        if event["type"] != SESSION and event["type"] not in frames.event_renderers:
            return
        self._hints[tuple(sorted(event.items()))] = event
        if len(self._hints) > WAITING_HINTS:
            self._hints.clear()
            self._is_lagging = True
        self._wake()

    def hear(self, said: str | None) -> None:
        """Take what the tab sent: `said` is None when it was not text."""
        if self._closing is not None:
            return
        if said is not None and is_too_large(said):
            self._refuse("too_large", TOO_LARGE)
        elif not self._flow.tokens.take():
            self._refuse("flood", FLOODED)
        elif (frame := parsed(said)) is None:
            metrics.frames_refused.labels("malformed").inc()
            self._out.append(MALFORMED)
            self._wake()
        else:
            self._take(frame, len(said or ""))

    def _take(self, frame: Frame, size: int) -> None:
        if frame["type"] == "pong":
            self._answered(frame.get("n"))
        elif frame["type"] == "visible":
            self.visible = frame.get("visible") is True
        if frame["type"] in frames.quick_handlers and (said := dispatch.quick_answers(self, frame)):
            self._out += said
            self._wake()
        if frame["type"] not in frames.frame_handlers:
            return
        self._waiting_bytes += size
        more = frames.frame_costs.get(frame["type"], 1) - 1
        if self._waiting_bytes > WAITING_BYTES or not self._flow.tokens.take(more):
            self._refuse("flood", FLOODED)
            return
        self._frames.append((frame, size))
        self._wake()

    def _refuse(self, reason: str, code: int) -> None:
        metrics.frames_refused.labels(reason).inc()
        self.close(code)

    def _answered(self, number: Any) -> None:
        if isinstance(number, int):
            self._window.answered(number)
        if self._is_lagging:
            self._wake()

    async def end(self) -> None:
        """The socket has gone: wait for what is under way, then let apps know."""
        self._closing = self._closing or 0
        self._has_gone = True
        if self._task is not None:
            await asyncio.wait({self._task})
        await self._in_turn(dispatch.closed)

    # -- Its task ------------------------------------------------------------------------------
    def _wake(self) -> None:
        if self._task is None and not self._has_gone:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while await self._step():
                pass
        except Exception as fault:  # noqa: BLE001 -- such as a server that refuses to send to who has gone
            logger.warning("a tab cannot be told (%s)", type(fault).__name__)
        finally:
            self._task = None

    async def _step(self) -> bool:
        """Do one thing that waits; False when nothing does."""
        if self._closing is not None:
            await self._say_goodbye(self._closing)
            return False
        if self._is_new:
            self._is_new = False
            await self._ask(dispatch.opened)
        elif self._beat or self._out:
            await self._send_what_waits()
        elif self._frames:
            frame, size = self._frames.pop(0)
            self._waiting_bytes -= size
            await self._ask(dispatch.answers, frame)
        elif self._is_lagging and not self._window.is_full:
            self._is_lagging = False
            await self._send(LAGGED)
        elif self._hints:
            await self._show_hints()
        else:
            return False
        return True

    async def _say_goodbye(self, code: int) -> None:
        for waiting in (self._frames, self._hints, self._out):
            waiting.clear()
        if not self._has_gone:
            self._has_gone = True
            await self._asgi_send({"type": "websocket.close", "code": code})

    async def _send_what_waits(self) -> None:
        beat, self._beat = self._beat, ""
        if beat:
            await self._send_now(beat)
        said, self._out = self._out, []
        await self._send(*said)

    async def _ask(self, function: Callable[..., list[str]], *arguments: Any) -> None:
        since = monotonic()
        said = await self._in_turn(function, *arguments)
        self._hub.update_subscriptions(self, since)
        await self._send(*said)

    async def _in_turn(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call `function(self, *arguments)` in the pool, after the other jobs of this member."""
        async with self._flow.turn:
            return await in_database(function, self, *arguments)

    async def _show_hints(self) -> None:
        keys = list(self._hints)[:HINTS_AT_ONCE]
        events = [self._hints.pop(key) for key in keys]
        if any(event["type"] == SESSION for event in events) and await self._in_turn(dispatch.is_over):
            self.close(SIGNED_OUT)
        elif self._window.is_full:
            self._is_lagging = True
        else:
            await self._ask(dispatch.rendered, [event for event in events if event["type"] != SESSION])

    async def _send(self, *texts: str) -> None:
        """Send each of `texts`, unless the tab reads too slowly."""
        for said in texts:
            if self._window.is_full:
                self._is_lagging = True
                return
            if self._closing is not None:
                return
            await self._send_now(said)

    async def _send_now(self, said: str) -> None:
        await self._asgi_send({"type": "websocket.send", "text": said})
        number = self._window.add(len(said) if said.isascii() else len(said.encode()))
        if number is not None:
            await self._asgi_send(
                {"type": "websocket.send", "text": encode_frame({"type": "ping", "n": number})}
            )


def is_too_large(said: str) -> bool:
    """Whether a frame is larger than a tab may send; letters take up to four bytes."""
    return len(said) * 4 > FRAME_BYTES and len(said.encode()) > FRAME_BYTES


def parsed(said: str | None) -> Frame | None:
    """The frame that the text `said` is: a JSON object with a type; None for anything else."""
    if said is None:
        return None
    try:
        frame = json.loads(said, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, dict) and isinstance(frame.get("type"), str) else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
