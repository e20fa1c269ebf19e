"""GET /messages/<id>/about/: who is in, and what one may change."""

import re

from django.test import Client
from django.utils import timezone

from messaging import presence
from messaging.models import Conversation
from network.services import block_member
from tests.cast import client_of
from users.models import User


def about(client: Client, conversation: Conversation) -> str:
    response = client.get(f"/messages/{conversation.pk}/about/")
    assert response.status_code == 200
    return response.content.decode()


def test_everybody_is_named_oneself_first(as_bob: Client, group: Conversation) -> None:
    page = about(as_bob, group)
    names = re.findall(r'class="person-name" href="/members/(\w+)/"', page)
    assert names == ["bob", "alice", "dora"]


def test_who_is_there_is_told(as_alice: Client, group: Conversation, bob: User) -> None:
    presence.touch([bob.pk])
    assert "online" in about(as_alice, group)


def test_somebody_blocked_is_there_without_a_name(
    as_alice: Client, group: Conversation, alice: User, bob: User
) -> None:
    presence.touch([bob.pk])
    block_member(blocker=alice, blocked=bob)
    page = about(as_alice, group)
    assert "Member not available" in page
    assert bob.get_absolute_url() not in page
    assert "online" not in page.partition("<main")[2].partition("</main>")[0]


def test_only_the_owner_is_offered_to_remove(as_alice: Client, as_bob: Client, group: Conversation) -> None:
    assert about(as_alice, group).count(f"/messages/{group.pk}/remove/") == 2
    assert f"/messages/{group.pk}/remove/" not in about(as_bob, group)


def test_a_conversation_of_two_has_no_title_and_nobody_to_add(
    as_alice: Client, conversation: Conversation
) -> None:
    page = about(as_alice, conversation)
    for act in ("rename", "add", "remove", "leave"):
        assert f"/messages/{conversation.pk}/{act}/" not in page
    assert f"/messages/{conversation.pk}/mute/" in page
    assert 'action="/members/bob/block/"' in page


def test_those_who_are_in_are_not_offered(as_alice: Client, group: Conversation, erin: User) -> None:
    assert re.findall(r'name="to" value="([^"]+)"', about(as_alice, group)) == ["erin"]


def test_who_is_not_in_sees_nothing(
    group: Conversation, conversation: Conversation, charlie: User, bob: User
) -> None:
    assert client_of(charlie).get(f"/messages/{group.pk}/about/").status_code == 404
    User.objects.filter(pk=bob.pk).update(suspended_at=timezone.now())
    assert client_of(bob).get(f"/messages/{conversation.pk}/about/").status_code == 302
