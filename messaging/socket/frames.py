"""Frames that clients send about conversations (docs/realtime.md); events.py has those that they receive."""

import time
from collections.abc import Iterator

from core.sockets.frames import Frame, FrameError, TabState, on_frame, on_quick_frame, read_number
from core.sockets.publisher import publish

from .. import presence
from ..models import Membership
from ..queries import cursors_of_others, membership_of
from ..services.cursors import CursorPosition
from ..topics import conversation_topic
from . import receipts
from .events import new_entry_frames
from .tab_state import close_conversation, messaging_state, open_conversation, viewer_of

# Seconds between two typing events of a tab; clients show typing a little longer.
TYPING_SECONDS = 2.0


@on_frame("messaging.watch", cost=10)
def watch(tab: TabState, frame: Frame) -> Iterator[Frame]:
    """Open a conversation in the tab, which has all entries up to `seq`; answer with the newer ones."""
    conversation_id, seq = read_number(frame, "conversation"), read_number(frame, "seq")
    mine = _membership_or_error(tab, conversation_id)
    view = open_conversation(tab, mine.conversation, seq)
    yield from new_entry_frames(tab, mine)
    yield {
        "type": "messaging.cursors",
        "conversation": mine.conversation_id,
        "cursors": cursors_of_others(mine, viewer_of(tab)),
    }
    if view.other:
        yield {"type": "messaging.presence", **presence.describe_for(view.other, viewer_of(tab))}


@on_frame("messaging.unwatch")
def unwatch(tab: TabState, frame: Frame) -> None:
    close_conversation(tab)


@on_frame("messaging.list")
def show_list(tab: TabState, frame: Frame) -> None:
    messaging_state(tab).list_shown = frame.get("shown") is True


@on_frame("messaging.typing")
def typing(tab: TabState, frame: Frame) -> None:
    view, now = messaging_state(tab), time.monotonic()
    if view.conversation != read_number(frame, "conversation") or now < view.typed_at + TYPING_SECONDS:
        return
    view.typed_at = now
    mine = _membership_or_error(tab, view.conversation)
    if not mine.is_request:
        publish(
            conversation_topic(view.conversation),
            {"type": "messaging.typing", "conversation": view.conversation, "member": tab.member_id},
        )


@on_quick_frame("messaging.delivered")
def delivered(tab: TabState, frame: Frame) -> None:
    receipts.record_cursor(
        read_number(frame, "conversation"), tab.member_id, CursorPosition(delivered=read_number(frame, "seq"))
    )


@on_quick_frame("messaging.read")
def read(tab: TabState, frame: Frame) -> None:
    receipts.record_cursor(
        read_number(frame, "conversation"), tab.member_id, CursorPosition(read=read_number(frame, "seq"))
    )


def _membership_or_error(tab: TabState, conversation_id: int) -> Membership:
    mine = membership_of(viewer_of(tab), conversation_id)
    if mine is None:
        raise FrameError("not_found")
    return mine
