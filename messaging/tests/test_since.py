"""GET /messages/<id>/since/<seq>/: what a program has missed."""

import json
from typing import Any

import pytest
from django.test import Client

from messaging import queries, services
from messaging.models import Conversation, Membership
from messaging.tests.factories import many, read, send, side_of, told_since
from network.services import block_member
from users.models import User

pytestmark = [pytest.mark.both, pytest.mark.django_db]


def since(client: Client, conversation: Conversation, seq: object, status: int = 200) -> dict[str, Any]:
    response = client.get(f"/messages/{conversation.pk}/since/{seq}/")
    assert response.status_code == status
    return json.loads(response.content) if status == 200 else {}


def test_it_tells_what_is_newer_and_how_far_everybody_is(
    as_alice: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    for who in (alice, bob, bob):
        send(conversation, who)
    read(conversation, bob, 2)
    told = since(as_alice, conversation, 1)
    assert [entry["seq"] for entry in told.pop("entries")] == [2, 3]
    assert told == {
        "conversation": conversation.pk,
        "newest": 3,
        "more": False,
        "cursors": [{"member": bob.pk, "delivered": 2, "read": 2}],
        "member": alice.pk,
        "read": 0,
        "unread": 2,
    }


def test_a_program_tells_its_own_entries_from_those_of_others(
    as_alice: Client, as_bob: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    for who in (alice, bob, alice):
        send(conversation, who)
    for client, own in ((as_alice, [1, 3]), (as_bob, [2])):
        told = since(client, conversation, 0)
        assert [entry["seq"] for entry in told["entries"] if entry["author"] == told["member"]] == own
        # Who asks is told, even where nothing is new.
        assert since(client, conversation, 3)["member"] == told["member"]


def test_the_newest_number_gets_nothing(as_alice: Client, conversation: Conversation, bob: User) -> None:
    send(conversation, bob)
    for seq in (1, 2, 10**17):
        told = since(as_alice, conversation, seq)
        assert (told["entries"], told["more"], told["newest"]) == ([], False, 1)


def test_pages_of_a_hundred_until_there_is_no_more(
    as_alice: Client, conversation: Conversation, bob: User
) -> None:
    many(conversation, bob, 250)
    seen: list[int] = []
    while True:
        told = since(as_alice, conversation, seen[-1] if seen else 0)
        assert len(told["entries"]) <= queries.AT_ONCE
        assert told["newest"] == 250
        seen += [entry["seq"] for entry in told["entries"]]
        if not told["more"]:
            break
    assert seen == list(range(1, 251))


def test_exactly_a_hundred_are_all(as_alice: Client, conversation: Conversation, bob: User) -> None:
    many(conversation, bob, queries.AT_ONCE)
    told = since(as_alice, conversation, 0)
    assert (len(told["entries"]), told["more"]) == (queries.AT_ONCE, False)


@pytest.mark.parametrize("seq", [2**63, 2**63 - 1, 10**18, "9" * 30, "9" * 5000, "-1", "x", "1.5", "²"])
def test_what_is_no_number_of_an_entry_is_404(
    as_alice: Client, conversation: Conversation, seq: object
) -> None:
    since(as_alice, conversation, seq, status=404)


def test_a_stranger_gets_404_and_a_visitor_is_asked_to_sign_in(
    as_charlie: Client, client: Client, conversation: Conversation
) -> None:
    since(as_charlie, conversation, 0, status=404)
    since(client, conversation, 0, status=302)


def test_only_reading_is_possible(as_alice: Client, conversation: Conversation) -> None:
    assert as_alice.post(f"/messages/{conversation.pk}/since/0/").status_code == 405
    assert as_alice.head(f"/messages/{conversation.pk}/since/0/").status_code == 200


def test_an_edit_brings_the_words_as_they_are_now(conversation: Conversation, alice: User, bob: User) -> None:
    entry = send(conversation, alice, "Helo")
    services.edit_message(entry=entry, by=alice, text="Hello")
    message, edit = told_since(conversation, bob)
    assert (message["text"], edit["text"]) == ("Hello", "Hello")
    assert (edit["kind"], edit["target"], edit["client_id"]) == ("edit", 1, None)
    assert 'id="entry-1"' in edit["html"]


def test_a_deletion_leaves_no_words_anywhere(conversation: Conversation, alice: User, bob: User) -> None:
    entry = send(conversation, alice, "Secret words")
    services.edit_message(entry=entry, by=alice, text="Other secret words")
    services.delete_message(entry=entry, by=alice)
    for viewer in (alice, bob):
        assert "ecret" not in json.dumps(told_since(conversation, viewer))


def test_the_client_id_is_for_its_author_alone(conversation: Conversation, alice: User, bob: User) -> None:
    entry = send(conversation, alice)
    assert told_since(conversation, alice)[0]["client_id"] == str(entry.client_id)
    assert told_since(conversation, bob)[0]["client_id"] is None


def test_who_came_later_learns_nothing_of_what_was_before(
    group: Conversation, alice: User, erin: User
) -> None:
    before = send(group, alice, "Before the coming")
    services.add_members(conversation=group, by=alice, members=[erin])
    services.edit_message(entry=before, by=alice, text="Still before the coming")
    services.delete_message(entry=send(group, alice, "After the coming"), by=alice)
    entries = told_since(group, erin)
    assert "before the coming" not in json.dumps(entries).lower()
    assert [entry["kind"] for entry in entries] == ["joined", "edit", "message", "deletion"]
    edit = entries[1]
    assert (edit["target"], edit["text"], edit["html"]) == (None, "", "")


def test_who_was_taken_out_gets_404_and_is_in_nobody_s_cursors(
    as_alice: Client,
    as_bob: Client,
    conversation: Conversation,
    group: Conversation,
    alice: User,
    bob: User,
    dora: User,
) -> None:
    def members() -> list[int]:
        return [cursor["member"] for cursor in since(as_alice, group, 0)["cursors"]]

    since(as_bob, group, 0)
    assert members() == [bob.pk, dora.pk]
    services.remove_member(conversation=group, by=alice, member=bob)
    since(as_bob, group, 0, status=404)
    assert members() == [dora.pk]


def test_words_of_a_blocked_author_in_a_group_are_hidden(
    as_bob: Client, group: Conversation, bob: User, dora: User
) -> None:
    send(group, dora, "Words of Dora")
    block_member(blocker=dora, blocked=bob)
    told = since(as_bob, group, 0)
    entry = told["entries"][-1]
    assert (entry["seq"], entry["kind"], entry["text"]) == (3, "message", "")
    assert "Words of Dora" not in json.dumps(told)
    assert "not available" in entry["html"]
    assert dora.pk not in [cursor["member"] for cursor in told["cursors"]]


def test_after_a_block_the_history_of_two_stays_readable(
    as_alice: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    send(conversation, bob, "Old words")
    block_member(blocker=bob, blocked=alice)
    told = since(as_alice, conversation, 0)
    assert (told["entries"][0]["text"], told["cursors"]) == ("Old words", [])


def test_a_deleted_account_leaves_its_words_and_numbers(
    as_alice: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    for who in (bob, alice, bob):
        send(conversation, who)
    bob.delete()
    told = since(as_alice, conversation, 0)
    assert [(entry["seq"], entry["author"]) for entry in told["entries"]] == [
        (1, None),
        (2, alice.pk),
        (3, None),
    ]
    assert told["newest"] == 3


def test_a_request_that_waits_shows_no_cursor(as_charlie: Client, charlie: User, alice: User) -> None:
    request = services.start_direct(by=charlie, other=alice)
    send(request, charlie)
    services.move_cursors({(request.pk, alice.pk): services.CursorPosition(read=1)})
    assert side_of(request, alice).read_seq == 1
    assert since(as_charlie, request, 0)["cursors"] == []
    Membership.objects.filter(pk=side_of(request, alice).pk).update(accepted_at=request.created_at)
    assert since(as_charlie, request, 0)["cursors"] != []
