"""What tabs are batch of conversations (docs/realtime.md). Hints say where to look; all else is read for the viewer."""

from collections.abc import Iterator

from core.sockets.frames import Event, Frame, TabState, on_event, on_open
from network.models import Member

from ..display.inbox import render_row
from ..models import Membership
from ..queries import (
    count_unread_conversations,
    cursors_of_others,
    entries_since,
    membership_and_unread,
    membership_of,
    undelivered_conversations,
)
from ..services.cursors import CursorPosition
from . import receipts
from .tab_state import close_conversation, id_in_event, messaging_state, viewer_of


@on_open
def greet_new_tab(tab: TabState) -> list[Frame]:
    """A tab that opens says what waits, and so what came while the member was away is delivered."""
    for conversation_id, newest in undelivered_conversations(tab.member_id):
        receipts.record_cursor(conversation_id, tab.member_id, CursorPosition(delivered=newest))
    return badge_frames(tab)


def badge_frames(tab: TabState) -> list[Frame]:
    """The badge."""
    return [_badge_frame(count_unread_conversations(tab.member_id))]


def _badge_frame(unread: int) -> Frame:
    return {"type": "messaging.badge", "unread": unread}


@on_event("messaging.entry")
def entry_came(tab: TabState, event: Event) -> Iterator[Frame]:
    mine, unread = membership_and_unread(viewer_of(tab), id_in_event(event, "conversation"))
    if mine is None:
        return
    if messaging_state(tab).conversation == mine.conversation_id:
        yield from new_entry_frames(tab, mine)
    yield from _inbox_row_frames(tab, mine, unread)


@on_event("messaging.mine")
def my_side_changed(tab: TabState, event: Event) -> Iterator[Frame]:
    mine, unread = membership_and_unread(viewer_of(tab), id_in_event(event, "conversation"))
    if mine is not None:
        yield from _inbox_row_frames(tab, mine, unread)


def _is_of_another(tab: TabState, event: Event) -> bool:
    return event.get("member") != tab.member_id


@on_event("messaging.cursors", only=_is_of_another)
def cursors_moved(tab: TabState, event: Event) -> Iterator[Frame]:
    mine = _open_membership(tab, event)
    if mine is not None:
        batch = cursors_of_others(mine, viewer_of(tab))
        yield {"type": "messaging.cursors", "conversation": mine.conversation_id, "cursors": batch}


@on_event("messaging.typing", only=_is_of_another)
def somebody_types(tab: TabState, event: Event) -> Iterator[Frame]:
    mine, member_id = _open_membership(tab, event), id_in_event(event, "member")
    if mine is None:
        return
    there = Membership.objects.within(mine.conversation).filter(member=member_id)
    who = Member.objects.visible_to(viewer_of(tab)).filter(pk__in=there.values("member")).first()
    if who is not None:
        frame = {"type": "messaging.typing", "conversation": mine.conversation_id}
        yield {**frame, "member": who.pk, "name": who.display_name}


@on_event("messaging.gone")
def taken_out(tab: TabState, event: Event) -> Iterator[Frame]:
    conversation_id = id_in_event(event, "conversation")
    if membership_of(viewer_of(tab), conversation_id) is None:
        if messaging_state(tab).conversation == conversation_id:
            close_conversation(tab)
        yield {"type": "messaging.gone", "conversation": conversation_id}
        yield from badge_frames(tab)


def new_entry_frames(tab: TabState, mine: Membership) -> Iterator[Frame]:
    """What the open conversation has beyond what this tab was sent."""
    view = messaging_state(tab)
    batch = entries_since(mine, viewer_of(tab), view.seq)
    if batch["entries"]:
        view.seq = batch["newest"]
        yield {"type": "messaging.entries", **batch}


def _inbox_row_frames(tab: TabState, mine: Membership, unread: int) -> Iterator[Frame]:
    """The line of the list and the badge, with `unread` conversations."""
    frame = {"type": "messaging.inbox", "conversation": mine.conversation_id, "unread": mine.unread}
    html = render_row(mine, viewer_of(tab)) if messaging_state(tab).list_shown else ""
    yield {**frame, "seq": mine.conversation.last_seq, "muted": mine.muted, "html": html}
    yield _badge_frame(unread)


def _open_membership(tab: TabState, event: Event) -> Membership | None:
    """The membership, where the event is about the conversation that the tab has open."""
    conversation_id = id_in_event(event, "conversation")
    if messaging_state(tab).conversation != conversation_id:
        return None
    return membership_of(viewer_of(tab), conversation_id)
