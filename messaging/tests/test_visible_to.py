"""Who sees what of which conversation: requests, groups, blocks, comings and goings."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from messaging import queries, services
from messaging.display import inbox
from messaging.errors import (
    EmptyMessage,
    NotAGroup,
    NotAMember,
    NotChangeable,
    NotReachable,
    SendingRateLimited,
    TooMany,
    TooManyUnanswered,
)
from messaging.events import message_sent
from messaging.models import Attachment, Conversation, Entry, Membership
from messaging.services import conversations
from messaging.tests.factories import (
    numbers_are_whole,
    read,
    send,
    side_of,
    told_since,
    unread_by_definition,
    unread_of,
)
from network.services import block_member
from tests.cast import connect, make_member
from users.models import User

pytestmark = [pytest.mark.both, pytest.mark.django_db]

Act = Callable[[], object]


def in_inbox(member: User) -> list[int]:
    return list(Membership.objects.inbox(member).values_list("conversation", flat=True))


def in_requests(member: User) -> list[int]:
    return list(Membership.objects.requests(member).values_list("conversation", flat=True))


def badge(member: User) -> int:
    return queries.count_unread_conversations(member.pk)


# -- Selections ----------------------------------------------------------------------------------


def test_conversations_and_entries_are_for_those_who_are_in(
    conversation: Conversation, alice: User, bob: User, charlie: User
) -> None:
    entry = send(conversation, alice)
    services.start_direct(by=charlie, other=alice)
    for viewer, sees in ((alice, True), (bob, True), (charlie, False), (AnonymousUser(), False)):
        assert Conversation.objects.visible_to(viewer).filter(pk=conversation.pk).exists() == sees
        assert Entry.objects.visible_to(viewer).filter(pk=entry.pk).exists() == sees
        assert Entry.objects.readable_by(viewer).filter(pk=entry.pk).exists() == sees
        assert not Attachment.objects.readable_by(viewer).exists()
    services.delete_message(entry=entry, by=alice)
    assert not Entry.objects.readable_by(bob).exists()


def test_who_has_left_sees_nothing(group: Conversation, alice: User, bob: User) -> None:
    send(group, alice)
    services.leave_conversation(conversation=group, member=bob)
    assert not Conversation.objects.visible_to(bob).exists()
    assert not Entry.objects.visible_to(bob).exists()
    Membership.objects.filter(conversation=group, member=bob).update(unread=1)
    assert badge(bob) == 0
    assert queries.membership_of(bob, group.pk) is None


# -- Requests ------------------------------------------------------------------------------------


@pytest.fixture
def request_of_charlie(alice: User, charlie: User) -> Conversation:
    request = services.start_direct(by=charlie, other=alice)
    send(request, charlie, "We met at the harbour")
    return request


def test_a_conversation_without_a_word_stands_in_no_list(alice: User, bob: User, charlie: User) -> None:
    for other in (bob, charlie):
        services.start_direct(by=alice, other=other)
        assert in_inbox(other) == in_requests(other) == []
    assert in_inbox(alice) == []


def test_a_stranger_s_words_are_a_request(
    request_of_charlie: Conversation, alice: User, charlie: User
) -> None:
    assert (in_inbox(alice), in_requests(alice)) == ([], [request_of_charlie.pk])
    assert (in_inbox(charlie), badge(alice)) == ([request_of_charlie.pk], 1)
    # On a new site it is the first message of all.
    Membership.objects.filter(conversation=request_of_charlie).update(sort_key=1)
    assert in_requests(alice) == in_inbox(charlie) == [request_of_charlie.pk]


def test_a_declined_request_is_out_of_sight_until_answered(
    request_of_charlie: Conversation, alice: User, charlie: User
) -> None:
    services.decline_conversation(conversation=request_of_charlie, member=alice)
    services.decline_conversation(conversation=request_of_charlie, member=alice)
    heard: list[Any] = []

    def listen(sender: object, first_unread_of: list[Membership], **facts: object) -> None:
        heard.extend(first_unread_of)

    message_sent.connect(listen, weak=False)
    try:
        send(request_of_charlie, charlie, "Did you get it?")
    finally:
        message_sent.disconnect(listen)
    assert heard == []
    assert (in_inbox(alice), in_requests(alice), badge(alice)) == ([], [], 0)
    send(request_of_charlie, alice, "Yes")
    assert in_inbox(alice) == [request_of_charlie.pk]
    assert (badge(alice), side_of(request_of_charlie, alice).declined_at) == (1, None)


def test_accepting_twice_is_once(request_of_charlie: Conversation, alice: User) -> None:
    for _turn in range(2):
        services.accept_conversation(conversation=request_of_charlie, member=alice)
    assert (in_inbox(alice), in_requests(alice)) == ([request_of_charlie.pk], [])


@pytest.mark.parametrize("declined", [False, True])
def test_a_connection_accepts_the_request(
    request_of_charlie: Conversation, alice: User, charlie: User, declined: bool
) -> None:
    if declined:
        services.decline_conversation(conversation=request_of_charlie, member=alice)
    connect(charlie, alice)
    assert in_inbox(alice) == [request_of_charlie.pk]


def test_a_connection_without_a_conversation_begins_none(alice: User, charlie: User) -> None:
    connect(charlie, alice)
    block_member(blocker=alice, blocked=charlie)
    assert not Conversation.objects.exists()


def test_so_many_requests_in_a_day_and_no_more(alice: User) -> None:
    strangers = [make_member(f"stranger{turn}") for turn in range(conversations.MOST_REQUESTS + 1)]
    for stranger in strangers[:-1]:
        services.start_direct(by=alice, other=stranger)
    with pytest.raises(SendingRateLimited):
        services.start_direct(by=alice, other=strangers[-1])
    assert services.start_direct(by=alice, other=strangers[0]).is_direct
    friend = make_member("friend")
    connect(alice, friend)
    services.start_direct(by=alice, other=friend)
    services.accept_conversation(
        conversation=services.start_direct(by=alice, other=strangers[0]), member=strangers[0]
    )
    services.start_direct(by=alice, other=strangers[-1])


# -- Blocks and accounts that are gone -----------------------------------------------------------


def test_whom_one_cannot_reach_one_cannot_write_to(alice: User, charlie: User) -> None:
    block_member(blocker=charlie, blocked=alice)
    for by, other in ((alice, charlie), (charlie, alice), (alice, alice)):
        with pytest.raises(NotReachable):
            services.start_direct(by=by, other=other)
    assert not Conversation.objects.exists()


def test_after_a_block_the_old_conversation_is_found_and_takes_nothing(
    conversation: Conversation, alice: User, bob: User
) -> None:
    entry = send(conversation, alice, "Old words")
    block_member(blocker=bob, blocked=alice)
    assert services.start_direct(by=alice, other=bob) == conversation
    acts: list[Act] = [
        lambda: send(conversation, alice),
        lambda: services.edit_message(entry=entry, by=alice, text="New words"),
        lambda: services.delete_message(entry=entry, by=alice),
    ]
    for act in acts:
        with pytest.raises(NotReachable):
            act()
    assert told_since(conversation, bob)[0]["text"] == "Old words"
    assert numbers_are_whole(conversation) == 1


def test_the_list_hides_the_last_words_of_a_blocked_author(
    group: Conversation, bob: User, dora: User
) -> None:
    send(group, dora, "Words of Dora")
    block_member(blocker=bob, blocked=dora)
    assert "Words of Dora" not in str(inbox.render_row(side_of(group, bob), bob))
    assert "Words of Dora" not in json.dumps(told_since(group, bob))


def test_a_deleted_account_leaves_numbers_words_and_counts(
    conversation: Conversation, group: Conversation, alice: User, bob: User
) -> None:
    for where in (conversation, group):
        send(where, bob, "Words of Bob")
        send(where, alice)
    bob.delete()
    assert (numbers_are_whole(conversation), numbers_are_whole(group)) == (2, 4)
    for where in (conversation, group):
        assert unread_of(where, alice) == unread_by_definition(where, alice) == 1
        assert "Words of Bob" in json.dumps(told_since(where, alice))
    own = Entry.objects.get(conversation=conversation, author=alice)
    acts: list[Act] = [
        lambda: send(conversation, alice),
        lambda: services.edit_message(entry=own, by=alice, text="Other words"),
    ]
    for act in acts:
        with pytest.raises(NotReachable):
            act()
    assert send(group, alice).seq == 5


def test_a_conversation_that_is_gone_takes_nothing(conversation: Conversation, alice: User) -> None:
    pk = conversation.pk
    conversation.delete()
    conversation.pk = pk
    with pytest.raises(NotAMember):
        send(conversation, alice)


# -- Groups --------------------------------------------------------------------------------------


def test_a_group_says_who_came(group: Conversation, alice: User, bob: User, dora: User) -> None:
    entries = Entry.objects.filter(conversation=group).order_by("seq")
    assert [(entry.kind, entry.author_id, entry.subject_id) for entry in entries] == [
        ("joined", alice.pk, bob.pk),
        ("joined", alice.pk, dora.pk),
    ]
    assert str(group) == f"conversation {group.pk}"
    assert str(entries[0]) == f"joined 1 of conversation {group.pk}"
    assert in_inbox(bob) == [group.pk]
    assert badge(bob) == 0


def test_only_own_connections_come_in(group: Conversation, alice: User, bob: User, charlie: User) -> None:
    for members in ([charlie], [bob, charlie], [], [alice]):
        with pytest.raises(NotReachable):
            services.start_group(by=alice, members=members)
        with pytest.raises(NotReachable):
            services.add_members(conversation=group, by=alice, members=members)
    assert Conversation.objects.count() == 1


def test_a_group_is_full_at_fifty(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "MOST_IN_A_GROUP", 3)
    people = [make_member(f"m{turn}") for turn in range(3)]
    for member in people:
        connect(alice, member)
    with pytest.raises(TooMany):
        services.start_group(by=alice, members=people)
    group = services.start_group(by=alice, members=people[:2])
    with pytest.raises(TooMany):
        services.add_members(conversation=group, by=alice, members=people)
    services.add_members(conversation=group, by=alice, members=people[:2])
    assert numbers_are_whole(group) == 2


def test_who_comes_again_sees_only_from_then_on(group: Conversation, alice: User, bob: User) -> None:
    send(group, alice, "First words")
    services.remove_member(conversation=group, by=alice, member=bob)
    services.remove_member(conversation=group, by=alice, member=bob)
    missed = send(group, alice, "Words without Bob")
    with pytest.raises(NotAMember):
        send(group, bob)
    services.add_members(conversation=group, by=alice, members=[bob])
    assert (unread_of(group, bob), in_inbox(bob)) == (0, [group.pk])
    assert [entry["kind"] for entry in told_since(group, bob)] == ["joined"]
    send(group, alice, "Words with Bob")
    services.delete_message(entry=missed, by=alice)
    assert unread_of(group, bob) == unread_by_definition(group, bob) == 1
    own = send(group, bob)
    assert own.seq == numbers_are_whole(group)


def test_who_came_again_changes_nothing_from_before(group: Conversation, alice: User, bob: User) -> None:
    old = send(group, bob, "Old words")
    services.leave_conversation(conversation=group, member=bob)
    with pytest.raises(NotAMember):
        services.edit_message(entry=old, by=bob, text="New")
    services.add_members(conversation=group, by=alice, members=[bob])
    acts: list[Act] = [
        lambda: services.edit_message(entry=old, by=bob, text="New"),
        lambda: services.delete_message(entry=old, by=bob),
    ]
    for act in acts:
        with pytest.raises(NotChangeable):
            act()


def test_the_one_who_is_longest_there_owns_it_next(
    group: Conversation, alice: User, bob: User, dora: User
) -> None:
    with pytest.raises(NotAMember):
        services.remove_member(conversation=group, by=bob, member=dora)
    for _turn in range(2):
        services.leave_conversation(conversation=group, member=alice)
    assert side_of(group, bob).is_owner
    services.remove_member(conversation=group, by=bob, member=dora)
    services.leave_conversation(conversation=group, member=bob)
    assert not Membership.objects.within(group).exists()
    assert numbers_are_whole(group) == 5


def test_two_are_no_group(conversation: Conversation, alice: User, bob: User, dora: User) -> None:
    acts: list[Act] = [
        lambda: services.add_members(conversation=conversation, by=alice, members=[dora]),
        lambda: services.remove_member(conversation=conversation, by=alice, member=bob),
        lambda: services.leave_conversation(conversation=conversation, member=alice),
        lambda: services.rename_conversation(conversation=conversation, by=alice, title="x"),
    ]
    for act in acts:
        with pytest.raises(NotAGroup):
            act()


# -- Muting, changing ----------------------------------------------------------------------------


def test_a_muted_conversation_has_no_badge_and_still_counts(
    conversation: Conversation, alice: User, bob: User
) -> None:
    for _turn in range(2):
        services.mute_conversation(conversation=conversation, member=bob)
    send(conversation, alice)
    assert (badge(bob), unread_of(conversation, bob)) == (0, 1)
    services.unmute_conversation(conversation=conversation, member=bob)
    assert badge(bob) == 1
    read(conversation, bob, 1)
    assert badge(bob) == 0


def test_only_own_standing_messages_are_changed(conversation: Conversation, alice: User, bob: User) -> None:
    entry = send(conversation, alice, "Hello")
    change = services.edit_message(entry=entry, by=alice, text="Hello you")
    assert change.edited_at is not None
    assert services.edit_message(entry=entry, by=alice, text="Hello you").edited_at == change.edited_at
    edit = Entry.objects.get(kind=Entry.Kind.EDIT)
    acts: list[Act] = [
        lambda: services.edit_message(entry=entry, by=bob, text="x"),
        lambda: services.delete_message(entry=entry, by=bob),
        lambda: services.edit_message(entry=edit, by=alice, text="x"),
        lambda: services.delete_message(entry=edit, by=alice),
    ]
    for act in acts:
        with pytest.raises(NotChangeable):
            act()
    with pytest.raises(EmptyMessage):
        services.edit_message(entry=entry, by=alice, text=" \u200b")
    services.delete_message(entry=entry, by=alice)
    with pytest.raises(NotChangeable):
        services.edit_message(entry=entry, by=alice, text="Back again")
    assert numbers_are_whole(conversation) == 3
    assert str(side_of(conversation, bob)) == f"{bob.pk} in {conversation.pk}"


def test_unanswered_ones_stay_unanswered_when_deleted(alice: User, charlie: User) -> None:
    request = services.start_direct(by=charlie, other=alice)
    entries = [send(request, charlie, str(turn)) for turn in range(5)]
    services.delete_message(entry=entries[0], by=charlie)
    with pytest.raises(TooManyUnanswered):
        send(request, charlie)


def test_the_page_s_address_leads_to_the_entry(
    as_alice: Client, conversation: Conversation, alice: User
) -> None:
    entry = send(conversation, alice)
    assert entry.get_absolute_url() == f"/messages/{conversation.pk}/?around=1#entry-1"
    assert as_alice.get(conversation.get_absolute_url()).status_code == 200
