"""In a group, nothing that a program or the source of a page holds names those who do not exist for the viewer."""

import pytest

from messaging.models import Conversation, Membership
from messaging.tests.factories import send, told_since
from network.services import block_member
from tests.cast import client_of
from users.models import User

pytestmark = pytest.mark.django_db


def test_the_owner_of_a_group_does_not_read_who_blocked_him(
    group: Conversation, alice: User, bob: User, dora: User
) -> None:
    send(group, dora, "From Dora")
    send(group, alice, "From Alice")
    block_member(blocker=dora, blocked=alice)
    client = client_of(alice)
    for address in ("", "about/", "search/?q=from", "since/0/"):
        page = client.get(f"/messages/{group.pk}/{address}").content.decode()
        for trace in (
            "dora",
            "Dora",
            f'data-author="{dora.pk}"',
            f'"author": {dora.pk}',
            f'"member": {dora.pk}',
        ):
            assert trace not in page, (address, trace)
    entries = told_since(group, alice)
    assert {entry["author"] for entry in entries} == {alice.pk, None}
    row = Membership.objects.get(conversation=group, member=dora)
    assert client.post(f"/messages/{group.pk}/remove/", {"membership": row.pk}).status_code == 302
    # For Bob, who sees her, all is as it was.
    assert dora.pk in {entry["author"] for entry in told_since(group, bob)}


def test_changes_of_messages_name_nobody_out_of_sight_either(
    conversation: Conversation, alice: User, bob: User
) -> None:
    entry = send(conversation, bob)
    client_of(bob).post(f"/messages/{conversation.pk}/entries/{entry.seq}/edit/", {"text": "Changed"})
    assert [each["author"] for each in told_since(conversation, alice)] == [bob.pk, bob.pk]
    block_member(blocker=bob, blocked=alice)
    assert [each["author"] for each in told_since(conversation, alice)] == [None, None]
    assert [each["author"] for each in told_since(conversation, bob)] == [bob.pk, bob.pk]
