"""Calls the functions that apps registered (core.sockets.frames) and encodes the frames that they return.

Everything here runs in a thread of the database pool. An exception of an app costs that frame, never the socket. An
outage of the database is logged now and then; other errors are logged each, without the content of the frame.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from core.database.db_errors import is_outage
from core.observability.breaker import Breaker

from . import frames
from .frames import Event, Frame, FrameError, Frames, TabState
from .sessions import ended

logger = logging.getLogger(__name__)

breaker = Breaker("The database, for sockets,", rest=0.0)


def encode_frame(frame: Frame) -> str:
    """Return `frame` as JSON text."""
    said = json.dumps(frame, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    said.encode()  # halves of surrogate pairs are refused here, not in the server's own code
    return said


def error(reason: str, text: str = "") -> str:
    """An error frame: `reason` for programs, `text` for the member."""
    frame = {"type": "error", "reason": reason}
    return encode_frame({**frame, "text": text} if text else frame)


FAILED = error("failed")
BARE_HEARTBEAT = encode_frame({"type": "heartbeat"})


def log_failure(fault: BaseException, where: str) -> None:
    """Log an exception that was raised in `where`."""
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
            said += [encode_frame(frame) for frame in function(*arguments) or ()]
        except FrameError as refusal:
            said.append(error(refusal.reason, refusal.text))
        except Exception as fault:  # noqa: BLE001 -- an app's fault is not the socket's
            log_failure(fault, where)
            well = False
    return said, well


def opened(tab: TabState) -> list[str]:
    """What apps tell a tab that has opened."""
    return _called(frames.openers, "opening a tab", tab)[0]


def closed(tab: TabState) -> None:
    """Let apps know that `tab` has gone."""
    _called(frames.closers, "closing a tab", tab)


def answers(tab: TabState, frame: Frame) -> list[str]:
    """What apps answer to `frame`; an error frame when one of them failed."""
    kind = frame["type"]
    said, well = _called(frames.frame_handlers.get(kind, ()), f"the frame {kind}", tab, frame)
    return said if well else [*said, FAILED]


def quick_answers(tab: TabState, frame: Frame) -> list[str]:
    """The same of functions that need no thread (frames.on_quick_frame)."""
    kind = frame["type"]
    said, well = _called(frames.quick_handlers.get(kind, ()), f"the frame {kind}", tab, frame)
    return said if well else [*said, FAILED]


def rendered(tab: TabState, events: Sequence[Event]) -> list[str]:
    """What `tab` is shown of `events`; what cannot be shown is found by the tab after the next pulse."""
    said: list[str] = []
    for event in events:
        kind = str(event["type"])
        said += _called(frames.event_renderers.get(kind, ()), f"the event {kind}", tab, event)[0]
    return said


def is_over(tab: TabState) -> bool:
    """Whether the session of `tab` has ended; not while nobody knows."""
    try:
        return bool(ended([tab]))
    except Exception as fault:  # noqa: BLE001 -- asked again at the next pulse
        log_failure(fault, "checking a session")
        return False


def heartbeats(tabs: Sequence[TabState]) -> tuple[set[TabState], dict[TabState, str]]:
    """For `tabs`: those whose session has ended, and the heartbeats of the others."""
    over: set[TabState] = set()
    try:
        over = ended(tabs)
    except Exception as fault:  # noqa: BLE001 -- asked again at the next pulse
        log_failure(fault, "checking sessions")
    living = [tab for tab in tabs if tab not in over]
    beat: dict[TabState, Frame] = {tab: {"type": "heartbeat"} for tab in living}
    for name, part in frames.heartbeat_parts.items() if living else ():
        try:
            values: Mapping[TabState, Frame] = {tab: dict(value) for tab, value in part(living).items()}
            encode_frame({name: list(values.values())})  # what cannot travel is the part's fault alone
        except Exception as fault:  # noqa: BLE001 -- the other parts are told
            log_failure(fault, f"the heartbeat's part {name}")
            continue
        for tab, value in values.items():
            if tab in beat:
                beat[tab][name] = value
    return over, {tab: encode_frame(frame) for tab, frame in beat.items()}


def chore(function: frames.Chore) -> None:
    """Do what an app registered to be done again and again."""
    try:
        function()
    except Exception as fault:  # noqa: BLE001 -- done again later
        log_failure(fault, f"the chore {function.__name__}")
