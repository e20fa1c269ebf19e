"""POST /messages/<id>/mute/, unmute/, accept/ and decline/: what one makes of a conversation for oneself."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from messaging import queries, services
from messaging.errors import SendingRateLimited
from messaging.models import Conversation, Membership
from messaging.tests.factories import send, side_of
from messaging.tests.socket_tabs import hint, watching
from tests.cast import connect, make_member
from users.models import User


@pytest.fixture
def request_of_charlie(alice: User, charlie: User) -> Conversation:
    """What Charlie, whom Alice does not know, wrote to her."""
    conversation = services.start_direct(by=charlie, other=alice)
    send(conversation, charlie)
    return conversation


def test_a_muted_conversation_counts_no_more(
    as_alice: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    send(conversation, bob)
    assert as_alice.get("/messages/news/").json() == {"unread": 1}
    assert as_alice.post(f"/messages/{conversation.pk}/mute/")["Location"] == f"/messages/{conversation.pk}/"
    assert as_alice.get("/messages/news/").json() == {"unread": 0}
    assert not side_of(conversation, bob).muted
    as_alice.post(f"/messages/{conversation.pk}/unmute/")
    assert as_alice.get("/messages/news/").json() == {"unread": 1}


def test_one_comes_back_to_where_the_button_was(as_alice: Client, conversation: Conversation) -> None:
    there = f"/messages/{conversation.pk}/about/"
    assert as_alice.post(f"/messages/{conversation.pk}/mute/", {"next": there})["Location"] == there
    elsewhere = as_alice.post(f"/messages/{conversation.pk}/unmute/", {"next": "https://example.org/"})
    assert elsewhere["Location"] == f"/messages/{conversation.pk}/"


def test_an_accepted_request_is_in_the_list_and_the_other_hears_of_it(
    as_alice: Client, request_of_charlie: Conversation, alice: User, charlie: User, published: list[Any]
) -> None:
    address = f"/messages/{request_of_charlie.pk}/accept/"
    waiting = watching(charlie, request_of_charlie)
    heard = {"conversation": request_of_charlie.pk, "member": alice.pk}
    assert hint(waiting, "messaging.cursors", **heard)[0]["cursors"] == []
    assert as_alice.post(address)["Location"] == f"/messages/{request_of_charlie.pk}/"
    assert Membership.objects.inbox(alice).exists()
    (told,) = [each for each in published if each["event"]["type"] == "messaging.cursors"]
    assert told == {
        "topics": [f"conversation.{request_of_charlie.pk}"],
        "event": {**heard, "type": "messaging.cursors"},
    }
    assert [seen["member"] for seen in hint(waiting, "messaging.cursors", **heard)[0]["cursors"]] == [
        alice.pk
    ]
    assert "data-request" not in as_alice.get(f"/messages/{request_of_charlie.pk}/").content.decode()


def test_a_declined_request_can_still_be_read_and_answered(
    as_alice: Client, request_of_charlie: Conversation, alice: User
) -> None:
    here = f"/messages/{request_of_charlie.pk}/"
    assert as_alice.post(f"{here}decline/")["Location"] == "/messages/?box=requests"
    page = as_alice.get(here).content.decode()
    assert "You declined this request." in page
    assert f'action="{here}decline/"' not in page
    as_alice.post(f"{here}send/", {"text": "After all"})
    assert Membership.objects.inbox(alice).exists()


def test_what_was_answered_is_no_request_to_decline(
    as_alice: Client, request_of_charlie: Conversation, alice: User
) -> None:
    here = f"/messages/{request_of_charlie.pk}/"
    send(request_of_charlie, alice)
    response = as_alice.post(f"{here}decline/", follow=True)
    assert response.redirect_chain[0][0] == here
    assert "You have answered this request already." in response.content.decode()
    assert "The other is not told" not in response.content.decode()
    assert side_of(request_of_charlie, alice).declined_at is None


def test_declining_twice_is_once(as_alice: Client, request_of_charlie: Conversation) -> None:
    for _time in range(2):
        response = as_alice.post(f"/messages/{request_of_charlie.pk}/decline/")
        assert response["Location"] == "/messages/?box=requests"


def test_what_one_decides_is_of_one_conversation_and_is_told_to_own_tabs_once(
    request_of_charlie: Conversation, alice: User, published: list[Any]
) -> None:
    other = services.start_direct(by=make_member("eve"), other=alice)
    acts = {
        "decline": (services.decline_conversation, "declined_at"),
        "accept": (services.accept_conversation, "accepted_at"),
        "mute": (services.mute_conversation, "muted"),
        "unmute": (services.unmute_conversation, "muted"),
    }
    own = {"topics": [f"member.{alice.pk}"]}
    mine = {"type": "messaging.mine", "conversation": request_of_charlie.pk}
    for name, (act, field) in acts.items():
        found = []
        before = side_of(other, alice)
        for _turn in range(2):
            published.clear()
            act(conversation=request_of_charlie, member=alice)
            told = [each for each in published if each["event"]["type"] == "messaging.mine"]
            found.append((told, getattr(side_of(request_of_charlie, alice), field)))
        (first, value), (second, again) = found
        assert (first, second, again) == ([{**own, "event": mine}], [], value), name
        assert getattr(side_of(other, alice), field) == getattr(before, field), name


def test_what_was_answered_is_not_declined_where_another_request_was(
    request_of_charlie: Conversation, alice: User
) -> None:
    other = services.start_direct(by=make_member("eve"), other=alice)
    assert services.decline_conversation(conversation=other, member=alice)
    send(request_of_charlie, alice)
    assert not services.decline_conversation(conversation=request_of_charlie, member=alice)
    assert side_of(other, alice).is_request, "one answer accepts one request"


def test_what_was_declined_and_then_accepted_is_a_conversation_like_any_other(
    request_of_charlie: Conversation, alice: User, charlie: User
) -> None:
    services.decline_conversation(conversation=request_of_charlie, member=alice)
    assert queries.count_unread_conversations(alice.pk) == 0
    services.accept_conversation(conversation=request_of_charlie, member=alice)
    assert queries.count_unread_conversations(alice.pk) == 1


def test_a_connection_accepts_the_request_whoever_of_the_two_signed_up_first(
    alice: User, charlie: User
) -> None:
    assert alice.pk < charlie.pk, "elsewhere the request is to the other one"
    request = services.start_direct(by=alice, other=charlie)
    send(request, alice)
    connect(alice, charlie)
    assert Membership.objects.inbox(charlie).get().conversation == request


def test_requests_of_yesterday_count_no_more(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.conversations, "MOST_REQUESTS", 1)
    strangers = [make_member(name) for name in ("one", "two")]
    services.start_direct(by=strangers[0], other=strangers[1])  # counts for the one who begins it
    begun = services.start_direct(by=alice, other=strangers[0])
    with pytest.raises(SendingRateLimited):
        services.start_direct(by=alice, other=strangers[1])
    Conversation.objects.filter(pk=begun.pk).update(created_at=timezone.now() - timedelta(hours=25))
    assert services.start_direct(by=alice, other=strangers[1]).is_direct
