"""Who types, who is there, and what the heartbeat says of it."""

from typing import Any

import pytest
from django.utils import timezone

from core.sockets import frames as registry
from core.sockets.frames import TabState
from messaging import presence, services
from messaging.models import Conversation, Presence
from messaging.socket.tab_state import messaging_state
from messaging.tests.factories import send, statements_of
from messaging.tests.socket_tabs import beat, entry_hint, hint, say, types, watching
from network.services import block_member
from tests.cast import connect, make_member
from users.models import User

pytestmark = pytest.mark.django_db


# -- Typing and presence -----------------------------------------------------------------------


def test_typing_is_shown_to_the_other(
    conversation: Conversation, alice: User, bob: User, published: list[dict[str, Any]]
) -> None:
    tab = watching(alice, conversation)
    assert say(tab, "messaging.typing", conversation=conversation.pk) == []
    say(tab, "messaging.typing", conversation=conversation.pk)
    event = {"type": "messaging.typing", "conversation": conversation.pk, "member": alice.pk}
    assert [each for each in published if each["event"] == event] == [
        {"topics": [f"conversation.{conversation.pk}"], "event": event}
    ]
    ids = {"conversation": conversation.pk, "member": alice.pk}
    assert hint(watching(bob, conversation), "messaging.typing", **ids) == [
        {"type": "messaging.typing", **ids, "name": "Alice Álvarez"}
    ]
    assert hint(tab, "messaging.typing", **ids) == []
    assert hint(TabState(bob.pk), "messaging.typing", **ids) == []


def test_typing_elsewhere_says_nothing(conversation: Conversation, alice: User, published: list[Any]) -> None:
    say(TabState(alice.pk), "messaging.typing", conversation=conversation.pk)
    assert published == []


def test_whoever_has_not_accepted_a_request_types_unseen(
    alice: User, charlie: User, published: list[Any]
) -> None:
    request = services.start_direct(by=charlie, other=alice)
    tab = watching(alice, request)
    published.clear()
    say(tab, "messaging.typing", conversation=request.pk)
    assert published == []


def test_somebody_who_is_not_in_types_unseen(group: Conversation, bob: User, charlie: User) -> None:
    assert hint(watching(bob, group), "messaging.typing", conversation=group.pk, member=charlie.pk) == []


def test_who_has_left_types_unseen(group: Conversation, alice: User, bob: User) -> None:
    tab = watching(alice, group)
    assert hint(tab, "messaging.typing", conversation=group.pk, member=bob.pk) != []
    services.leave_conversation(conversation=group, member=bob)
    assert hint(tab, "messaging.typing", conversation=group.pk, member=bob.pk) == []


def test_who_types_on_is_shown_every_two_seconds(
    conversation: Conversation, alice: User, published: list[Any]
) -> None:
    tab = watching(alice, conversation)
    shown = []
    for seconds in (0.0, 1.9, 0.2):
        published.clear()
        messaging_state(tab).typed_at -= seconds
        say(tab, "messaging.typing", conversation=conversation.pk)
        shown.append(len(published))
    assert shown == [1, 0, 1]


def test_between_two_who_are_blocked_nothing_is_shown(
    conversation: Conversation, alice: User, bob: User
) -> None:
    send(conversation, bob)
    tab = watching(alice, conversation, 1)
    presence.touch([bob.pk])
    assert beat(tab)[tab]["presence"]["online"] is True
    block_member(blocker=bob, blocked=alice)
    # What the tab was shown before goes, be it by the hint or by the heartbeat.
    nothing = {"member": bob.pk, "online": False, "words": ""}
    assert hint(tab, "messaging.presence", member=bob.pk) == [{"type": "messaging.presence", **nothing}]
    assert hint(tab, "messaging.typing", conversation=conversation.pk, member=bob.pk) == []
    assert hint(tab, "messaging.cursors", conversation=conversation.pk)[0]["cursors"] == []
    assert beat(tab)[tab] == {"unread": 1, "conversation": conversation.pk, "newest": 1, "presence": nothing}
    answers = say(TabState(alice.pk), "messaging.watch", conversation=conversation.pk, seq=1)
    assert types(answers) == ["messaging.cursors", "messaging.presence"]
    assert answers[1] == {"type": "messaging.presence", **nothing}


def test_a_block_tells_the_tabs_of_both_that_nobody_is_there(
    conversation: Conversation, alice: User, bob: User, published: list[dict[str, Any]]
) -> None:
    block_member(blocker=bob, blocked=alice)
    told = [each for each in published if each["event"]["type"] == "messaging.presence"]
    assert sorted((each["topics"], each["event"]["member"]) for each in told) == [
        ([f"presence.{member.pk}"], member.pk) for member in (alice, bob)
    ]


def test_the_heartbeat_of_a_group_tells_of_nobodys_presence(
    group: Conversation, alice: User, bob: User
) -> None:
    presence.touch([bob.pk])
    tab = watching(alice, group)
    newest = Conversation.objects.get(pk=group.pk).last_seq
    told = beat(tab)[tab]
    assert (told["conversation"], told["newest"], "presence" in told) == (group.pk, newest, False)


@pytest.mark.parametrize("values", [{"suspended_at": timezone.now()}, {"is_active": False}])
def test_who_is_gone_is_not_shown_as_there(
    conversation: Conversation, alice: User, bob: User, values: dict[str, Any]
) -> None:
    presence.touch([bob.pk])
    User.objects.filter(pk=bob.pk).update(**values)
    tab = watching(alice, conversation)
    nothing = {"member": bob.pk, "online": False, "words": ""}
    assert beat(tab)[tab]["presence"] == nothing
    assert hint(tab, "messaging.presence", member=bob.pk) == [{"type": "messaging.presence", **nothing}]


