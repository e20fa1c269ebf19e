"""One open WebSocket on the server side: its queue of frames and events, and the task that sends them in order."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Protocol, TypeVar

from core.database.thread_pool import in_database
from core.observability import metrics

from . import frames, handler_calls
from .flow_control import FRAME_BYTES, WAITING_BYTES, WAITING_EVENTS, MemberFlow, Window
from .frames import Event, Frame, TabState
from .handler_calls import encode_frame
from .sessions import Visitor

logger = logging.getLogger(__name__)

# Close codes (RFC 6455 7.4; 4000 and above are our own).
RESTART = 1012
FLOODED = 1008
TOO_LARGE = 1009
SIGNED_OUT = 4401

# Events that are rendered with one call in the database pool.
EVENTS_AT_ONCE = 50

# The event of core itself: a session of this member may have ended; the connection checks its own.
SESSION = "tab.session"

MALFORMED = handler_calls.error_frame("malformed")
LAGGED = encode_frame({"type": "lagged"})

T = TypeVar("T")
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Subscriptions(Protocol):
    """What a connection and the heartbeat need of the hub (core.sockets.hub)."""

    connections: set["SocketConnection"]

    @property
    def is_up(self) -> bool:
        """Whether events arrive from the channel layer."""

    def update_subscriptions(self, connection: "SocketConnection", since: float) -> None:
        """Subscribe `connection` to its topics, and deliver events of new topics since the moment `since`."""


class SocketConnection(TabState):
    """The state of a tab with its socket. Everything but the functions of apps runs on the loop that serves the socket.

    One task handles what is queued, in order; it exists only while something is queued.
    """

    __slots__ = (
        "_asgi_send",
        "_closing",
        "_events",
        "_flow",
        "_frames",
        "_has_gone",
        "_heartbeat",
        "_hub",
        "_is_lagging",
        "_is_new",
        "_missed_events",
        "_out",
        "_task",
        "_waiting_bytes",
        "_window",
        "due",
        "joined",
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
        self._events: dict[tuple[Any, ...], Event] = {}
        self._out: list[str] = []
        self._heartbeat = ""
        self._is_new = True
        self._is_lagging = False
        self._missed_events = False
        self._has_gone = False
        self._task: asyncio.Task[None] | None = None
        self.due = 0.0
        self.joined: frozenset[str] = frozenset()

    # -- Called by others ----------------------------------------------------------------------
    def start(self) -> None:
        """Send the frames of apps for a new tab."""
        self._ensure_task()

    def close(self, code: int) -> None:
        """Close with `code`; what is queued is dropped."""
        if self._closing is None:
            self._closing = code
            self._ensure_task()

    @property
    def code(self) -> int:
        """The close code; 0 while open, and where the client closed."""
        return self._closing or 0

    def send_heartbeat(self, text: str) -> None:
        """Send the heartbeat `text`, even to a slow reader."""
        self._heartbeat = text
        if self._missed_events and self.visible:
            self._missed_events, self._is_lagging = False, True
        self._ensure_task()

    def mark_events_lost(self) -> None:
        """Remember that events may be lost: with the next heartbeat of a visible tab the client is asked to resync."""
        self._missed_events = True

    def enqueue_event(self, event: Event) -> None:
        """Queue an event. Equal events are merged; types that no app registered are ignored."""
        if event["type"] != SESSION and not frames.is_event_for(self, event):
            return
        self._events[tuple(sorted(event.items()))] = event
        if len(self._events) > WAITING_EVENTS:
            self._events.clear()
            self._is_lagging = True
        self._ensure_task()

    def handle_message(self, text: str | None) -> None:
        """Handle a message of the client: `text` is None when it was binary."""
        if self._closing is not None:
            return
        if text is not None and is_too_large(text):
            self._close_for("too_large", TOO_LARGE)
        elif not self._flow.tokens.consume():
            self._close_for("flood", FLOODED)
        elif (frame := parse_frame(text)) is None:
            metrics.frames_refused.labels("malformed").inc()
            self._out.append(MALFORMED)
            self._ensure_task()
        else:
            self._handle_frame(frame, len(text or ""))

    def _handle_frame(self, frame: Frame, size: int) -> None:
        if frame["type"] == "pong":
            if isinstance(number := frame.get("n"), int):
                self._window.acknowledge(number)
            if self._is_lagging:
                self._ensure_task()
        elif frame["type"] == "visible":
            self.visible = frame.get("visible") is True
        if frame["type"] in frames.quick_handlers and (
            replies := handler_calls.handle_quick_frame(self, frame)
        ):
            self._out += replies
            self._ensure_task()
        if frame["type"] not in frames.frame_handlers:
            return
        self._waiting_bytes += size
        more = frames.frame_costs[frame["type"]] - 1
        if self._waiting_bytes > WAITING_BYTES or not self._flow.tokens.consume(more):
            self._close_for("flood", FLOODED)
            return
        self._frames.append((frame, size))
        self._ensure_task()

    def _close_for(self, reason: str, code: int) -> None:
        metrics.frames_refused.labels(reason).inc()
        self.close(code)

    async def finish(self) -> None:
        """Wait for the running task after the socket has closed, then call the functions that apps registered."""
        self._closing = self._closing or 0
        self._has_gone = True
        if self._task is not None:
            await asyncio.wait({self._task})
        await self._run_in_pool(handler_calls.close_tab)

    # -- The task ------------------------------------------------------------------------------
    def _ensure_task(self) -> None:
        async def run() -> None:
            try:
                while self._closing is None and await self._handle_next():
                    pass
                if self._closing is not None:
                    for queue in (self._frames, self._events, self._out):
                        queue.clear()
                    if not self._has_gone:
                        self._has_gone = True
                        await self._asgi_send({"type": "websocket.close", "code": self._closing})
            except Exception as error:  # noqa: BLE001 -- such as a server that cannot send to a closed socket
                logger.warning("a frame could not be sent (%s)", type(error).__name__)
            finally:
                self._task = None

        if self._task is None and not self._has_gone:
            self._task = asyncio.get_running_loop().create_task(run())

    async def _handle_next(self) -> bool:
        """Handle one queued item; return False when nothing is queued."""
        if self._is_new:
            self._is_new = False
            await self._run_and_send(handler_calls.open_tab)
        elif self._heartbeat or self._out:
            heartbeat, self._heartbeat = self._heartbeat, ""
            if heartbeat:
                await self._send_now(heartbeat)
            texts, self._out = self._out, []
            await self._send(*texts)
        elif self._frames:
            frame, size = self._frames.pop(0)
            self._waiting_bytes -= size
            await self._run_and_send(handler_calls.handle_frame, frame)
        elif self._is_lagging and not self._window.is_full:
            self._is_lagging = False
            await self._send(LAGGED)
        elif self._events:
            await self._deliver_events()
        else:
            return False
        return True

    async def _run_and_send(self, function: Callable[..., list[str]], *arguments: Any) -> None:
        since = monotonic()
        texts = await self._run_in_pool(function, *arguments)
        self._hub.update_subscriptions(self, since)
        await self._send(*texts)

    async def _run_in_pool(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call `function(self, *arguments)` in the database pool, one call per member at a time."""
        async with self._flow.pool_lock:
            return await in_database(function, self, *arguments)

    async def _deliver_events(self) -> None:
        keys = list(self._events)[:EVENTS_AT_ONCE]
        events = [self._events.pop(key) for key in keys]
        if any(event["type"] == SESSION for event in events) and await self._run_in_pool(
            handler_calls.has_session_ended
        ):
            self.close(SIGNED_OUT)
        elif self._window.is_full:
            self._is_lagging = True
        else:
            await self._run_and_send(
                handler_calls.render_events, [event for event in events if event["type"] != SESSION]
            )

    async def _send(self, *texts: str) -> None:
        """Send each of `texts`, unless the client reads too slowly."""
        for text in texts:
            if self._window.is_full:
                self._is_lagging = True
                return
            if self._closing is not None:
                return
            await self._send_now(text)

    async def _send_now(self, text: str) -> None:
        await self._asgi_send({"type": "websocket.send", "text": text})
        number = self._window.add_sent(len(text) if text.isascii() else len(text.encode()))
        if number is not None:
            await self._asgi_send(
                {"type": "websocket.send", "text": encode_frame({"type": "ping", "n": number})}
            )


def is_too_large(text: str) -> bool:
    """Return whether a frame is larger than a client may send; a character takes up to four bytes."""
    return len(text) * 4 > FRAME_BYTES and len(text.encode()) > FRAME_BYTES


def parse_frame(text: str | None) -> Frame | None:
    """Return the frame in `text`, a JSON object with a type; None for anything else."""

    def refuse_constant(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    if text is None:
        return None
    try:
        frame = json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, dict) and isinstance(frame.get("type"), str) else None
