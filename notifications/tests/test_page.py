"""The page of notifications."""

import re

import pytest
from django.test import Client

from feed.tests.factories import HTMX, SCRIPT, answer, pass_on, react, say
from network.services import follow_member, invite_member
from notifications import services
from notifications.models import Notification
from tests.cases import all_cases, rolled_back
from tests.cast import client_of, make_member
from users.models import User

from .factories import page_of

pytestmark = pytest.mark.django_db

WORDS = re.compile(r'class="notification-link"[^>]*>(.*?)</a>', re.DOTALL)


def sentences(html: str) -> list[str]:
    return [re.sub(r"<[^>]+>", "", words).strip() for words in WORDS.findall(html)]


@pytest.fixture
def busy(alice: User, charlie: User, mona: User) -> User:
    """Alice, with one notification of each group."""
    post = say(alice, "My **first** day")
    invite_member(inviter=mona, invitee=alice)
    react(post, charlie)
    say(mona, "Hello @alice")
    return alice


@pytest.mark.both
def test_what_is_new_is_marked_and_looking_changes_nothing(busy: User) -> None:
    client = client_of(busy)
    for _time in range(2):
        html = page_of(client)
        assert sentences(html) == [
            "Mona mentioned you in a post",
            "Charlie reacted to your post",
            "Mona asked to connect with you",
        ]
        assert html.count("notification-unread") == 3
        assert "My first day" in html


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        ("all", 3),
        ("unread", 2),
        ("posts", 1),
        ("mentions", 1),
        ("network", 1),
    ],
)
def test_filters(busy: User, show: str, expected: int) -> None:
    services.mark_read(notification=Notification.objects.get(kind="reaction"))
    assert len(sentences(page_of(client_of(busy), f"/notifications/?show={show}"))) == expected


def test_an_empty_page_explains_what_will_appear(as_charlie: Client) -> None:
    with all_cases() as case:
        for show in ["", "all", "unread", "posts", "mentions", "network"]:
            with case(show), rolled_back():
                html = page_of(as_charlie, "/notifications/", data={"show": show} if show else {})
                assert "empty-title" in html
                assert sentences(html) == []


def test_a_filter_that_does_not_exist_is_a_404(as_alice: Client) -> None:
    page_of(as_alice, "/notifications/?show=everything", 404)


def test_a_cursor_that_is_none_is_a_400(as_alice: Client) -> None:
    with all_cases() as case:
        for cursor in ["x", "-1", "1.5", "9" * 19, "1'--", "%00", "٣"]:
            with case(cursor), rolled_back():
                page_of(as_alice, f"/notifications/?page={cursor}", 400)


@pytest.mark.both
def test_pages_follow_each_other_without_gap_or_double(alice: User, charlie: User) -> None:
    for number in range(45):
        react(say(alice, f"Post {number}"), charlie)
    client, address, seen = client_of(alice), "/notifications/?show=posts", []
    html = page_of(client, address)
    while True:
        seen += re.findall(r'id="notification-(\d+)"', html)
        more = re.search(r'hx-get="(\?[^"]+)"', html)
        if more is None:
            break
        html = page_of(client, "/notifications/" + more[1].replace("&amp;", "&"), headers=HTMX)
        assert "<html" not in html
    assert len(seen) == len(set(seen)) == 45
    assert [int(pk) for pk in seen] == sorted(map(int, seen), reverse=True)


def test_names_and_texts_are_escaped(alice: User) -> None:
    charlie = make_member("charlie", name=f'{SCRIPT}{{who}} %s "')
    post = say(alice, f"{SCRIPT} <b>bold</b>")
    react(post, charlie)
    answer(post, charlie, SCRIPT)
    follow_member(follower=charlie, followed=alice)
    html = page_of(client_of(alice))
    assert "<script>alert" not in html
    assert "<b>bold" not in html
    assert "{who}" in html


def test_every_name_of_a_sentence_is_bold_and_escaped_once(alice: User, charlie: User, mona: User) -> None:
    post = say(alice)
    for member, name in ((charlie, "Charlie & Co"), (mona, "Mona")):
        User.objects.filter(pk=member.pk).update(name=name)
        react(post, member)
    names = "<strong><bdi>{}</bdi></strong>"
    mona_first = f"{names.format('Mona')} and {names.format('Charlie &amp; Co')} reacted"
    assert mona_first in page_of(client_of(alice))
    react(post, make_member("dan"))
    assert f"{names.format('Dan')}, {names.format('Mona')} and 1 other reacted" in page_of(client_of(alice))


def test_a_repost_shows_its_text_or_the_post(alice: User, charlie: User, mona: User) -> None:
    post = say(alice, "My day")
    pass_on(post, charlie)
    assert "My day" in page_of(client_of(alice))
    pass_on(post, mona, "A good read")
    assert "A good read" in page_of(client_of(alice))


def test_an_invitation_shows_its_note(alice: User, charlie: User) -> None:
    invite_member(inviter=charlie, invitee=alice, note="From the harbour")
    assert "From the harbour" in page_of(client_of(alice))


def test_a_visitor_is_asked_to_sign_in(client: Client) -> None:
    response = client.get("/notifications/")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/notifications/"


# -- The bell ------------------------------------------------------------------------------------


def bell(html: str) -> tuple[str, bool]:
    """What the badge says, and whether it shows."""
    found = re.search(r'data-badge="notifications"([^>]*)>\s*<span data-count>(.*?)</span>', html)
    assert found
    return found[2], "hidden" not in found[1]


def test_the_bell_counts_what_is_unread_on_every_page(busy: User) -> None:
    client = client_of(busy)
    assert bell(page_of(client, "/")) == ("3", True)
    services.mark_read(notification=Notification.objects.get(kind="reaction"))
    assert bell(page_of(client, "/members/")) == ("2", True)


def test_the_bell_is_there_and_hidden_where_nothing_is_unread(as_charlie: Client) -> None:
    assert bell(page_of(as_charlie, "/")) == ("0", False)


def test_the_bell_shows_99_at_most(alice: User, charlie: User) -> None:
    for number in range(101):
        row = Notification.objects.create(recipient=alice, kind="mention", key=f"x{number}", sort_key=number)
        row.activities.create(actor=charlie)
    assert bell(page_of(client_of(alice), "/notifications/?show=network")) == ("99+", True)


def test_the_number_for_pages_without_a_socket(busy: User) -> None:
    response = client_of(busy).get("/notifications/unread/")
    assert response.json() == {"unread": 3}
    assert "no-store" in response["Cache-Control"]
