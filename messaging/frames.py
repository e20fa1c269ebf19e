"""What a tab says of conversations (docs/realtime.md). What it is told is in hints.py."""

import time
from collections.abc import Iterator

from core.sockets.frames import Frame, FrameError, TabState, on_frame, on_quick_frame, read_number
from core.sockets.publisher import publish

from . import presence, receipts
from .models import Membership
from .reading import cursors, membership_of
from .services.cursors import Reached
from .shown import close, open_up, view_of, viewer_of
from .socket_events import news
from .topics import conversation_topic

# One typing hint of a tab in so many seconds; the dots of the others last a little longer.
TYPING_SECONDS = 2.0


@on_frame("messaging.watch", cost=10)
def watch(tab: TabState, frame: Frame) -> Iterator[Frame]:
    """The tab opens a conversation, of which it has everything up to `seq`; what is newer comes back."""
    conversation_id, seq = read_number(frame, "conversation"), read_number(frame, "seq")
    mine = _mine(tab, conversation_id)
    view = open_up(tab, mine.conversation, seq)
    yield from news(tab, mine)
    yield {
        "type": "messaging.cursors",
        "conversation": mine.conversation_id,
        "cursors": cursors(mine, viewer_of(tab)),
    }
    if view.other:
        yield {"type": "messaging.presence", **presence.shown(view.other, viewer_of(tab))}


@on_frame("messaging.unwatch")
def unwatch(tab: TabState, frame: Frame) -> None:
    close(tab)


@on_frame("messaging.list")
def show_list(tab: TabState, frame: Frame) -> None:
    view_of(tab).list_shown = frame.get("shown") is True


@on_frame("messaging.typing")
def typing(tab: TabState, frame: Frame) -> None:
    view, now = view_of(tab), time.monotonic()
    if view.conversation != read_number(frame, "conversation") or now < view.typed_at + TYPING_SECONDS:
        return
    view.typed_at = now
    mine = _mine(tab, view.conversation)
    if not mine.is_request:
        publish(
            conversation_topic(view.conversation),
            {"type": "messaging.typing", "conversation": view.conversation, "member": tab.member_id},
        )


@on_quick_frame("messaging.delivered")
def delivered(tab: TabState, frame: Frame) -> None:
    receipts.note(
        read_number(frame, "conversation"), tab.member_id, Reached(delivered=read_number(frame, "seq"))
    )


@on_quick_frame("messaging.read")
def read(tab: TabState, frame: Frame) -> None:
    receipts.note(read_number(frame, "conversation"), tab.member_id, Reached(read=read_number(frame, "seq")))


def _mine(tab: TabState, conversation_id: int) -> Membership:
    mine = membership_of(viewer_of(tab), conversation_id)
    if mine is None:
        raise FrameError("not_found")
    return mine
