"""The number of queries of a page: the same for few rows and for many, and never more than twelve."""

import pytest
from django.test import Client

from feed.tests.factories import answer, pass_on, react, say
from feed.tests.test_queries import Page, same_for_few_and_many, whole_and_in_part
from network.services import follow_member, invite_member
from notifications.models import Notification
from tests.cast import make_member
from users.models import User

pytestmark = pytest.mark.slow


def fill(alice: User, count: int) -> None:
    """Adds `count` rows of all kinds or a little more, each by several members."""
    start = Notification.objects.count()
    people = [make_member(f"m{start}x{number}", photo=f"photos/{number}") for number in range(3)]
    for number in range(-(-count // 5)):
        post = say(alice, f"Post {start} {number}")
        top = answer(post, alice)
        for member in people:
            react(post, member)
            answer(post, member)
            answer(post, member, parent=top)
            pass_on(post, member, "Look")
            say(member, "Thanks @alice")
    for member in people:
        follow_member(follower=member, followed=alice)
        invite_member(inviter=member, invitee=alice)


@pytest.mark.django_db
def test_pages_of_few_and_of_many(as_alice: Client, alice: User) -> None:
    shows = ("all", "unread", "posts", "mentions", "network")
    pages = whole_and_in_part(as_alice, *(f"/notifications/?show={show}" for show in shows))
    same_for_few_and_many(pages, lambda count: fill(alice, count))


@pytest.mark.django_db
def test_other_pages(as_alice: Client) -> None:
    pages = [Page(as_alice, f"/notifications/{page}/") for page in ("preferences", "unread")]
    same_for_few_and_many(pages, lambda count: None, most=8)
