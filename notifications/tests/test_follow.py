"""Following a notification redirects to its target and marks it read."""

import pytest
from django.test import Client

from feed.models import Post
from feed.services import delete_post
from feed.tests.factories import answer, pass_on, react, say
from network.services import follow_member, invite_member
from notifications.models import Notification
from tests.cases import all_cases, rolled_back
from tests.cast import client_of, connect, make_member
from users.models import User

from .factories import row_of

pytestmark = pytest.mark.django_db


def target(member: User) -> str:
    """Where the member's latest notification leads."""
    row = Notification.objects.filter(recipient=member).order_by("-sort_key")[0]
    response = client_of(member).get(row.get_absolute_url())
    assert response.status_code == 302
    return response["Location"]


@pytest.fixture
def post(alice: User) -> Post:
    return say(alice)


def test_it_redirects_to_the_target(post: Post, charlie: User, mona: User) -> None:
    alice, here = post.author, f"/posts/{post.pk}/"
    react(post, charlie)
    assert target(alice) == here
    comment = answer(post, charlie)
    assert target(alice) == f"{here}#comment-{comment.pk}"
    pass_on(post, charlie)
    assert target(alice) == here
    follow_member(follower=charlie, followed=alice)
    assert target(alice) == "/members/charlie/"
    invite_member(inviter=charlie, invitee=alice)
    assert target(alice) == "/network/"
    connect(alice, mona)
    assert target(alice) == "/members/mona/"


def test_of_several_new_connections_it_leads_to_all(alice: User) -> None:
    for name in ("dan", "eve"):
        connect(alice, make_member(name))
    assert target(alice) == "/network/connections/"


def test_what_was_followed_is_read(post: Post, charlie: User) -> None:
    react(post, charlie)
    row = row_of(post.author)
    client = client_of(post.author)
    client.get(row.get_absolute_url())
    row.refresh_from_db()
    first = row.read_at
    assert first
    client.get(row.get_absolute_url())
    row.refresh_from_db()
    assert row.read_at == first


@pytest.mark.parametrize("headers", [{"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}])
def test_a_browser_that_looks_ahead_reads_nothing(post: Post, charlie: User, headers: dict[str, str]) -> None:
    react(post, charlie)
    row = row_of(post.author)
    assert client_of(post.author).get(row.get_absolute_url(), headers=headers).status_code == 302
    assert client_of(post.author).head(row.get_absolute_url()).status_code == 302
    assert row_of(post.author).is_unread


def test_those_of_others_are_a_404_and_stay_unread(post: Post, charlie: User, as_charlie: Client) -> None:
    react(post, charlie)
    row = row_of(post.author)
    assert as_charlie.get(row.get_absolute_url()).status_code == 404
    assert row_of(post.author).is_unread


def test_an_unknown_notification_is_a_404(as_alice: Client) -> None:
    with all_cases() as case:
        for pk in ["0", "-1", "x", "9" * 19, "99999999"]:
            with case(pk), rolled_back():
                assert as_alice.get(f"/notifications/{pk}/").status_code == 404


def test_a_notification_that_is_no_longer_valid_is_a_404(post: Post, charlie: User) -> None:
    react(post, charlie)
    address = row_of(post.author).get_absolute_url()
    delete_post(post=post)
    assert client_of(post.author).get(address).status_code == 404
