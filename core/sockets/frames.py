"""Registry of frame and event handlers. Each app registers its own in `frames.py`, imported in AppConfig.ready.

Everything registered here is a plain synchronous function that runs in a thread of the database pool. What one tab
causes runs one after the other, in order; only `on_heartbeat` may run beside it, for many tabs at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from .publisher import member_topic

Frame = dict[str, Any]
Event = Mapping[str, int | str | None]
Frames = Iterable[Frame] | None


class TabState:
    """One open tab of a member, as apps know it. Two tabs are never equal.

    `topics` are those it subscribes to (core.sockets.publisher.publish); handlers add and remove. `visible`
    says whether the tab is in front. `state[app]` is the app's own; it ends with the tab.
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
    """What a tab asked for is not to be had: it gets `{"type": "error", "reason": reason, "text": text}`.

    `reason` is a word for programs ("not_found", "malformed"), `text` a sentence for the member or "".
    """

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.text = text


FrameHandler = Callable[[TabState, Frame], Frames]
EventRenderer = Callable[[TabState, Event], Frames]
TabFunction = Callable[[TabState], Frames]
HeartbeatPart = Callable[[Sequence[TabState]], Mapping[TabState, Mapping[str, Any]]]
Chore = Callable[[], None]
F = TypeVar("F", bound=Callable[..., Any])

frame_handlers: dict[str, list[FrameHandler]] = {}
frame_costs: dict[str, int] = {}
quick_handlers: dict[str, list[FrameHandler]] = {}
event_renderers: dict[str, list[EventRenderer]] = {}
openers: list[TabFunction] = []
closers: list[TabFunction] = []
heartbeat_parts: dict[str, HeartbeatPart] = {}
chores: list[tuple[float, Chore]] = []


def on_frame(frame_type: str, *, cost: int = 1) -> Callable[[F], F]:
    """Register `f(tab, frame) -> frames | None` for frames that a tab sends; several may hear one type.

    It may change `tab.topics` and `tab.state`, and raise FrameError. `cost` is in tokens of the member
    (core.sockets.flow_control): more than one for what takes the database longer.
    """

    def register(function: F) -> F:
        frame_costs[frame_type] = max(cost, frame_costs.get(frame_type, 1))
        frame_handlers.setdefault(frame_type, []).append(function)
        return function

    return register


def on_quick_frame(frame_type: str) -> Callable[[F], F]:
    """Register `f(tab, frame) -> frames | None` that only notes something: it is called on the loop that serves all
    sockets, before what waits, so it must not wait for anything, least of all a database."""

    def register(function: F) -> F:
        quick_handlers.setdefault(frame_type, []).append(function)
        return function

    return register


def on_event(event_type: str) -> Callable[[F], F]:
    """Register `f(tab, event) -> frames | None`: the frames for a tab when an event reaches one of its topics.

    The event holds ids only: what they mean is read from the database, for `tab.member_id`. Equal events that are
    queued together are rendered once.
    """

    def register(function: F) -> F:
        event_renderers.setdefault(event_type, []).append(function)
        return function

    return register


def on_open(function: F) -> F:
    """Register `f(tab) -> frames | None`: what a tab is told right after it opened."""
    openers.append(function)
    return function


def on_close(function: F) -> F:
    """Register `f(tab)`, called once when a tab that was open has gone; what it returns reaches nobody."""
    closers.append(function)
    return function


def on_heartbeat(name: str) -> Callable[[F], F]:
    """Register `f(tabs) -> {tab: values}`: what stands under `name` in the heartbeat.

    ONE call for many tabs: its queries must not grow with them. A name taken twice is a ValueError.
    """

    def register(function: F) -> F:
        if name in heartbeat_parts:
            raise ValueError(f"the heartbeat has a part {name!r} already")
        heartbeat_parts[name] = function
        return function

    return register


def every(seconds: float) -> Callable[[F], F]:
    """Register `f()`, called every `seconds` in each process that has tabs, and once more when the last has gone."""

    def register(function: F) -> F:
        chores.append((seconds, function))
        return function

    return register


def whole(frame: Frame, key: str, most: int = 2**62) -> int:
    """The whole number 0 … `most` under `key`; FrameError "malformed" for anything else."""
    value = frame.get(key)
    if type(value) is not int or not 0 <= value <= most:
        raise FrameError("malformed")
    return value


def text(frame: Frame, key: str, longest: int) -> str:
    """The text of at most `longest` characters under `key`; FrameError "malformed" for anything else.

    What no database stores is refused too: NUL, and halves of surrogate pairs.
    """
    value = frame.get(key)
    if not isinstance(value, str) or len(value) > longest or "\x00" in value:
        raise FrameError("malformed")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise FrameError("malformed")
    return value
