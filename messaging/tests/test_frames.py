"""Conversations on the socket: what a tab is told, and what it is not."""

import json
from itertools import product

import pytest

from core.sockets import frames as registry
from core.sockets.frames import FrameError, TabState
from messaging import presence, services
from messaging.models import Conversation, Membership
from messaging.socket import receipts
from messaging.socket.tab_state import messaging_state
from messaging.tests.factories import many, read, send, side_of
from messaging.tests.socket_tabs import beat, entry_hint, hint, say, told, types, watching
from tests.cases import all_cases, rolled_back
from users.models import User

pytestmark = pytest.mark.django_db


# -- Watching ----------------------------------------------------------------------------------


def test_a_new_tab_is_told_the_badge(conversation: Conversation, alice: User, bob: User) -> None:
    send(conversation, alice)
    answers = [answer for opener in registry.openers for answer in told(opener(TabState(bob.pk)))]
    assert {"type": "messaging.badge", "unread": 1} in answers


def test_watching_brings_what_is_newer_the_cursors_and_the_presence(
    conversation: Conversation, alice: User, bob: User
) -> None:
    for _turn in range(3):
        send(conversation, alice)
    presence.touch([alice.pk])
    tab = TabState(bob.pk)
    entries, cursors, there = say(tab, "messaging.watch", conversation=conversation.pk, seq=1)
    assert (entries["type"], [entry["seq"] for entry in entries["entries"]]) == ("messaging.entries", [2, 3])
    assert (entries["newest"], entries["more"]) == (3, False)
    assert cursors == {
        "type": "messaging.cursors",
        "conversation": conversation.pk,
        "cursors": [{"member": alice.pk, "delivered": 0, "read": 0}],
    }
    assert there == {"type": "messaging.presence", "member": alice.pk, "online": True, "words": "online"}
    assert tab.topics == {f"member.{bob.pk}", f"conversation.{conversation.pk}", f"presence.{alice.pk}"}


def test_who_has_everything_gets_no_entries(conversation: Conversation, alice: User, bob: User) -> None:
    send(conversation, alice)
    for seq in (1, 5, 2**62):
        tab = TabState(bob.pk)
        answers = say(tab, "messaging.watch", conversation=conversation.pk, seq=seq)
        assert "messaging.entries" not in types(answers)
    # Not even the one who claims to have what does not exist yet misses it when it comes.
    send(conversation, alice)
    assert "messaging.entries" in types(entry_hint(tab, conversation))


def test_who_lacks_more_than_a_hundred_is_told_that_there_is_more(
    conversation: Conversation, alice: User, bob: User
) -> None:
    many(conversation, alice, 150)
    tab = TabState(bob.pk)
    entries = say(tab, "messaging.watch", conversation=conversation.pk, seq=0)[0]
    assert (len(entries["entries"]), entries["more"], entries["newest"]) == (100, True, 150)
    # It asks for the rest over HTTP: the next hint brings only what comes from now on.
    send(conversation, bob)
    assert [entry["seq"] for entry in entry_hint(tab, conversation)[0]["entries"]] == [151]


def test_one_conversation_at_a_time_and_none_after_unwatch(
    conversation: Conversation, group: Conversation, bob: User
) -> None:
    tab = watching(bob, conversation)
    say(tab, "messaging.watch", conversation=group.pk, seq=0)
    assert tab.topics == {f"member.{bob.pk}", f"conversation.{group.pk}"}
    assert say(tab, "messaging.unwatch") == []
    assert tab.topics == {f"member.{bob.pk}"}


BAD_IDS = [-1, 2**63, 10**30, True, 1.5, "1", None, [1], {"a": 1}]


def test_an_id_that_is_none_is_malformed(conversation: Conversation, bob: User) -> None:
    with all_cases() as case:
        for frame_type, value in product(("watch", "typing", "delivered", "read"), BAD_IDS):
            with case(f"{frame_type!r}, {value!r}"), pytest.raises(FrameError, match="malformed"):
                say(watching(bob, conversation), f"messaging.{frame_type}", conversation=value, seq=1)


def test_a_number_that_is_none_is_malformed(conversation: Conversation, bob: User) -> None:
    with all_cases() as case:
        for frame_type, value in product(("watch", "delivered", "read"), BAD_IDS):
            with case(f"{frame_type!r}, {value!r}"), pytest.raises(FrameError, match="malformed"):
                say(TabState(bob.pk), f"messaging.{frame_type}", conversation=conversation.pk, seq=value)


def test_a_conversation_that_is_not_there_is_not_found(bob: User) -> None:
    with all_cases() as case:
        for conversation in [0, 999_999, 2**62]:
            with case(conversation), rolled_back(), pytest.raises(FrameError, match="not_found"):
                say(TabState(bob.pk), "messaging.watch", conversation=conversation, seq=0)


def test_a_stranger_watches_nothing_and_keeps_what_was_watched(
    conversation: Conversation, group: Conversation, charlie: User, dora: User
) -> None:
    with pytest.raises(FrameError, match="not_found"):
        say(TabState(charlie.pk), "messaging.watch", conversation=conversation.pk, seq=0)
    tab = watching(dora, group)
    with pytest.raises(FrameError, match="not_found"):
        say(tab, "messaging.watch", conversation=conversation.pk, seq=0)
    assert f"conversation.{group.pk}" in tab.topics
    assert f"conversation.{conversation.pk}" not in tab.topics


# -- Something new -----------------------------------------------------------------------------


