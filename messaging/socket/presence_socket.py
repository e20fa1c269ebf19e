"""Presence over the socket: tabs that become visible or hidden, and the heartbeat."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone

from core.sockets.frames import Event, Frame, TabState, on_close, on_event, on_frame, on_heartbeat

from .. import presence
from ..models import Membership, Presence
from ..queries import MOST_COUNTED
from .tab_state import id_in_event, messaging_state, viewer_of


@on_frame("visible")
def update_visibility(tab: TabState, frame: Frame) -> None:
    view = messaging_state(tab)
    if tab.visible != view.in_view:
        view.in_view = tab.visible
        (presence.mark_online if tab.visible else presence.mark_away)(tab.member_id)


@on_close
def close_tab(tab: TabState) -> None:
    if messaging_state(tab).in_view:
        messaging_state(tab).in_view = False
        presence.mark_away(tab.member_id)


@on_event("messaging.presence")
def presence_changed(tab: TabState, event: Event) -> Iterator[Frame]:
    view, member_id = messaging_state(tab), id_in_event(event, "member")
    if member_id and view.other == member_id:
        yield {"type": "messaging.presence", **presence.describe_for(member_id, viewer_of(tab))}


@on_event("messaging.left")
def confirm_presence(tab: TabState, event: Event) -> tuple[()]:
    """Another process hid the member's last tab there, and this tab is visible."""
    if tab.visible and id_in_event(event, "member") == tab.member_id:
        presence.touch([tab.member_id])
    return ()


@on_heartbeat("messaging")
def heartbeat_payloads(tabs: Sequence[TabState]) -> Mapping[TabState, Mapping[str, Any]]:
    """Return the badge, and for tabs with an open conversation its newest number and the other member's presence."""
    members = {tab.member_id for tab in tabs}
    if in_view := {tab.member_id for tab in tabs if tab.visible}:
        presence.touch(in_view)
    unread: dict[int, int] = dict.fromkeys(members, 0)
    for member_id in Membership.objects.waiting().filter(member__in=members).values_list("member", flat=True):
        unread[member_id] = min(unread[member_id] + 1, MOST_COUNTED)
    watched = {
        (messaging_state(tab).conversation, tab.member_id)
        for tab in tabs
        if messaging_state(tab).conversation
    }
    watchers = Q(conversation__in={pair[0] for pair in watched}, member__in={pair[1] for pair in watched})
    rows = Membership.objects.filter(watchers, left_at=None) if watched else Membership.objects.none()
    newest = {
        row[:2]: row[2] for row in rows.values_list("conversation_id", "member_id", "conversation__last_seq")
    }
    pairs = presence.agreed_pairs(
        {(messaging_state(tab).conversation, tab.member_id) for tab in tabs if messaging_state(tab).other}
    )
    known = Presence.objects.in_bulk({member for _viewer, member in pairs})
    there = {pair: known[pair[1]] for pair in pairs if pair[1] in known}
    payloads: dict[TabState, dict[str, Any]] = {tab: {"unread": unread[tab.member_id]} for tab in tabs}
    for tab, payload in payloads.items():
        view = messaging_state(tab)
        seq = newest.get((view.conversation, tab.member_id))
        if seq is not None:
            payload |= {"conversation": view.conversation, "newest": seq}
        if seq is not None and view.other:
            seen = there.get((tab.member_id, view.other))
            payload["presence"] = presence.describe(view.other, seen, timezone.now())
    return payloads