def test_a_tab_in_view_is_there_and_the_last_one_that_goes_is_not(
    conversation: Conversation, alice: User, bob: User, published: list[dict[str, Any]]
) -> None:
    one, two = TabState(bob.pk), TabState(bob.pk)
    for tab in (one, two):
        tab.visible = True
        say(tab, "visible", visible=True)
        say(tab, "visible", visible=True)
    assert presence.online_among([bob.pk, alice.pk]) == {bob.pk}
    assert [each["topics"] for each in published] == [[f"presence.{bob.pk}"]]
    shown = hint(watching(alice, conversation), "messaging.presence", member=bob.pk)
    assert shown[0]["online"] is True
    for closer in registry.closers:
        closer(one)
    assert Presence.objects.get(member=bob).until > timezone.now() + presence.GRACE
    Presence.objects.update(seen_at=timezone.now() - presence.STAYS)
    two.visible = False
    moment = timezone.now()
    say(two, "visible", visible=False)
    row = Presence.objects.get(member=bob)
    # Last seen now, and there for a moment more: until the next page has come.
    assert row.seen_at >= moment
    assert moment + presence.GRACE <= row.until <= timezone.now() + presence.GRACE
    for closer in registry.closers:
        closer(two)
    Presence.objects.update(seen_at=timezone.now() - 2 * presence.STAYS, until=timezone.now())
    assert presence.online_among([bob.pk]) == set()
    (frame,) = hint(watching(alice, conversation), "messaging.presence", member=bob.pk)
    assert (frame["online"], frame["words"]) == (False, "last seen 2 min ago")


def test_a_tab_on_another_process_says_that_its_member_is_there_after_all(
    bob: User, published: list[dict[str, Any]]
) -> None:
    gone, hidden, here = TabState(bob.pk), TabState(bob.pk), TabState(bob.pk)
    gone.visible = True
    say(gone, "visible", visible=True)
    published.clear()
    for closer in registry.closers:
        closer(gone)
    assert [(each["topics"], each["event"]["type"]) for each in published] == [
        ([f"member.{bob.pk}"], "messaging.left")
    ]
    ending = Presence.objects.get(member=bob).until
    assert hint(hidden, "messaging.left", member=bob.pk) == []
    assert Presence.objects.get(member=bob).until == ending
    here.visible = True
    assert hint(here, "messaging.left", member=bob.pk) == []
    assert Presence.objects.get(member=bob).until > ending + presence.GRACE


def test_nobody_is_asked_for_nobody() -> None:
    assert presence.online_among([]) == set()
    assert presence.agreed_pairs(set()) == set()


def test_somebody_never_seen_is_not_there(conversation: Conversation, alice: User, bob: User) -> None:
    assert presence.describe_for(bob.pk, alice) == {"member": bob.pk, "online": False, "words": ""}


def test_presence_of_somebody_else_is_not_for_this_tab(
    conversation: Conversation, alice: User, charlie: User
) -> None:
    assert hint(watching(alice, conversation), "messaging.presence", member=charlie.pk) == []


# -- The heartbeat -----------------------------------------------------------------------------


def test_the_heartbeat_tells_what_a_tab_could_have_missed(
    conversation: Conversation, alice: User, bob: User
) -> None:
    send(conversation, alice)
    elsewhere, here = TabState(bob.pk), watching(bob, conversation, 1)
    send(conversation, alice)
    presence.touch([alice.pk])
    said = beat(elsewhere, here)
    assert said[elsewhere] == {"unread": 1}
    there = {"member": alice.pk, "online": True, "words": "online"}
    assert said[here] == {"unread": 1, "conversation": conversation.pk, "newest": 2, "presence": there}


def test_a_heartbeat_keeps_who_is_in_view_there(bob: User) -> None:
    tab, hidden = TabState(bob.pk), TabState(make_member("hidden").pk)
    tab.visible = True
    beat(tab, hidden)
    assert presence.online_among([bob.pk, hidden.member_id]) == {bob.pk}


def test_a_tab_that_outlives_its_account_harms_no_other(alice: User, charlie: User) -> None:
    gone, here = TabState(charlie.pk), TabState(alice.pk)
    gone.visible = here.visible = True
    charlie.delete()
    assert beat(gone, here)[here] == {"unread": 0}
    assert presence.online_among([alice.pk]) == {alice.pk}


def test_the_heartbeat_of_fifty_tabs_asks_as_often_as_that_of_two(alice: User) -> None:
    tabs = []
    for turn in range(50):
        member = make_member(f"member{turn}")
        connect(alice, member)
        conversation = services.start_direct(by=alice, other=member)
        send(conversation, alice)
        tabs.append(watching(member, conversation))
        tabs[-1].visible = True
    presence.touch([alice.pk])
    beat(*tabs)
    few, many = statements_of(lambda: beat(*tabs[:2])), statements_of(lambda: beat(*tabs))
    # Who is there (2), badges, newest numbers, who may see whom, presence.
    assert len(few) == len(many) == 6, "\n".join(many)


def test_a_watch_and_a_hint_ask_a_few_times_only(conversation: Conversation, alice: User, bob: User) -> None:
    tab = watching(bob, conversation)
    send(conversation, alice)
    entry_hint(tab, conversation)
    send(conversation, alice)
    # Membership with badge, entries, authors.
    assert len(statements_of(lambda: entry_hint(tab, conversation))) == 3
    # Membership, entries, authors, cursors, the other's presence.
    watch = statements_of(
        lambda: say(TabState(bob.pk), "messaging.watch", conversation=conversation.pk, seq=0)
    )
    assert len(watch) == 5
