"""Conversations on the socket (docs/realtime.md). Hints say where to look; what is shown is read for the viewer."""

import time
from collections.abc import Iterator

from core.frames import (
    Event,
    Frame,
    FrameError,
    Tab,
    on_event,
    on_frame,
    on_open,
    on_quick_frame,
    whole,
)
from core.realtime import publish
from network.models import Member

from . import presence, receipts
from .groups import conversation_group, presence_group
from .inbox import row_html
from .models import Membership
from .reading import cursors, membership_of, since, waiting_conversations
from .services.cursors import Reached
from .shown import View, id_in, view_of, viewer_of

# One typing hint of a tab in so many seconds; the dots of the others last a little longer.
TYPING_SECONDS = 2.0


def _mine(tab: Tab, conversation_id: int) -> Membership:
    mine = membership_of(viewer_of(tab), conversation_id)
    if mine is None:
        raise FrameError("not_found")
    return mine


@on_open
def greet(tab: Tab) -> list[Frame]:
    return [{"type": "messaging.badge", "unread": waiting_conversations(tab.member_id)}]


@on_frame("messaging.watch")
def watch(tab: Tab, frame: Frame) -> Iterator[Frame]:
    """The tab opens a conversation, of which it has everything up to `seq`; what is newer comes back."""
    conversation_id, seq = whole(frame, "conversation"), whole(frame, "seq")
    mine = _mine(tab, conversation_id)
    unwatch(tab, frame)
    view = view_of(tab)
    view.conversation, view.seq = conversation_id, min(seq, mine.conversation.last_seq)
    view.other = mine.conversation.other_id(tab.member_id) if mine.conversation.is_direct else 0
    tab.groups |= _watched_groups(view)
    yield from _news(tab, mine)
    yield {
        "type": "messaging.cursors",
        "conversation": mine.conversation_id,
        "cursors": cursors(mine, viewer_of(tab)),
    }
    if shown := view.other and presence.shown(view.other, viewer_of(tab)):
        yield {"type": "messaging.presence", **shown}


@on_frame("messaging.unwatch")
def unwatch(tab: Tab, frame: Frame) -> None:
    view = view_of(tab)
    tab.groups -= _watched_groups(view)
    view.conversation = view.seq = view.other = 0


@on_frame("messaging.list")
def show_list(tab: Tab, frame: Frame) -> None:
    view_of(tab).list_shown = frame.get("shown") is True


@on_frame("messaging.typing")
def typing(tab: Tab, frame: Frame) -> None:
    view, now = view_of(tab), time.monotonic()
    if view.conversation != whole(frame, "conversation") or now < view.typed_at + TYPING_SECONDS:
        return
    view.typed_at = now
    mine = _mine(tab, view.conversation)
    if not mine.is_request:
        publish(
            conversation_group(view.conversation),
            {"type": "messaging.typing", "conversation": view.conversation, "member": tab.member_id},
        )


@on_quick_frame("messaging.delivered")
def delivered(tab: Tab, frame: Frame) -> None:
    receipts.note(whole(frame, "conversation"), tab.member_id, Reached(delivered=whole(frame, "seq")))


@on_quick_frame("messaging.read")
def read(tab: Tab, frame: Frame) -> None:
    receipts.note(whole(frame, "conversation"), tab.member_id, Reached(read=whole(frame, "seq")))


@on_event("messaging.entry")
def entry_came(tab: Tab, event: Event) -> Iterator[Frame]:
    mine = membership_of(viewer_of(tab), id_in(event, "conversation"))
    if mine is None:
        return
    if view_of(tab).conversation == mine.conversation_id:
        yield from _news(tab, mine)
    yield from _standing(tab, mine)


@on_event("messaging.mine")
def my_side_changed(tab: Tab, event: Event) -> Iterator[Frame]:
    mine = membership_of(viewer_of(tab), id_in(event, "conversation"))
    if mine is not None:
        yield from _standing(tab, mine)


@on_event("messaging.cursors")
def cursors_moved(tab: Tab, event: Event) -> Iterator[Frame]:
    mine = _watched(tab, event) if event.get("member") != tab.member_id else None
    if mine is not None:
        told = cursors(mine, viewer_of(tab))
        yield {"type": "messaging.cursors", "conversation": mine.conversation_id, "cursors": told}


@on_event("messaging.typing")
def somebody_types(tab: Tab, event: Event) -> Iterator[Frame]:
    mine, member_id = _watched(tab, event), id_in(event, "member")
    if mine is None or member_id == tab.member_id:
        return
    there = Membership.objects.within(mine.conversation).filter(member=member_id)
    who = Member.objects.visible_to(viewer_of(tab)).filter(pk__in=there.values("member")).first()
    if who is not None:
        frame = {"type": "messaging.typing", "conversation": mine.conversation_id}
        yield {**frame, "member": who.pk, "name": who.display_name}


@on_event("messaging.gone")
def taken_out(tab: Tab, event: Event) -> Iterator[Frame]:
    conversation_id = id_in(event, "conversation")
    if membership_of(viewer_of(tab), conversation_id) is None:
        if view_of(tab).conversation == conversation_id:
            unwatch(tab, {})
        yield {"type": "messaging.gone", "conversation": conversation_id}
        yield from greet(tab)


def _news(tab: Tab, mine: Membership) -> Iterator[Frame]:
    """What the open conversation has beyond what this tab was sent."""
    view = view_of(tab)
    told = since(mine, viewer_of(tab), view.seq)
    if told["entries"]:
        view.seq = told["newest"] if told["more"] else told["entries"][-1]["seq"]
        yield {"type": "messaging.entries", **told}


def _standing(tab: Tab, mine: Membership) -> Iterator[Frame]:
    """The line of the list and the badge."""
    frame = {"type": "messaging.inbox", "conversation": mine.conversation_id, "unread": mine.unread}
    html = row_html(mine, viewer_of(tab)) if view_of(tab).list_shown else ""
    yield {**frame, "seq": mine.conversation.last_seq, "muted": mine.muted, "html": html}
    yield from greet(tab)


def _watched(tab: Tab, event: Event) -> Membership | None:
    """The membership, where the event is about the conversation that the tab has open."""
    conversation_id = id_in(event, "conversation")
    if view_of(tab).conversation != conversation_id:
        return None
    return membership_of(viewer_of(tab), conversation_id)


def _watched_groups(view: View) -> set[str]:
    groups = {conversation_group(view.conversation)} if view.conversation else set()
    return groups | ({presence_group(view.other)} if view.other else set())
