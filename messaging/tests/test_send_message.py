"""Sending: numbers without a gap, a repeat that changes nothing, and who is refused."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from messaging import services
from messaging.errors import ClientIdTaken, EmptyMessage, NotReachable, TooManyUnanswered
from messaging.events import message_sent
from messaging.models import Conversation, Entry, Membership
from network.services import block_member
from tests.cast import connect, make_member
from users.models import User

pytestmark = pytest.mark.both


def send(
    conversation: Conversation, author: User, text: str = "Hello", client_id: uuid.UUID | None = None
) -> Entry:
    """Send, the way a member does."""
    sent = services.send_message(
        conversation=conversation, author=author, client_id=client_id or uuid.uuid4(), text=text
    )
    return sent.entry


@pytest.fixture
def conversation(alice: User, bob: User) -> Conversation:
    """The conversation of Alice and Bob, empty."""
    return services.start_direct(by=alice, other=bob)


def unread_of(conversation: Conversation, member: User) -> int:
    return Membership.objects.get(conversation=conversation, member=member).unread


def test_entries_are_numbered_from_one(conversation: Conversation, alice: User, bob: User) -> None:
    assert [send(conversation, who).seq for who in (alice, bob, alice)] == [1, 2, 3]


def test_the_same_send_gives_the_first_result(conversation: Conversation, alice: User) -> None:
    client_id = uuid.uuid4()
    first = services.send_message(conversation=conversation, author=alice, client_id=client_id, text="Once")
    again = services.send_message(conversation=conversation, author=alice, client_id=client_id, text="Once")
    assert (first.is_new, again.is_new) == (True, False)
    assert first.entry == again.entry
    assert Entry.objects.count() == 1
    # As if Django had stored it.
    assert (first.entry._state.adding, first.entry._state.db) == (False, "default")


def test_the_same_client_id_with_other_words_is_refused(conversation: Conversation, alice: User) -> None:
    client_id = uuid.uuid4()
    send(conversation, alice, "Once", client_id)
    with pytest.raises(ClientIdTaken):
        send(conversation, alice, "Twice", client_id)


def test_a_client_id_is_one_of_its_author(conversation: Conversation, alice: User, bob: User) -> None:
    client_id = uuid.uuid4()
    services.send_message(conversation=conversation, author=alice, client_id=client_id, text="Once")
    assert services.was_sent(author=alice, client_id=client_id)
    assert not services.was_sent(author=alice, client_id=uuid.uuid4())
    assert not services.was_sent(author=bob, client_id=client_id)
    file = services.File(b"%PDF-1.4", "plan.pdf")
    sent = services.send_message(
        conversation=conversation, author=bob, client_id=client_id, text="Once", files=[file]
    )
    assert (sent.is_new, sent.entry.author_id) == (True, bob.pk)


def test_those_are_named_to_whom_a_message_is_the_first_unread_one(
    alice: User, bob: User, charlie: User
) -> None:
    connect(alice, charlie)
    group = services.start_group(by=alice, members=[bob, charlie])
    services.mute_conversation(conversation=group, member=charlie)
    named: list[list[int]] = []

    def listen(sender: object, first_unread_of: list[Membership], **facts: object) -> None:
        named.append([each.member_id for each in first_unread_of])

    message_sent.connect(listen, weak=False)
    try:
        last = [send(group, alice).seq for _turn in range(2)][-1]
        services.move_cursors({(group.pk, bob.pk): services.CursorPosition(read=last)})
        send(group, alice)
        send(group, bob)
    finally:
        message_sent.disconnect(listen)
    assert named == [[bob.pk], [], [bob.pk], [alice.pk]]


def test_a_message_is_unread_for_the_other_until_read(
    conversation: Conversation, alice: User, bob: User
) -> None:
    send(conversation, alice)
    last = send(conversation, alice)
    assert (unread_of(conversation, bob), unread_of(conversation, alice)) == (2, 0)
    services.move_cursors({(conversation.pk, bob.pk): services.CursorPosition(read=1)})
    assert unread_of(conversation, bob) == 1
    services.move_cursors({(conversation.pk, bob.pk): services.CursorPosition(read=last.seq + 50)})
    mine = Membership.objects.get(conversation=conversation, member=bob)
    assert (mine.unread, mine.read_seq, mine.delivered_seq) == (0, 2, 2)


def test_a_blocked_pair_sends_nothing(conversation: Conversation, alice: User, bob: User) -> None:
    block_member(blocker=bob, blocked=alice)
    for who in (alice, bob):
        with pytest.raises(NotReachable):
            send(conversation, who)


def test_a_request_holds_a_few_messages_until_answered(alice: User, charlie: User) -> None:
    request, elsewhere = (
        services.start_direct(by=charlie, other=other) for other in (alice, make_member("eve"))
    )
    send(elsewhere, charlie)
    for _ in range(5):
        send(request, charlie)
    with pytest.raises(TooManyUnanswered):
        send(request, charlie)
    send(request, alice)
    assert send(request, charlie).seq == 7


def test_nothing_said_is_refused(conversation: Conversation, alice: User) -> None:
    with pytest.raises(EmptyMessage):
        send(conversation, alice, " \n\u2800")


def test_an_edit_and_a_deletion_take_numbers(conversation: Conversation, alice: User, bob: User) -> None:
    entry = send(conversation, alice, "Helo")
    services.edit_message(entry=entry, by=alice, text="Hello")
    services.delete_message(entry=entry, by=alice)
    assert list(Entry.objects.order_by("seq").values_list("seq", "kind")) == [
        (1, "message"),
        (2, "edit"),
        (3, "deletion"),
    ]
    assert unread_of(conversation, bob) == 0


def test_the_others_hear_of_it_before_mail_leaves(
    conversation: Conversation, bob: User, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks() as waiting:
        send(conversation, bob)
    rooms = [callback.__module__ for callback in waiting]
    assert rooms.index("core.sockets.publisher") < rooms.index("core.tasks.enqueue")
