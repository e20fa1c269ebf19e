"""How many queries a page makes: the same for few rows and for many, and never more than twelve."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.memo import forget_everything
from feed.tests.material import HTMX, answer, pass_on, react, say
from network.services import follow_member, invite_member
from notifications.models import Notification
from tests.cast import make_member
from users.models import User

FEW, MANY, MOST = 2, 50, 12


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


def queries_of(client: Client, address: str, htmx: bool) -> list[str]:
    forget_everything()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address, headers=HTMX if htmx else None).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.django_db
@pytest.mark.parametrize("htmx", [False, True], ids=["page", "part"])
@pytest.mark.parametrize("show", ["all", "unread", "posts", "mentions", "network"])
def test_pages_of_few_and_of_many(as_alice: Client, alice: User, show: str, htmx: bool) -> None:
    address = f"/notifications/?show={show}"
    fill(alice, FEW)
    queries_of(as_alice, address, htmx)
    few = queries_of(as_alice, address, htmx)
    fill(alice, MANY)
    many = queries_of(as_alice, address, htmx)
    assert len(few) == len(many), "\n".join([*few, "", *many])
    assert len(many) <= MOST, "\n".join(many)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/notifications/preferences/", "/notifications/unread/"])
def test_other_pages(as_alice: Client, address: str) -> None:
    queries_of(as_alice, address, htmx=False)
    assert len(queries_of(as_alice, address, htmx=False)) <= 8
