"""GET /messages/: the list of conversations, and the requests apart from it."""

import re

import pytest
from django.test import Client

from messaging import services
from messaging.display.inbox import PAGE_SIZE
from messaging.models import Conversation, Membership
from messaging.tests.factories import read, send
from network.services import block_member
from tests.cast import client_of, connect, make_member
from users.models import User

pytestmark = pytest.mark.both


def rows_of(client: Client, query: str = "") -> list[str]:
    """The ids of the conversations in the list, in its order."""
    page = client.get(f"/messages/{query}").content.decode()
    return re.findall(r'class="inbox-row[^>]*data-conversation="(\d+)"', page)


def test_the_newest_message_comes_first(
    as_alice: Client, conversation: Conversation, group: Conversation, bob: User
) -> None:
    send(group, bob)
    send(conversation, bob)
    assert rows_of(as_alice) == [str(conversation.pk), str(group.pk)]
    send(group, bob)
    assert rows_of(as_alice) == [str(group.pk), str(conversation.pk)]


def test_a_row_tells_who_said_what_and_how_much_is_unread(
    as_alice: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    send(conversation, bob, "**Bold** words & such")
    page = as_alice.get("/messages/").content.decode()
    assert "Bold words &amp; such" in page
    assert 'data-unread="1"' in page
    read(conversation, alice, 1)
    send(conversation, alice, "Mine")
    page = as_alice.get("/messages/").content.decode()
    assert "You:" in page
    assert 'data-unread="0"' in page


def test_a_deleted_message_says_nothing_in_the_list(
    as_alice: Client, conversation: Conversation, bob: User
) -> None:
    services.delete_message(entry=send(conversation, bob, "Secret"), by=bob)
    page = as_alice.get("/messages/").content.decode()
    assert "Message deleted" in page
    assert "Secret" not in page


def test_words_of_somebody_blocked_do_not_stand_in_the_list(
    as_alice: Client, group: Conversation, alice: User, bob: User
) -> None:
    send(group, bob, "Secret")
    block_member(blocker=alice, blocked=bob)
    page = as_alice.get("/messages/").content.decode()
    assert "Secret" not in page
    assert "not available to you" in page


def test_a_conversation_with_somebody_blocked_keeps_its_row_without_a_name(
    as_alice: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    send(conversation, bob, "Well said")
    block_member(blocker=alice, blocked=bob)
    page = as_alice.get("/messages/").content.decode()
    assert "Member not available" in page
    assert bob.display_name not in page


def test_requests_stand_apart_and_are_counted(as_alice: Client, alice: User, charlie: User) -> None:
    request = services.start_direct(by=charlie, other=alice)
    send(request, charlie, "Hello from afar")
    assert rows_of(as_alice) == []
    assert rows_of(as_alice, "?box=requests") == [str(request.pk)]
    page = as_alice.get("/messages/").content.decode()
    assert re.search(r"Requests\s*<span class=\"badge badge-accent\">1</span>", page)
    assert 'data-box="inbox"' in page
    # The one who asked sees it where one's conversations are.
    assert rows_of(client_of(charlie)) == [str(request.pk)]


def test_a_declined_request_is_out_of_sight(as_alice: Client, alice: User, charlie: User) -> None:
    request = services.start_direct(by=charlie, other=alice)
    send(request, charlie)
    services.decline_conversation(conversation=request, member=alice)
    assert rows_of(as_alice, "?box=requests") == rows_of(as_alice) == []


def test_a_left_group_is_gone(as_bob: Client, group: Conversation, bob: User) -> None:
    services.leave_conversation(conversation=group, member=bob)
    assert rows_of(as_bob) == []


def test_an_empty_list_says_what_to_do(as_charlie: Client) -> None:
    page = as_charlie.get("/messages/").content.decode()
    assert "No conversations yet" in page
    assert 'href="/messages/new/"' in page
    assert "No requests" in as_charlie.get("/messages/?box=requests").content.decode()


def test_the_list_is_paged_and_shows_each_once(as_alice: Client, alice: User) -> None:
    for number in range(PAGE_SIZE + 3):
        other = make_member(f"other{number}")
        connect(alice, other)
        send(services.start_direct(by=alice, other=other), other)
    first = rows_of(as_alice)
    page = as_alice.get("/messages/").content.decode()
    (cursor,) = re.findall(r'href="/messages/\?page=(\d+)"', page)
    rest = rows_of(as_alice, f"?page={cursor}")
    assert (len(first), len(rest)) == (PAGE_SIZE, 3)
    assert len({*first, *rest}) == PAGE_SIZE + 3
    assert Membership.objects.inbox(alice).count() == PAGE_SIZE + 3


def test_a_cursor_that_is_none_is_refused(as_alice: Client) -> None:
    assert as_alice.get("/messages/?page=x").status_code == 400


def test_a_visitor_is_asked_to_sign_in(client: Client, db: None) -> None:
    assert client.get("/messages/")["Location"] == "/accounts/login/?next=/messages/"
