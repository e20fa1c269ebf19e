"""GET /messages/<id>/: the lines of a conversation, as each member sees them."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from messaging import services
from messaging.display.history import AROUND, PAGE_SIZE
from messaging.models import Conversation, Entry
from messaging.tests.factories import read, send
from network.services import block_member
from tests.cast import client_of
from users.models import User


def page_of(client: Client, conversation: Conversation, query: str = "", **headers: str) -> str:
    response = client.get(f"/messages/{conversation.pk}/{query}", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def lines_of(page: str) -> list[int]:
    return [int(seq) for seq in re.findall(r'<li class="entry[^>]*id="entry-(\d+)"', page)]


def told(page: str, name: str) -> str:
    """What stands in the attribute `data-<name>` of the conversation."""
    (tag,) = re.findall(r"<section class=\"conversation\"[^>]*>", page)
    (value,) = re.findall(rf'data-{name}="([^"]*)"', tag)
    return unescape(value)


@pytest.mark.both
def test_the_newest_lines_stand_there_in_order(
    as_alice: Client, conversation: Conversation, bob: User
) -> None:
    for number in range(PAGE_SIZE + 5):
        send(conversation, bob, f"Line {number}")
    page = page_of(as_alice, conversation)
    assert lines_of(page) == list(range(6, PAGE_SIZE + 6))
    assert (told(page, "seq"), told(page, "first"), told(page, "more")) == (str(PAGE_SIZE + 5), "6", "true")
    assert told(page, "later") == "false"
    assert f'href="/messages/{conversation.pk}/?before=6"' in page


def test_the_newest_number_counts_changes_too(
    as_alice: Client, conversation: Conversation, alice: User
) -> None:
    entry = send(conversation, alice, "Helo")
    services.edit_message(entry=entry, by=alice, text="Hello")
    page = page_of(as_alice, conversation)
    assert lines_of(page) == [1]
    assert told(page, "seq") == "2"
    assert "edited" in page


@pytest.mark.both
@pytest.mark.parametrize("headers", [{"X-Requested-With": "fetch"}, {"HX-Request": "true"}])
def test_older_lines_come_alone_to_scripts(
    as_alice: Client, conversation: Conversation, bob: User, headers: dict[str, str]
) -> None:
    for number in range(PAGE_SIZE + 5):
        send(conversation, bob, f"Line {number}")
    part = page_of(as_alice, conversation, "?before=6", **headers)
    assert part.strip().startswith("<li")
    assert lines_of(part) == [1, 2, 3, 4, 5]
    assert re.findall(r'data-more="(\w+)"', part) == ["false"]
    assert "<html" not in part
    assert re.findall(r'data-more="(\w+)"', page_of(as_alice, conversation, "?before=55", **headers)) == [
        "true"
    ]
    first_page = page_of(as_alice, conversation, f"?before={PAGE_SIZE + 1}", **headers)
    assert (len(lines_of(first_page)), 'data-more="false"' in first_page) == (PAGE_SIZE, True)


def test_older_lines_are_a_page_without_scripts(
    as_alice: Client, conversation: Conversation, group: Conversation, bob: User
) -> None:
    send(group, bob, "Elsewhere")
    for number in range(PAGE_SIZE + 5):
        send(conversation, bob, f"Line {number}")
    page = page_of(as_alice, conversation, "?before=6")
    assert lines_of(page) == [1, 2, 3, 4, 5]
    assert (told(page, "later"), told(page, "more"), told(page, "seq")) == ("true", "false", "5")
    assert "To the newest" in page
    empty = page_of(as_alice, conversation, "?before=1")
    assert (lines_of(empty), told(empty, "first"), told(empty, "seq")) == ([], "0", "0")


@pytest.mark.both
def test_a_found_line_stands_among_its_neighbours_and_is_marked(
    as_alice: Client, conversation: Conversation, bob: User
) -> None:
    for number in range(2 * AROUND + 20):
        send(conversation, bob, f"Line {number}")
    page = page_of(as_alice, conversation, f"?around={AROUND + 10}")
    assert lines_of(page) == list(range(10, 2 * AROUND + 11))
    (found,) = re.findall(r'class="entry[^"]*is-found[^"]*"\s+id="entry-(\d+)"', page)
    assert int(found) == AROUND + 10
    assert (told(page, "more"), told(page, "later")) == ("true", "true")
    for seq, more, later in (
        (3, "false", "true"),
        (AROUND + 1, "false", "true"),
        (AROUND + 2, "true", "true"),
        (AROUND + 19, "true", "true"),
        (AROUND + 20, "true", "false"),
    ):
        page = page_of(as_alice, conversation, f"?around={seq}")
        assert (seq, told(page, "more"), told(page, "later")) == (seq, more, later)
    assert told(page_of(as_alice, conversation, f"?around={10**17}"), "later") == "false"


@pytest.mark.parametrize("query", ["?before=x", "?around=-1", "?before=%00", "?around=" + "9" * 30])
def test_a_number_that_is_none_is_refused(as_alice: Client, conversation: Conversation, query: str) -> None:
    assert as_alice.get(f"/messages/{conversation.pk}/{query}").status_code == 400


def test_what_is_unread_begins_with_a_line(
    as_alice: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    for who in (bob, bob, alice, bob):
        send(conversation, who)
    read(conversation, alice, 1)
    page = page_of(as_alice, conversation)
    assert page.split("<template")[0].count("data-divider") == 1
    assert page.index("data-divider") < page.index('id="entry-2"')
    assert page.index("data-divider") > page.index('id="entry-1"')


def test_unread_lines_can_be_marked_as_read_without_scripts(
    as_alice: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    send(conversation, bob)
    here = f"/messages/{conversation.pk}/"
    response = as_alice.post(f"{here}cursors/", {"read": "1", "next": here})
    assert (response.status_code, response["Location"]) == (302, here)
    assert "data-divider" not in page_of(as_alice, conversation).split("<template")[0]


def test_each_day_begins_with_its_date(as_alice: Client, conversation: Conversation, bob: User) -> None:
    for number in range(3):
        send(conversation, bob)
        old = timezone.now() - timedelta(days=[4, 4, 0][number])
        Entry.objects.filter(seq=number + 1).update(created_at=old)
    days = re.findall(r'<li class="day"\s+data-day="([\d-]+)"', page_of(as_alice, conversation))
    today = timezone.localdate()
    assert days == [str(today - timedelta(days=4)), str(today)]


def test_who_goes_on_writing_is_named_once(
    as_alice: Client, group: Conversation, bob: User, dora: User
) -> None:
    first, second, other = send(group, bob), send(group, bob), send(group, dora)
    page = page_of(as_alice, group)
    follows = re.findall(r'class="entry[^"]*entry-follows[^"]*"\s+id="entry-(\d+)"', page)
    assert follows == [str(second.seq)]
    assert {first.seq, other.seq} < set(lines_of(page))


def test_own_lines_tell_what_became_of_them(
    as_alice: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    for _turn in range(3):
        send(conversation, alice)
    services.move_cursors({(conversation.pk, bob.pk): services.CursorPosition(delivered=2, read=1)})
    page = page_of(as_alice, conversation)
    assert re.findall(r'<span class="entry-mark" data-mark="(\w+)"', page)[:3] == [
        "read",
        "delivered",
        "sent",
    ]
    assert json.loads(told(page, "cursors")) == [{"member": bob.pk, "delivered": 2, "read": 1}]
    # Others see nothing of marks.
    assert 'class="entry-mark"' not in page_of(client_of(bob), conversation).split("<template")[0]


def test_own_lines_can_be_changed_and_others_not(
    as_alice: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    mine, theirs = send(conversation, alice), send(conversation, bob)
    page = page_of(as_alice, conversation)
    assert f"/messages/{conversation.pk}/entries/{mine.seq}/edit/" in page
    # Where a script finds the page to delete; without scripts, the page to edit leads there.
    assert f'data-action="/messages/{conversation.pk}/entries/{mine.seq}/"' in page
    edit = as_alice.get(f"/messages/{conversation.pk}/entries/{mine.seq}/edit/").content.decode()
    assert f"/messages/{conversation.pk}/entries/{mine.seq}/delete/" in edit
    assert f"/entries/{theirs.seq}/" not in page


def test_a_deleted_line_keeps_its_place_without_its_words(
    as_bob: Client, conversation: Conversation, alice: User
) -> None:
    services.delete_message(entry=send(conversation, alice, "Secret"), by=alice)
    page = page_of(as_bob, conversation)
    assert "Message deleted" in page
    assert "Secret" not in page


def test_words_of_somebody_blocked_are_hidden_in_a_group(
    as_alice: Client, group: Conversation, alice: User, bob: User, dora: User
) -> None:
    send(group, bob, "Secret")
    send(group, dora, "Open")
    block_member(blocker=alice, blocked=bob)
    page = page_of(as_alice, group)
    assert "Secret" not in page
    assert "A message of a member who is not available to you" in page
    assert "Open" in page
    assert "Secret" in page_of(client_of(dora), group)


def test_coming_going_and_titles_are_told_in_words(
    as_alice: Client, group: Conversation, alice: User, bob: User, dora: User
) -> None:
    services.rename_conversation(conversation=group, by=bob, title="Quay")
    services.leave_conversation(conversation=group, member=bob)
    services.remove_member(conversation=group, by=alice, member=dora)
    page = " ".join(page_of(as_alice, group).split())
    for words in ("You added Bob", "Bob named this conversation “Quay”", "Bob left", "You removed Dora"):
        assert words in page


def test_the_other_end_is_shown_with_whether_they_are_there(
    as_alice: Client, conversation: Conversation, bob: User
) -> None:
    page = page_of(as_alice, conversation)
    assert re.search(rf'data-presence\s+data-member="{bob.pk}"', page)
    assert f'href="{bob.get_absolute_url()}"' in page


def test_with_somebody_blocked_history_stays_and_nothing_can_be_written(
    as_alice: Client, conversation: Conversation, alice: User, bob: User
) -> None:
    send(conversation, bob, "Well said")
    block_member(blocker=bob, blocked=alice)
    page = page_of(as_alice, conversation)
    assert "Well said" in page
    assert "This member is not available" in page
    assert "data-send-form" not in page
    assert bob.display_name not in page


def test_with_an_account_that_is_gone_history_stays(
    as_alice: Client, conversation: Conversation, bob: User
) -> None:
    send(conversation, bob, "Well said")
    bob.delete()
    page = page_of(as_alice, conversation)
    assert "Well said" in page
    assert "data-send-form" not in page


def test_a_stranger_s_first_words_can_be_accepted_declined_or_blocked(
    as_alice: Client, alice: User, charlie: User
) -> None:
    request = services.start_direct(by=charlie, other=alice)
    send(request, charlie, "Hello from afar")
    page = page_of(as_alice, request)
    for act in (
        f"/messages/{request.pk}/accept/",
        f"/messages/{request.pk}/decline/",
        "/members/charlie/block/",
    ):
        assert f'action="{act}"' in page
    assert 'data-box="requests"' in page
    # The one who asked is told nothing of whether it was read.
    read(request, alice, 1)
    theirs = page_of(client_of(charlie), request)
    assert told(theirs, "cursors") == "[]"
    assert "data-request" not in theirs


def test_a_request_that_holds_enough_says_so_at_the_form(
    as_charlie: Client, alice: User, charlie: User
) -> None:
    request = services.start_direct(by=charlie, other=alice)
    for _turn in range(4):
        send(request, charlie)
    assert "up to five messages" in page_of(as_charlie, request)
    send(request, charlie)
    assert "You can write more once your request is accepted." in page_of(as_charlie, request)


def test_one_who_came_later_sees_nothing_from_before(
    group: Conversation, alice: User, bob: User, erin: User
) -> None:
    send(group, bob, "Before")
    services.add_members(conversation=group, by=alice, members=[erin])
    send(group, bob, "After")
    page = page_of(client_of(erin), group)
    assert "After" in page
    assert "Before" not in page
    assert told(page, "more") == "false"
    for query in ("?before=4", "?around=3"):
        assert "Before" not in page_of(client_of(erin), group, query)


def test_pictures_have_their_size_and_files_their_name(
    as_alice: Client, conversation: Conversation, bob: User
) -> None:
    send(
        conversation,
        bob,
        pictures=[services.Picture(Image.new("RGB", (60, 40)), "view.png")],
        files=[services.File(b"%PDF-1.4", "plan.pdf")],
    )
    page = page_of(as_alice, conversation)
    assert re.search(r'<img src="/messages/\d+/files/\d+/[^>]*width="60"\s*height="40"', page)
    assert "plan.pdf" in page


def test_nothing_of_what_was_typed_is_markup(as_alice: Client, conversation: Conversation, bob: User) -> None:
    send(conversation, bob, "<script>alert(1)</script> \"'><b>x")
    page = page_of(as_alice, conversation)
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
