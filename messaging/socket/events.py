"""What tabs are told of conversations (docs/realtime.md). Hints say where to look; all else is read for the viewer."""

from collections.abc import Iterator

from core.sockets.frames import Event, Frame, TabState, on_event, on_open
from network.models import Member

from ..display.inbox import row_html
from ..models import Membership
from ..queries import cursors, membership_of, since, undelivered, waiting_conversations
from ..services.cursors import Reached
from . import receipts
from .tab_state import close, id_in, view_of, viewer_of


@on_open
def welcome(tab: TabState) -> list[Frame]:
    """A tab that opens says what waits, and so what came while the member was away is delivered."""
    for conversation_id, newest in undelivered(tab.member_id):
        receipts.note(conversation_id, tab.member_id, Reached(delivered=newest))
    return greet(tab)


def greet(tab: TabState) -> list[Frame]:
    """The badge."""
    return [{"type": "messaging.badge", "unread": waiting_conversations(tab.member_id)}]


@on_event("messaging.entry")
def entry_came(tab: TabState, event: Event) -> Iterator[Frame]:
    mine = membership_of(viewer_of(tab), id_in(event, "conversation"))
    if mine is None:
        return
    if view_of(tab).conversation == mine.conversation_id:
        yield from news(tab, mine)
    yield from _standing(tab, mine)


@on_event("messaging.mine")
def my_side_changed(tab: TabState, event: Event) -> Iterator[Frame]:
    mine = membership_of(viewer_of(tab), id_in(event, "conversation"))
    if mine is not None:
        yield from _standing(tab, mine)


@on_event("messaging.cursors")
def cursors_moved(tab: TabState, event: Event) -> Iterator[Frame]:
    mine = _watched(tab, event) if event.get("member") != tab.member_id else None
    if mine is not None:
        told = cursors(mine, viewer_of(tab))
        yield {"type": "messaging.cursors", "conversation": mine.conversation_id, "cursors": told}


@on_event("messaging.typing")
def somebody_types(tab: TabState, event: Event) -> Iterator[Frame]:
    mine, member_id = _watched(tab, event), id_in(event, "member")
    if mine is None or member_id == tab.member_id:
        return
    there = Membership.objects.within(mine.conversation).filter(member=member_id)
    who = Member.objects.visible_to(viewer_of(tab)).filter(pk__in=there.values("member")).first()
    if who is not None:
        frame = {"type": "messaging.typing", "conversation": mine.conversation_id}
        yield {**frame, "member": who.pk, "name": who.display_name}


@on_event("messaging.gone")
def taken_out(tab: TabState, event: Event) -> Iterator[Frame]:
    conversation_id = id_in(event, "conversation")
    if membership_of(viewer_of(tab), conversation_id) is None:
        if view_of(tab).conversation == conversation_id:
            close(tab)
        yield {"type": "messaging.gone", "conversation": conversation_id}
        yield from greet(tab)


def news(tab: TabState, mine: Membership) -> Iterator[Frame]:
    """What the open conversation has beyond what this tab was sent."""
    view = view_of(tab)
    told = since(mine, viewer_of(tab), view.seq)
    if told["entries"]:
        view.seq = told["newest"]
        yield {"type": "messaging.entries", **told}


def _standing(tab: TabState, mine: Membership) -> Iterator[Frame]:
    """The line of the list and the badge."""
    frame = {"type": "messaging.inbox", "conversation": mine.conversation_id, "unread": mine.unread}
    html = row_html(mine, viewer_of(tab)) if view_of(tab).list_shown else ""
    yield {**frame, "seq": mine.conversation.last_seq, "muted": mine.muted, "html": html}
    yield from greet(tab)


def _watched(tab: TabState, event: Event) -> Membership | None:
    """The membership, where the event is about the conversation that the tab has open."""
    conversation_id = id_in(event, "conversation")
    if view_of(tab).conversation != conversation_id:
        return None
    return membership_of(viewer_of(tab), conversation_id)
