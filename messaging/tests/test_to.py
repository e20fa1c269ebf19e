"""GET and POST /messages/to/<username>/: the conversation with one member, or its first words."""

import re
import uuid

from django.test import Client

from messaging import services
from messaging.models import Conversation, Entry, Membership
from network.services import block_member
from tests.cast import make_member
from users.models import User


def test_writing_is_the_first_thing_to_do_with_a_connection_alone(
    as_alice: Client, bob: User, charlie: User
) -> None:
    for member, classes in ((bob, "btn btn-primary"), (charlie, "btn")):
        page = as_alice.get(member.get_absolute_url()).content.decode()
        link = re.search(r'<a class="([^"]+)"\s+href="/messages/to/', page)
        assert link, member.username
        assert link[1] == classes, member.username


def test_it_leads_to_the_conversation_where_there_is_one(
    as_alice: Client, conversation: Conversation
) -> None:
    assert as_alice.get("/messages/to/BOB/")["Location"] == f"/messages/{conversation.pk}/"


def test_looking_begins_nothing(as_alice: Client, bob: User) -> None:
    assert as_alice.get("/messages/to/bob/").status_code == 200
    assert not Conversation.objects.exists()


def test_the_first_words_begin_the_conversation(as_alice: Client, alice: User, bob: User) -> None:
    response = as_alice.post("/messages/to/bob/", {"text": "Hello", "client_id": str(uuid.uuid4())})
    entry = Entry.objects.get()
    assert response["Location"] == f"/messages/{entry.conversation_id}/"
    assert (entry.text, entry.author) == ("Hello", alice)
    assert Membership.objects.inbox(bob).exists()


def test_to_a_stranger_they_are_a_request(as_alice: Client, charlie: User) -> None:
    assert "as a request" in as_alice.get("/messages/to/charlie/").content.decode()
    as_alice.post("/messages/to/charlie/", {"text": "Hello"})
    assert Membership.objects.requests(charlie).exists()


def test_to_a_connection_nothing_is_said_of_requests(as_alice: Client, bob: User) -> None:
    assert "as a request" not in as_alice.get("/messages/to/bob/").content.decode()


def test_words_that_say_nothing_are_refused_at_the_field(as_alice: Client, bob: User) -> None:
    response = as_alice.post("/messages/to/bob/", {"text": " "})
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    assert not Conversation.objects.exists()


def test_too_many_requests_in_a_day_are_refused_and_the_words_kept(as_alice: Client, alice: User) -> None:
    for number in range(services.conversations.MOST_REQUESTS):
        services.start_direct(by=alice, other=make_member(f"far{number}"))
    make_member("one.more")
    response = as_alice.post("/messages/to/one.more/", {"text": "Hello & more"})
    assert (response.status_code, "Retry-After" in response) == (429, True)
    assert "Hello &amp; more</textarea>" in response.content.decode()


def test_nobody_writes_to_somebody_who_does_not_exist_for_them(
    as_alice: Client, alice: User, charlie: User
) -> None:
    block_member(blocker=charlie, blocked=alice)
    for name in ("charlie", "nobody", "alice"):
        assert as_alice.get(f"/messages/to/{name}/").status_code == 404
        assert as_alice.post(f"/messages/to/{name}/", {"text": "Hello"}).status_code == 404


def test_a_member_s_page_leads_there(as_alice: Client, bob: User, charlie: User) -> None:
    for name in ("bob", "charlie"):
        assert f'href="/messages/to/{name}/"' in as_alice.get(f"/members/{name}/").content.decode()
    assert "/messages/to/" not in as_alice.get("/members/alice/").content.decode()
