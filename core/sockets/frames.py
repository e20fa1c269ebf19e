"""Registry of frame and event handlers. Each app registers its own in `frames.py`, imported in AppConfig.ready.

Registered functions are synchronous and run in a thread of the database pool. The functions of one tab run one after
the other, in order; only `on_heartbeat` may run at the same time, for many tabs at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from .publisher import member_topic

Frame = dict[str, Any]
Event = Mapping[str, int | str | None]
Frames = Iterable[Frame] | None


class TabState:
    """One open tab of a member, as apps see it. Two tabs are never equal.

    `topics` are its subscriptions (core.sockets.publisher.publish); handlers add and remove them. `visible` says
    whether the tab is in the foreground. `state[app]` belongs to the app; it ends with the tab.
    """

    __slots__ = ("member_id", "session_hash", "session_key", "state", "topics", "visible")

    def __init__(self, member_id: int, session_key: str = "", session_hash: str = "") -> None:
        self.member_id = member_id
        self.session_key = session_key
        self.session_hash = session_hash
        self.topics: set[str] = {member_topic(member_id)}
        self.visible = False
        self.state: dict[str, Any] = {}


class FrameError(Exception):
    """A frame was refused: the client gets `{"type": "error", "reason": reason, "text": text}`.

    `reason` is a word for programs ("not_found", "malformed"), `text` a sentence for the member or "".
    """

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.text = text


FrameHandler = Callable[[TabState, Frame], Frames]
EventRenderer = Callable[[TabState, Event], Frames]
EventFilter = Callable[[TabState, Event], bool]
TabFunction = Callable[[TabState], Frames]
HeartbeatPart = Callable[[Sequence[TabState]], Mapping[TabState, Mapping[str, Any]]]
PeriodicJob = Callable[[], None]
F = TypeVar("F", bound=Callable[..., Any])

frame_handlers: dict[str, list[FrameHandler]] = {}
frame_costs: dict[str, int] = {}
quick_handlers: dict[str, list[FrameHandler]] = {}
event_renderers: dict[str, list[EventRenderer]] = {}
event_filters: dict[str, EventFilter] = {}
openers: list[TabFunction] = []
closers: list[TabFunction] = []
heartbeat_parts: dict[str, HeartbeatPart] = {}
periodic_jobs: list[tuple[float, PeriodicJob]] = []


def on_frame(frame_type: str, *, cost: int = 1) -> Callable[[F], F]:
    """Register `f(tab, frame) -> frames | None` for frames of clients; a type may have several handlers.

    It may change `tab.topics` and `tab.state`, and raise FrameError. `cost` is in tokens of the member
    (core.sockets.flow_control): more than one for expensive queries.
    """

    def register(function: F) -> F:
        frame_costs[frame_type] = max(cost, frame_costs.get(frame_type, 1))
        frame_handlers.setdefault(frame_type, []).append(function)
        return function

    return register


def on_quick_frame(frame_type: str) -> Callable[[F], F]:
    """Register `f(tab, frame) -> frames | None` for a handler that only changes memory.

    It is called on the loop of all sockets, before queued frames, so it must not block, least of all on a database.
    """

    def register(function: F) -> F:
        quick_handlers.setdefault(frame_type, []).append(function)
        return function

    return register


def on_event(event_type: str, *, only: EventFilter | None = None) -> Callable[[F], F]:
    """Register `f(tab, event) -> frames | None`: the frames of a tab for an event of one of its topics.

    The event contains ids only: the function reads the rows from the database, for `tab.member_id`. Equal events that
    are queued together are rendered once. A tab for which `only(tab, event)` is False does not get the event; it is
    called on the loop of all sockets, so it must only compare ids. A type has one such condition.
    """

    def register(function: F) -> F:
        if only is not None:
            event_filters[event_type] = only
        event_renderers.setdefault(event_type, []).append(function)
        return function

    return register


def is_event_for(tab: TabState, event: Event) -> bool:
    """Return whether an app renders events of this type, and `tab` gets this one."""
    kind = str(event["type"])
    only = event_filters.get(kind)
    return kind in event_renderers and (only is None or only(tab, event))


def on_open(function: F) -> F:
    """Register `f(tab) -> frames | None`: the first frames of a new tab."""
    openers.append(function)
    return function


def on_close(function: F) -> F:
    """Register `f(tab)`, called once when a tab has closed; its result is ignored."""
    closers.append(function)
    return function


def on_heartbeat(name: str) -> Callable[[F], F]:
    """Register `f(tabs) -> {tab: values}`: the value of the key `name` in heartbeats.

    ONE call for many tabs: the number of queries must not depend on it. Raises ValueError for a duplicate name.
    """

    def register(function: F) -> F:
        if name in heartbeat_parts:
            raise ValueError(f"the heartbeat has a part {name!r} already")
        heartbeat_parts[name] = function
        return function

    return register


def run_every(seconds: float) -> Callable[[F], F]:
    """Register `f()`, called every `seconds` in each process that has tabs, and once after the last tab closes."""

    def register(function: F) -> F:
        periodic_jobs.append((seconds, function))
        return function

    return register


def read_number(frame: Frame, key: str, most: int = 2**62) -> int:
    """Return the integer 0 … `most` at `key`. Raises FrameError "malformed" for anything else."""
    value = frame.get(key)
    if type(value) is not int or not 0 <= value <= most:
        raise FrameError("malformed")
    return value


def read_text(frame: Frame, key: str, longest: int) -> str:
    """Return the text of at most `longest` characters at `key`. Raises FrameError "malformed" for anything else.

    NUL and lone surrogates are refused, too, since databases cannot store them.
    """
    value = frame.get(key)
    if not isinstance(value, str) or len(value) > longest or "\x00" in value:
        raise FrameError("malformed")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise FrameError("malformed")
    return value
