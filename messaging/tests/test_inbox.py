"""GET /messages/: the list of conversations, and the requests apart from it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.template.loader import get_template
from django.test import Client
from django.utils import timezone

from messaging import services
from messaging.display.inbox import PAGE_SIZE, InboxData, InboxRowView, build_rows
from messaging.models import Conversation, Entry, Membership, Presence
from messaging.tests.factories import read, send
from network.models import Member
from network.services import block_member
from tests.cases import all_cases
from tests.cast import client_of, connect, make_member
from tests.view_changes import find_missed_changes
from users.models import MemberView, User

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
    assert "Well said" in page
    assert bob.display_name not in page


ANN, BEN, EVE = Member(pk=1, name="Ann"), Member(pk=2, name="Ben"), Member(pk=3, name="Eve")
HIDDEN = "A message of a member who is not available to you"
# What Ann's list says of a conversation: its pair, if it is of two, its newest entry, who exists for her; and
# the title, the snippet, whether it is hidden, who speaks, and whether the words are Ann's own.
ROWS = {
    "with Ben, nothing said": ("1:2", None, [BEN], "Ben", "", False, None, False),
    "words of Ben": ("1:2", Entry(author_id=2, html="<p>A &amp; b</p>"), [BEN], "Ben", "A & b", False, BEN, False),
    "own words": ("1:2", Entry(author_id=1, html="Hi"), [ANN, BEN], "Ben", "Hi", False, None, True),
    "words of Ben who is gone": ("1:2", Entry(html="Hi"), [ANN], "Member not available", "Hi", False, None, False),
    "words of Ben who is out of sight": (
        "1:2", Entry(author_id=2, html="Hi"), [], "Member not available", "Hi", False, None, False),
    "a file of Ben": ("1:2", Entry(author_id=2, attached=1), [BEN], "Ben", "Attachment", False, BEN, False),
    "words with a file": ("1:2", Entry(author_id=2, html="Hi", attached=1), [BEN], "Ben", "Hi", False, BEN, False),
    "words without any": ("1:2", Entry(author_id=2), [BEN], "Ben", "", False, BEN, False),
    "a group, nothing said": (None, None, [BEN], "Quay", "", False, None, False),
    "words of Ben in a group": (None, Entry(author_id=2, html="Hi"), [BEN], "Quay", "Hi", False, BEN, False),
    "own words in a group": (None, Entry(author_id=1, html="Hi"), [ANN], "Quay", "Hi", False, None, True),
    "words in a group of one who is gone": (None, Entry(html="Hi"), [ANN], "Quay", "Hi", False, None, False),
    "words in a group of one who is out of sight": (
        None, Entry(author_id=2, html="Hi"), [EVE], "Quay", HIDDEN, True, None, False),
    "a group into which one who is out of sight took somebody": (
        None, Entry(author_id=2, kind=Entry.Kind.JOINED), [], "Quay", "New members", False, None, False),
    "what Ben deleted": (
        None, Entry(author_id=2, deleted_at=timezone.now()), [BEN], "Quay", "Message deleted", False, BEN, False),
}  # fmt: skip


def test_a_row_says_no_more_than_the_viewer_may_know() -> None:
    with all_cases() as case:
        for name, (pair, newest, known, *said) in ROWS.items():
            mine = Membership(conversation=Conversation(pk=7, pair=pair, title="" if pair else "Quay"))
            data = InboxData(
                {7: newest} if newest else {}, {7: 2} if pair else {}, {each.pk: each for each in known}, {}
            )
            with case(name):
                (row,) = build_rows([mine], User(pk=1), data)
                snippet = row.build_view(timezone.now(), 2026).snippet
                assert [row.title, snippet, row.is_hidden, row.speaker, row.is_mine] == said


def row_view(**values: Any) -> InboxRowView:
    """A group with unread messages, and everything that its row can show."""
    view = InboxRowView(
        conversation=7,
        unread=3,
        sort_key=9,
        box="inbox",
        is_direct=False,
        is_muted=True,
        is_current=True,
        is_online=False,
        is_mine=False,
        other=None,
        title="Quay",
        speaker="Ben",
        snippet_html="<p>Words</p>",
        note="",
        at=timezone.now() - timedelta(days=1),
        age=("days", 1),
        year=2026,
    )
    return view._replace(**values)


def html_of_row(view: InboxRowView) -> str:
    return get_template("messaging/_inbox_row.html").render({"row": view})


def test_each_value_of_a_row_is_in_its_key_and_is_shown() -> None:
    direct = row_view(is_direct=True, is_online=True, speaker="", is_mine=True)
    face = row_view(other=MemberView("ben", "Ben", "photos/b"), age=("date", 0))
    silent = row_view(other=None, snippet_html="", note="Attachment", is_direct=True)
    changed = find_missed_changes([row_view(), direct, face, silent], html_of_row, {"age": ("hours", 2)})
    # The title names the other.
    assert changed == (set(), {"other.name"})


def test_only_the_other_of_two_who_is_there_now_is_shown_as_online() -> None:
    moments = {1: timedelta(minutes=1), 2: timedelta(minutes=1), 3: timedelta(minutes=-1)}
    presences = {pk: Presence(member_id=pk, until=timezone.now() + until) for pk, until in moments.items()}
    people = {each.pk: each for each in (ANN, BEN, EVE)}
    pairs = {7: "1:2", 8: "1:3", 9: None, 10: "1:4"}
    mine = [Membership(conversation=Conversation(pk=pk, pair=pair)) for pk, pair in pairs.items()]
    rows = build_rows(mine, User(pk=1), InboxData({}, {7: 2, 8: 3, 10: 4}, people, presences))
    assert [row.is_online for row in rows] == [True, False, False, False]


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
