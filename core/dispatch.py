"""Calls what apps registered (core.frames), and makes text for the wire of what they answer.

Everything here runs in a thread of the database pool. What an app raises stays here: it costs that frame, never the
socket. A database that is away is said once in a while; other faults are logged each, without what the tab had said.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from . import frames
from .breaker import Breaker
from .frames import Event, Frame, FrameError, Frames, Tab
from .outage import is_outage
from .sessions import ended

logger = logging.getLogger(__name__)

breaker = Breaker("The database, for sockets,", rest=0.0)


def wire(frame: Frame) -> str:
    """The text of `frame` as it travels."""
    said = json.dumps(frame, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    said.encode()  # halves of surrogate pairs are refused here, not in the server's own code
    return said


def error(reason: str, text: str = "") -> str:
    """An error frame: `reason` for programs, `text` for the member."""
    frame = {"type": "error", "reason": reason}
    return wire({**frame, "text": text} if text else frame)


FAILED = error("failed")
BARE_BEAT = wire({"type": "heartbeat"})


def note(fault: BaseException, where: str) -> None:
    """Log what went wrong in `where`."""
    if is_outage(fault):
        breaker.trip(fault)
    else:
        logger.error("%s failed", where, exc_info=fault)


def _called(
    functions: Iterable[Callable[..., Frames]], where: str, *arguments: Any
) -> tuple[list[str], bool]:
    """What `functions` answer, one after the other, and whether all went well."""
    said: list[str] = []
    well = True
    for function in functions:
        try:
            said += [wire(frame) for frame in function(*arguments) or ()]
        except FrameError as refusal:
            said.append(error(refusal.reason, refusal.text))
        except Exception as fault:  # noqa: BLE001 -- an app's fault is not the socket's
            note(fault, where)
            well = False
    return said, well


def opened(tab: Tab) -> list[str]:
    """What apps tell a tab that has opened."""
    return _called(frames.openers, "opening a tab", tab)[0]


def closed(tab: Tab) -> None:
    """Let apps know that `tab` has gone."""
    _called(frames.closers, "closing a tab", tab)


def answers(tab: Tab, frame: Frame) -> list[str]:
    """What apps answer to `frame`; an error frame when one of them failed."""
    kind = frame["type"]
    said, well = _called(frames.frame_handlers.get(kind, ()), f"the frame {kind}", tab, frame)
    return said if well else [*said, FAILED]


def quick_answers(tab: Tab, frame: Frame) -> list[str]:
    """The same of functions that need no thread (frames.on_quick_frame)."""
    kind = frame["type"]
    said, well = _called(frames.quick_handlers.get(kind, ()), f"the frame {kind}", tab, frame)
    return said if well else [*said, FAILED]


def rendered(tab: Tab, events: Sequence[Event]) -> list[str]:
    """What `tab` is shown of `events`; what cannot be shown is found by the tab after the next pulse."""
    said: list[str] = []
    for event in events:
        kind = str(event["type"])
        said += _called(frames.event_renderers.get(kind, ()), f"the event {kind}", tab, event)[0]
    return said


def is_over(tab: Tab) -> bool:
    """Whether the session of `tab` has ended; not while nobody knows."""
    try:
        return bool(ended([tab]))
    except Exception as fault:  # noqa: BLE001 -- asked again at the next pulse
        note(fault, "checking a session")
        return False


def beats(tabs: Sequence[Tab]) -> tuple[set[Tab], dict[Tab, str]]:
    """For `tabs`: those whose session has ended, and the heartbeats of the others."""
    over: set[Tab] = set()
    try:
        over = ended(tabs)
    except Exception as fault:  # noqa: BLE001 -- asked again at the next pulse
        note(fault, "checking sessions")
    living = [tab for tab in tabs if tab not in over]
    beat: dict[Tab, Frame] = {tab: {"type": "heartbeat"} for tab in living}
    for name, part in frames.pulse_parts.items() if living else ():
        try:
            values: Mapping[Tab, Frame] = {tab: dict(value) for tab, value in part(living).items()}
            wire({name: list(values.values())})  # what cannot travel is the part's fault alone
        except Exception as fault:  # noqa: BLE001 -- the other parts are told
            note(fault, f"the heartbeat's part {name}")
            continue
        for tab, value in values.items():
            if tab in beat:
                beat[tab][name] = value
    return over, {tab: wire(frame) for tab, frame in beat.items()}


def chore(function: frames.Chore) -> None:
    """Do what an app registered to be done again and again."""
    try:
        function()
    except Exception as fault:  # noqa: BLE001 -- done again later
        note(fault, f"the chore {function.__name__}")
