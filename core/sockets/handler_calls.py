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
from .sessions import tabs_with_ended_session

logger = logging.getLogger(__name__)

breaker = Breaker("The database, for sockets,", rest=0.0)


def encode_frame(frame: Frame) -> str:
    """Return `frame` as JSON text."""
    text = json.dumps(frame, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text.encode()  # raises for lone surrogates here, not in the server's code
    return text


def error_frame(reason: str, text: str = "") -> str:
    """Return an error frame: `reason` for programs, `text` for the member."""
    frame = {"type": "error", "reason": reason}
    return encode_frame({**frame, "text": text} if text else frame)


FAILED = error_frame("failed")
BARE_HEARTBEAT = encode_frame({"type": "heartbeat"})


def log_failure(exception: BaseException, operation: str) -> None:
    """Log an exception that was raised in `operation`."""
    if is_outage(exception):
        breaker.trip(exception)
    else:
        logger.error("%s failed", operation, exc_info=exception)


def _call_all(
    functions: Iterable[Callable[..., Frames]], operation: str, *arguments: Any
) -> tuple[list[str], bool]:
    """Call `functions` one after the other; return their encoded frames, and whether all succeeded."""
    texts: list[str] = []
    succeeded = True
    for function in functions:
        try:
            texts += [encode_frame(frame) for frame in function(*arguments) or ()]
        except FrameError as refusal:
            texts.append(error_frame(refusal.reason, refusal.text))
        except Exception as exception:  # noqa: BLE001 -- an app's error must not end the socket
            log_failure(exception, operation)
            succeeded = False
    return texts, succeeded


def open_tab(tab: TabState) -> list[str]:
    """Return the frames of apps for a new tab."""
    return _call_all(frames.openers, "opening a tab", tab)[0]


def close_tab(tab: TabState) -> None:
    """Call the functions that apps registered for a closed tab."""
    _call_all(frames.closers, "closing a tab", tab)


def handle_frame(tab: TabState, frame: Frame) -> list[str]:
    """Return the replies of apps to `frame`, and an error frame when a handler failed."""
    kind = frame["type"]
    texts, succeeded = _call_all(frames.frame_handlers.get(kind, ()), f"the frame {kind}", tab, frame)
    return texts if succeeded else [*texts, FAILED]


def handle_quick_frame(tab: TabState, frame: Frame) -> list[str]:
    """Return the replies of handlers that need no thread (frames.on_quick_frame)."""
    kind = frame["type"]
    texts, succeeded = _call_all(frames.quick_handlers.get(kind, ()), f"the frame {kind}", tab, frame)
    return texts if succeeded else [*texts, FAILED]


def render_events(tab: TabState, events: Sequence[Event]) -> list[str]:
    """Return the frames of `tab` for `events`; after a failure the client resyncs at the next heartbeat."""
    texts: list[str] = []
    for event in events:
        kind = str(event["type"])
        texts += _call_all(frames.event_renderers.get(kind, ()), f"the event {kind}", tab, event)[0]
    return texts


def has_session_ended(tab: TabState) -> bool:
    """Return whether the session of `tab` has ended; False when that cannot be checked now."""
    try:
        return bool(tabs_with_ended_session([tab]))
    except Exception as exception:  # noqa: BLE001 -- checked again at the next heartbeat
        log_failure(exception, "checking a session")
        return False


def collect_heartbeats(tabs: Sequence[TabState]) -> tuple[set[TabState], dict[TabState, str]]:
    """Return those of `tabs` whose session has ended, and the heartbeats of the others."""
    ended: set[TabState] = set()
    try:
        ended = tabs_with_ended_session(tabs)
    except Exception as exception:  # noqa: BLE001 -- checked again at the next heartbeat
        log_failure(exception, "checking sessions")
    valid = [tab for tab in tabs if tab not in ended]
    heartbeats: dict[TabState, Frame] = {tab: {"type": "heartbeat"} for tab in valid}
    for name, part in frames.heartbeat_parts.items() if valid else ():
        try:
            values: Mapping[TabState, Frame] = {tab: dict(value) for tab, value in part(valid).items()}
            encode_frame({name: list(values.values())})  # raises for values that JSON cannot represent
        except Exception as exception:  # noqa: BLE001 -- the other parts are sent
            log_failure(exception, f"the heartbeat's part {name}")
            continue
        for tab, value in values.items():
            if tab in heartbeats:
                heartbeats[tab][name] = value
    return ended, {tab: encode_frame(frame) for tab, frame in heartbeats.items()}


def run_periodic_job(function: frames.PeriodicJob) -> None:
    """Call a periodic job of an app."""
    try:
        function()
    except Exception as exception:  # noqa: BLE001 -- it runs again later
        log_failure(exception, f"the periodic job {function.__name__}")