def test_a_hint_brings_the_message_the_line_of_the_list_and_the_badge(
    conversation: Conversation, alice: User, bob: User
) -> None:
    tab = watching(bob, conversation)
    send(conversation, alice, "News")
    entries, row, badge = entry_hint(tab, conversation)
    assert [entry["text"] for entry in entries["entries"]] == ["News"]
    assert row == {
        "type": "messaging.inbox",
        "conversation": conversation.pk,
        "seq": 1,
        "unread": 1,
        "muted": False,
        "html": "",
    }
    assert badge == {"type": "messaging.badge", "unread": 1}


def test_a_doubled_hint_brings_nothing_twice(conversation: Conversation, alice: User, bob: User) -> None:
    tab = watching(bob, conversation)
    send(conversation, alice)
    assert types(entry_hint(tab, conversation))[0] == "messaging.entries"
    assert "messaging.entries" not in types(entry_hint(tab, conversation))


def test_a_hint_that_was_lost_is_made_up_for_by_the_next(
    conversation: Conversation, alice: User, bob: User
) -> None:
    tab = watching(bob, conversation)
    for _turn in range(3):
        send(conversation, alice)
    assert [entry["seq"] for entry in entry_hint(tab, conversation)[0]["entries"]] == [1, 2, 3]


def test_a_tab_elsewhere_gets_no_words(conversation: Conversation, alice: User, bob: User) -> None:
    send(conversation, alice, "News")
    answers = entry_hint(TabState(bob.pk), conversation)
    assert types(answers) == ["messaging.inbox", "messaging.badge"]
    assert "News" not in json.dumps(answers)


def test_a_tab_with_the_list_gets_its_line(conversation: Conversation, alice: User, bob: User) -> None:
    tab = TabState(bob.pk)
    assert say(tab, "messaging.list", shown=True) == []
    send(conversation, alice, "News")
    assert "News" in entry_hint(tab, conversation)[0]["html"]
    say(tab, "messaging.list", shown="yes")
    assert entry_hint(tab, conversation)[0]["html"] == ""


def test_a_stranger_is_told_nothing_whatever_hint_comes(
    conversation: Conversation, alice: User, charlie: User
) -> None:
    tab = TabState(charlie.pk)
    messaging_state(tab).conversation = conversation.pk
    send(conversation, alice)
    ids = {"conversation": conversation.pk, "member": alice.pk, "seq": 1}
    for event_type in ("entry", "mine", "cursors", "typing", "presence"):
        assert hint(tab, f"messaging.{event_type}", **ids) == []


def test_hints_without_ids_are_nothing(conversation: Conversation, bob: User) -> None:
    tab = watching(bob, conversation)
    for event_type in ("entry", "mine", "cursors", "typing", "presence"):
        assert hint(tab, f"messaging.{event_type}") == []


def test_my_own_side_changed(conversation: Conversation, alice: User, bob: User) -> None:
    send(conversation, alice)
    services.mute_conversation(conversation=conversation, member=bob)
    row, badge = hint(TabState(bob.pk), "messaging.mine", conversation=conversation.pk)
    assert (row["muted"], row["unread"], badge["unread"]) == (True, 1, 0)


def test_cursors_are_shown_where_the_conversation_is_open(
    conversation: Conversation, alice: User, bob: User
) -> None:
    send(conversation, alice)
    read(conversation, bob, 1)
    (frame,) = hint(watching(alice, conversation, 1), "messaging.cursors", conversation=conversation.pk)
    assert frame["cursors"] == [{"member": bob.pk, "delivered": 1, "read": 1}]
    assert hint(TabState(alice.pk), "messaging.cursors", conversation=conversation.pk) == []


def test_what_a_tab_says_to_have_read_is_noted(
    conversation: Conversation, alice: User, bob: User, charlie: User
) -> None:
    send(conversation, alice)
    say(TabState(bob.pk), "messaging.delivered", conversation=conversation.pk, seq=1)
    say(TabState(charlie.pk), "messaging.read", conversation=conversation.pk, seq=1)
    receipts.flush()
    assert (side_of(conversation, bob).delivered_seq, side_of(conversation, bob).read_seq) == (1, 0)
    say(TabState(bob.pk), "messaging.read", conversation=conversation.pk, seq=2**62)
    receipts.flush()
    assert (side_of(conversation, bob).read_seq, side_of(conversation, bob).unread) == (1, 0)
    assert not Membership.objects.filter(member=charlie).exists()


# -- Taken out -----------------------------------------------------------------------------------


def test_who_was_taken_out_sees_it_go_dark(group: Conversation, alice: User, bob: User) -> None:
    tab = watching(bob, group, 2)
    services.remove_member(conversation=group, by=alice, member=bob)
    send(group, alice, "Without Bob")
    assert entry_hint(tab, group) == []
    assert hint(tab, "messaging.cursors", conversation=group.pk) == []
    assert beat(tab)[tab] == {"unread": 0}
    assert hint(tab, "messaging.gone", conversation=group.pk) == [
        {"type": "messaging.gone", "conversation": group.pk},
        {"type": "messaging.badge", "unread": 0},
    ]
    assert tab.topics == {f"member.{bob.pk}"}


def test_who_is_in_again_by_then_is_not_sent_away(group: Conversation, alice: User, bob: User) -> None:
    tab = watching(bob, group, 2)
    services.remove_member(conversation=group, by=alice, member=bob)
    send(group, alice, "Without Bob")
    services.add_members(conversation=group, by=alice, members=[bob])
    assert hint(tab, "messaging.gone", conversation=group.pk) == []
    entries = entry_hint(tab, group)[0]["entries"]
    assert [entry["kind"] for entry in entries] == ["joined"]


def test_a_tab_elsewhere_hears_that_a_conversation_is_gone(group: Conversation, bob: User) -> None:
    tab = TabState(bob.pk)
    services.leave_conversation(conversation=group, member=bob)
    assert types(hint(tab, "messaging.gone", conversation=group.pk)) == ["messaging.gone", "messaging.badge"]
