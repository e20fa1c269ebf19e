"""GET and POST /messages/<id>/entries/<seq>/delete/: an own message goes for all."""

import pytest
from django.test import Client

from messaging.models import Conversation, Entry
from messaging.tests.factories import JSON, send
from network.services import block_member
from users.models import User


@pytest.fixture
def address(conversation: Conversation, alice: User) -> str:
    """Where a message of Alice is deleted."""
    return f"/messages/{conversation.pk}/entries/{send(conversation, alice, 'Secret').seq}/delete/"


def test_one_is_asked_first(as_alice: Client, address: str) -> None:
    page = as_alice.get(address).content.decode()
    assert "Secret" in page
    assert "cannot be brought back" in page
    assert Entry.objects.get(seq=1).deleted_at is None


def test_the_words_are_gone_and_the_place_stays(as_alice: Client, address: str) -> None:
    page = as_alice.get(as_alice.post(address)["Location"]).content.decode()
    assert "Message deleted" in page
    assert "Secret" not in page


def test_programs_and_scripts_get_what_is_left(as_alice: Client, address: str) -> None:
    told = as_alice.post(address, headers=JSON).json()["entry"]
    assert (told["seq"], told["text"]) == (1, "")
    assert "Message deleted" in told["html"]
    # Deleting twice is once.
    line = as_alice.post(address, headers={"X-Requested-With": "fetch"}).content.decode()
    assert "Message deleted" in line
    assert Entry.objects.count() == 2


def test_where_the_other_has_blocked_it_stays(as_alice: Client, address: str, alice: User, bob: User) -> None:
    block_member(blocker=bob, blocked=alice)
    assert as_alice.post(address).status_code == 403
    assert as_alice.post(address, headers=JSON).json()["error"] == "blocked"
    assert Entry.objects.get(seq=1).deleted_at is None


def test_only_its_author_deletes_a_message(as_bob: Client, address: str) -> None:
    assert as_bob.get(address).status_code == 403
    assert as_bob.post(address).status_code == 403
