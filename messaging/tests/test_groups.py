"""Groups: who owns one after members come and go, and whose tabs hear of what happens in it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from core.sockets.publisher import member_topic
from messaging import services
from messaging.models import Conversation, Entry, Membership
from messaging.tests.factories import numbers_are_whole, send, side_of, told_since
from tests.cases import all_cases, rolled_back
from tests.cast import connect, make_member
from users.models import User

pytestmark = pytest.mark.django_db


def owners(group: Conversation) -> list[str]:
    return list(
        Membership.objects.within(group).filter(is_owner=True).values_list("member__username", flat=True)
    )


def test_whoever_leaves_a_group_has_one_owner_the_one_who_is_longest_there(
    group: Conversation, alice: User, bob: User, dora: User
) -> None:
    assert owners(group) == ["alice"]
    services.leave_conversation(conversation=group, member=alice)
    assert owners(group) == ["bob"]
    assert not side_of(group, alice).is_owner
    # Alice's row is the oldest, but she is not: she has just come back.
    services.add_members(conversation=group, by=bob, members=[alice])
    assert owners(group) == ["bob"]
    services.leave_conversation(conversation=group, member=bob)
    assert owners(group) == ["dora"]
    services.leave_conversation(conversation=group, member=dora)
    assert owners(group) == ["alice"]


def test_where_one_who_came_later_owns_it_others_leave_without_an_heir(
    group: Conversation, alice: User, bob: User, dora: User
) -> None:
    """As former versions left it, in which the oldest row inherited."""
    Membership.objects.filter(conversation=group, member=alice).update(is_owner=False)
    Membership.objects.filter(conversation=group, member=dora).update(is_owner=True)
    services.leave_conversation(conversation=group, member=bob)
    assert owners(group) == ["dora"]


def test_who_comes_again_comes_like_a_new_one(group: Conversation, alice: User, bob: User) -> None:
    services.mute_conversation(conversation=group, member=bob)
    services.leave_conversation(conversation=group, member=bob)
    moment = timezone.now()
    services.add_members(conversation=group, by=alice, members=[bob])
    side = side_of(group, bob)
    assert (side.muted, side.left_at, side.joined_at > moment) == (False, None, True)
    assert (side.first_seq, side.delivered_seq, side.read_seq) == (4, 3, 3)


def test_a_group_that_is_left_is_the_only_one_that_changes(
    conversation: Conversation, group: Conversation, alice: User, bob: User
) -> None:
    for where in (conversation, group):
        send(where, alice)
    services.leave_conversation(conversation=group, member=bob)
    assert (side_of(group, bob).unread, side_of(conversation, bob).unread) == (0, 1)
    assert side_of(conversation, bob).left_at is None


def test_who_comes_moves_the_group_to_the_top_for_all(group: Conversation, alice: User, erin: User) -> None:
    send(group, alice)
    services.add_members(conversation=group, by=alice, members=[alice, erin])
    newest = Entry.objects.latest("pk")
    assert (newest.kind, newest.subject_id) == (Entry.Kind.JOINED, erin.pk)
    assert set(Membership.objects.within(group).values_list("sort_key", flat=True)) == {newest.pk}


def test_without_a_title_it_is_called_by_its_first_names(alice: User) -> None:
    with all_cases() as case:
        for count, title in [(2, "Alice Álvarez, A, B"), (3, "Alice Álvarez, A, B +1")]:
            with case((count, title)), rolled_back():
                members = [make_member(f"m{name}", name=name) for name in "ABC"[:count]]
                for member in members:
                    connect(alice, member)
                assert services.start_group(by=alice, members=members).title == title


def test_a_title_is_changed_once(group: Conversation, alice: User, bob: User) -> None:
    for _turn in range(2):
        group.refresh_from_db()
        services.rename_conversation(conversation=group, by=bob, title="Quay")
    assert Conversation.objects.get(pk=group.pk).title == "Quay"
    assert told_since(group, alice)[-1]["text"] == "Quay"
    assert numbers_are_whole(group) == 3


def test_a_title_is_as_long_as_it_may_be_and_changes_in_one_group(
    alice: User, bob: User, group: Conversation
) -> None:
    people = [make_member(f"member{turn}", name=f"{turn}" * 60) for turn in range(3)]
    for member in people:
        connect(alice, member)
    other = services.start_group(by=alice, members=people)
    assert len(other.title) == 120
    services.rename_conversation(conversation=group, by=bob, title="Quay")
    assert Conversation.objects.get(pk=other.pk).title == other.title


def test_of_each_entry_all_tabs_of_all_members_hear_those_of_its_author_too(
    group: Conversation, alice: User, bob: User, dora: User, erin: User, published: list[dict[str, Any]]
) -> None:
    message = send(group, bob)
    acts: dict[str, Callable[[], object]] = {
        "send": lambda: send(group, bob),
        "edit": lambda: services.edit_message(entry=message, by=bob, text="Changed"),
        "delete": lambda: services.delete_message(entry=message, by=bob),
        "rename": lambda: services.rename_conversation(conversation=group, by=bob, title="Quay"),
        "add": lambda: services.add_members(conversation=group, by=alice, members=[erin]),
        "remove": lambda: services.remove_member(conversation=group, by=alice, member=erin),
        "leave": lambda: services.leave_conversation(conversation=group, member=dora),
    }
    wrong = {}
    for name, act in acts.items():
        published.clear()
        act()
        there = Membership.objects.within(group).values_list("member", flat=True)
        wanted = [("messaging.entry", sorted(map(member_topic, there)))]
        gone = Entry.objects.latest("pk")
        if gone.kind == Entry.Kind.LEFT:
            wanted.append(("messaging.gone", [member_topic(gone.subject_id or 0)]))
        heard = [(hint["event"]["type"], sorted(hint["topics"])) for hint in published]
        if heard != wanted:
            wrong[name] = heard
    assert wrong == {}


def test_all_who_are_taken_into_a_new_group_hear_of_it(
    alice: User, bob: User, dora: User, published: list[dict[str, Any]]
) -> None:
    group = services.start_group(by=alice, members=[bob, dora])
    assert published == [
        {
            "topics": [member_topic(member.pk) for member in (alice, bob, dora)],
            "event": {"type": "messaging.entry", "conversation": group.pk},
        }
    ]
