"""POST /messages/<id>/send/ from a page without scripts: on to the conversation, or back to what was typed."""

import re
import uuid

import pytest
from django.test import Client

from messaging import services
from messaging.models import Conversation, Entry
from messaging.tests.factories import send
from network.services import block_member
from users.models import User

from .test_send import reach_rate_limit


def post(client: Client, conversation: Conversation, **fields: object) -> tuple[int, str]:
    response = client.post(f"/messages/{conversation.pk}/send/", fields)
    return response.status_code, response.content.decode()


def test_what_is_sent_stands_on_the_page(as_alice: Client, conversation: Conversation) -> None:
    response = as_alice.post(f"/messages/{conversation.pk}/send/", {"text": "Hello"}, follow=True)
    assert response.redirect_chain == [(f"/messages/{conversation.pk}/", 302)]
    assert "<p>Hello</p>" in response.content.decode()


def test_pressing_twice_is_sending_once(as_alice: Client, conversation: Conversation) -> None:
    page = as_alice.get(f"/messages/{conversation.pk}/").content.decode()
    (client_id,) = re.findall(r'name="client_id" value="([^"]+)"', page)
    for _turn in range(2):
        assert post(as_alice, conversation, text="Hello", client_id=client_id)[0] == 302
    assert Entry.objects.count() == 1


@pytest.mark.parametrize("text", ["", " \n", "x" * 10_001])
def test_a_message_that_cannot_be_sent_is_refused_at_the_field(
    as_alice: Client, conversation: Conversation, text: str
) -> None:
    status, page = post(as_alice, conversation, text=text)
    assert status == 422
    assert 'aria-invalid="true"' in page
    assert text.strip() in page
    assert not Entry.objects.exists()


def test_after_going_back_other_words_are_kept_and_sent_the_next_time(
    as_alice: Client, conversation: Conversation
) -> None:
    client_id = str(uuid.uuid4())
    post(as_alice, conversation, text="Hello", client_id=client_id)
    status, page = post(as_alice, conversation, text="Goodbye", client_id=client_id)
    assert status == 409
    assert "Goodbye</textarea>" in page
    (fresh,) = re.findall(r'name="client_id" value="([^"]+)"', page)
    assert post(as_alice, conversation, text="Goodbye", client_id=fresh)[0] == 302


def test_words_to_somebody_who_is_not_available_are_given_back(
    as_alice: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    block_member(blocker=bob, blocked=alice)
    status, page = post(as_alice, conversation, text="Hello & more")
    assert status == 403
    assert "This was not sent" in page
    assert "Hello &amp; more</textarea>" in page


def test_a_sixth_message_of_a_request_is_given_back(as_charlie: Client, alice: User, charlie: User) -> None:
    request = services.start_direct(by=charlie, other=alice)
    for _turn in range(5):
        send(request, charlie)
    status, page = post(as_charlie, request, text="One more")
    assert status == 403
    assert "One more</textarea>" in page
    assert "once your request is accepted" in page


def test_who_writes_too_fast_is_told_when_to_go_on(
    as_alice: Client, conversation: Conversation, alice: User
) -> None:
    reach_rate_limit(conversation, alice)
    response = as_alice.post(f"/messages/{conversation.pk}/send/", {"text": "Hello"})
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert "Hello</textarea>" in response.content.decode()
