"""Messages are mailed to members who are away, once until they are read, and never to former members."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from feed.tests.factories import say
from messaging.models import Conversation, Presence
from messaging.services import (
    decline_conversation,
    mute_conversation,
    start_direct,
    start_group,
    unmute_conversation,
)
from messaging.tests.factories import read, send
from network.models import Block
from network.services import invite_member
from notifications import services
from notifications.mailing import send_due
from notifications.models import Notification
from tests.cast import connect, make_member
from users.models import User

from .factories import Commit, mark_visible, take_mails

pytestmark = pytest.mark.django_db


@pytest.fixture
def chat(alice: User, bob: User) -> Conversation:
    """The conversation of Alice and Bob, who are connected, without earlier notifications."""
    Notification.objects.all().delete()
    return start_direct(by=bob, other=alice)


def test_a_message_is_mailed_to_its_readers_and_is_on_no_page(
    chat: Conversation, alice: User, bob: User, charlie: User, committed: Commit
) -> None:
    with committed():
        send(chat, bob, "Are you there?")
    (message,) = take_mails()
    assert message.subject == "Bob wrote to you"
    assert f"http://localhost:8000/messages/{chat.pk}/" in message.body
    assert "Are you there" not in message.body
    assert not Notification.objects.visible_to(alice).exists()
    assert [row.recipient for row in Notification.objects.all()] == [alice]


def test_a_conversation_is_mailed_again_only_after_it_was_read(
    chat: Conversation, alice: User, bob: User, committed: Commit
) -> None:
    left = []
    for is_read in (False, False, True, False):
        if is_read:
            read(chat, alice, 2)
        with committed():
            send(chat, bob)
        left.append(len(take_mails()))
    assert left == [1, 0, 1, 0]


def test_muted_and_declined_conversations_are_not_mailed(
    chat: Conversation, alice: User, bob: User, charlie: User, committed: Commit
) -> None:
    mute_conversation(conversation=chat, member=alice)
    request = start_direct(by=charlie, other=alice)
    decline_conversation(conversation=request, member=alice)
    with committed():
        send(chat, bob)
        send(request, charlie)
    assert take_mails() == []
    # Nor does a mail wait that would leave once it is unmuted.
    assert not Notification.objects.exists()
    unmute_conversation(conversation=chat, member=alice)
    read(chat, alice, 1)
    with committed():
        send(chat, bob)
    assert len(take_mails()) == 1


def test_a_message_that_was_read_is_not_mailed(
    chat: Conversation, alice: User, bob: User, committed: Commit
) -> None:
    mark_visible(alice)
    with committed():
        send(chat, bob)
    read(chat, alice, 1)
    Presence.objects.all().delete()
    with committed():
        assert not send_due(member_id=alice.pk, now=timezone.now() + timedelta(hours=1))
    assert take_mails() == []


def test_in_a_group_members_unavailable_to_each_other_are_not_notified(
    chat: Conversation, alice: User, bob: User, committed: Commit
) -> None:
    dora = make_member("dora")
    connect(bob, dora)
    group = start_group(by=bob, members=[alice, dora])
    Block.objects.create(blocker=alice, blocked=bob)
    Notification.objects.all().delete()
    with committed():
        send(group, bob)
    assert [message.to for message in take_mails()] == [["dora@example.org"]]
    assert [row.recipient for row in Notification.objects.all()] == [dora]


def test_waiting_mail_is_not_sent_to_former_members(
    chat: Conversation, alice: User, bob: User, charlie: User, committed: Commit
) -> None:
    """None of these vanishes with its recipient, as a comment on the recipient's own post does."""
    mark_visible(alice)
    with committed():
        invite_member(inviter=charlie, invitee=alice)
        say(bob, "Hello @alice")
        send(chat, bob)
    Presence.objects.all().delete()
    rows = {row.kind: row.pk for row in Notification.objects.filter(recipient=alice)}
    member = User.objects.filter(pk=alice.pk)

    def is_mailed(pk: int, **values: Any) -> bool:
        """Whether this one is mailed when nothing else waits and Alice is as `values` say."""
        services.mark_all_read(member=alice)
        Notification.objects.filter(pk=pk).update(
            read_at=None, mailed_at=None, mail_due_at=timezone.now() - timedelta(minutes=1)
        )
        member.update(**values)
        try:
            return send_due(member_id=alice.pk)
        finally:
            member.update(is_active=True, suspended_at=None, joined_at=alice.joined_at)

    states: dict[str, dict[str, Any]] = {
        "member": {},
        "suspended": {"suspended_at": timezone.now()},
        "deactivated": {"is_active": False},
        "unconfirmed": {"joined_at": None},
    }
    mailed = {(kind, name) for kind, pk in rows.items() for name in states if is_mailed(pk, **states[name])}
    assert mailed == {("invitation", "member"), ("mention", "member"), ("message", "member")}
