"""Groups: who owns one after members come and go, and whose tabs hear of what happens in it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from core.sockets.publisher import member_topic
from messaging import services
from messaging.models import Conversation, Entry, Membership
from messaging.tests.factories import send, side_of
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
