"""GET and POST /messages/<id>/entries/<seq>/edit/: other words for an own message."""

import pytest
from django.test import Client

from messaging import services
from messaging.models import Conversation, Entry
from messaging.services.send import RATE_LIMIT_MESSAGES
from messaging.tests.factories import JSON, send
from network.services import block_member
from users.models import User

FETCH = {"X-Requested-With": "fetch"}


@pytest.fixture
def address(conversation: Conversation, alice: User) -> str:
    """Where a message of Alice is edited."""
    return f"/messages/{conversation.pk}/entries/{send(conversation, alice, 'Helo & such').seq}/edit/"


def test_the_form_holds_the_words_as_they_were_typed(as_alice: Client, address: str) -> None:
    page = as_alice.get(address).content.decode()
    assert "Helo &amp; such</textarea>" in page
    part = as_alice.get(address, headers=FETCH).content.decode()
    assert "Helo &amp; such</textarea>" in part
    assert "<html" not in part


def test_other_words_are_stored_and_shown(as_alice: Client, address: str, conversation: Conversation) -> None:
    response = as_alice.post(address, {"text": "Hello"})
    assert response["Location"] == f"/messages/{conversation.pk}/?around=1#entry-1"
    assert "edited" in as_alice.get(response["Location"]).content.decode()


def test_scripts_get_the_line_anew(as_alice: Client, address: str) -> None:
    line = as_alice.post(address, {"text": "Hello"}, headers=FETCH).content.decode()
    assert line.strip().startswith('<li class="entry entry-mine"')
    assert "<p>Hello</p>" in line
    assert "edited" in line


def test_programs_get_the_message_anew(as_alice: Client, address: str, conversation: Conversation) -> None:
    told = as_alice.post(address, {"text": "Hello"}, headers=JSON).json()
    assert told["conversation"] == conversation.pk
    assert (told["entry"]["seq"], told["entry"]["text"]) == (1, "Hello")


def test_words_that_say_nothing_are_refused(as_alice: Client, address: str) -> None:
    response = as_alice.post(address, {"text": " "})
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    told = as_alice.post(address, {"text": "x" * 10_001}, headers=JSON)
    assert (told.status_code, list(told.json()["errors"])) == (422, ["text"])
    assert Entry.objects.get(seq=1).text == "Helo & such"


def test_a_message_that_carries_something_may_lose_its_words(
    as_alice: Client, conversation: Conversation, alice: User
) -> None:
    entry = send(conversation, alice, "See", files=[services.File(b"%PDF-1.4", "plan.pdf")])
    response = as_alice.post(f"/messages/{conversation.pk}/entries/{entry.seq}/edit/", {"text": ""})
    assert response.status_code == 302
    assert Entry.objects.get(pk=entry.pk).text == ""


def test_where_the_other_has_blocked_nothing_changes(
    as_alice: Client, address: str, alice: User, bob: User
) -> None:
    block_member(blocker=bob, blocked=alice)
    response = as_alice.post(address, {"text": "Hello"})
    assert response.status_code == 403
    assert "Hello</textarea>" in response.content.decode()
    assert as_alice.post(address, {"text": "Hello"}, headers=JSON).json()["error"] == "blocked"


def test_only_its_author_changes_a_message(as_alice: Client, conversation: Conversation, bob: User) -> None:
    send(conversation, bob)
    assert as_alice.get(f"/messages/{conversation.pk}/entries/1/edit/").status_code == 403
    assert as_alice.get(f"/messages/{conversation.pk}/entries/2/edit/").status_code == 404


def test_neither_a_deleted_message_nor_a_line_of_the_house_is_changed(
    as_alice: Client, conversation: Conversation, group: Conversation, alice: User
) -> None:
    services.delete_message(entry=send(conversation, alice), by=alice)
    assert as_alice.post(f"/messages/{conversation.pk}/entries/1/edit/", {"text": "Hello"}).status_code == 403
    assert as_alice.post(f"/messages/{group.pk}/entries/1/edit/", {"text": "Hello"}).status_code == 403


def test_a_message_from_before_one_s_coming_back_is_out_of_sight(
    as_bob: Client, group: Conversation, alice: User, bob: User
) -> None:
    entry = send(group, bob)
    services.remove_member(conversation=group, by=alice, member=bob)
    services.add_members(conversation=group, by=alice, members=[bob])
    assert as_bob.get(f"/messages/{group.pk}/entries/{entry.seq}/edit/").status_code == 404


def test_too_many_changes_in_a_minute_are_429_and_keep_what_was_typed(
    as_alice: Client, conversation: Conversation, alice: User, address: str
) -> None:
    Entry.objects.bulk_create(
        Entry(conversation=conversation, seq=turn, author=alice, kind=Entry.Kind.EDIT)
        for turn in range(2, RATE_LIMIT_MESSAGES + 1)
    )
    response = as_alice.post(address, {"text": "Once more"}, headers=JSON)
    assert (response.status_code, response.json()["error"]) == (429, "too_fast")
    page = as_alice.post(address, {"text": "Once more"})
    assert page.status_code == 429
    assert "Once more</textarea>" in page.content.decode()
    assert Entry.objects.get(conversation=conversation, seq=1).text == "Helo & such"


def test_a_new_large_group_stays_below_the_rate_limit(
    as_alice: Client, conversation: Conversation, alice: User, address: str
) -> None:
    Entry.objects.bulk_create(
        Entry(conversation=conversation, seq=turn, author=alice, kind=Entry.Kind.JOINED)
        for turn in range(2, 2 * RATE_LIMIT_MESSAGES)
    )
    Conversation.objects.filter(pk=conversation.pk).update(last_seq=2 * RATE_LIMIT_MESSAGES)
    assert as_alice.post(address, {"text": "Hello"}).status_code == 302
