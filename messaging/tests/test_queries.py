"""How many queries a page makes: the same for few rows and for many, and never more than twelve."""

import math
from collections.abc import Callable

import pytest
from django.test import Client

from feed.tests.test_queries import Page, same_for_few_and_many
from messaging import services
from messaging.models import Conversation
from messaging.tests.factories import send
from tests.cast import connect, make_member
from users.models import User

pytestmark = pytest.mark.slow

Fill = Callable[[int], None]


@pytest.fixture
def friends(alice: User) -> list[User]:
    """Connections of Alice, with photos."""
    friends = [make_member(f"friend{number}", photo=f"photos/{number}") for number in range(4)]
    for friend in friends:
        connect(alice, friend)
    return friends


@pytest.fixture
def harbour(alice: User, friends: list[User]) -> Conversation:
    return services.start_group(by=alice, members=friends, title="Harbour")


@pytest.fixture
def say(alice: User, friends: list[User], harbour: Conversation) -> Fill:
    """Adds lines of everybody to the group, some with files, some changed."""

    def add(count: int) -> None:
        for turn in range(count):
            file = services.File(b"%PDF-1.4", "plan.pdf")
            entry = send(harbour, friends[turn % 4], "words", files=[file] if turn % 2 else [])
            send(harbour, alice)
            if turn % 3:
                services.edit_message(entry=entry, by=friends[turn % 4], text="other words")

    return add


@pytest.fixture
def begin(alice: User, friends: list[User]) -> Fill:
    """Adds conversations: of two and of several, and requests."""

    def add(count: int) -> None:
        start = User.objects.count()
        for turn in range(math.ceil(count / 3)):
            friend, stranger = make_member(f"other{start + turn}"), make_member(f"far{start + turn}")
            connect(alice, friend)
            group = services.start_group(by=friend, members=[alice])
            for conversation, who in (
                (services.start_direct(by=alice, other=friend), friend),
                (services.start_direct(by=stranger, other=alice), stranger),
                (group, friend),
            ):
                send(conversation, who)

    return add


def test_pages_of_a_group(as_alice: Client, harbour: Conversation, say: Fill) -> None:
    say(6)
    address = f"/messages/{harbour.pk}/"
    queries = ("", "?around=9", "?before=9", "search/?q=words")
    pages = [Page(as_alice, address + query) for query in queries]
    same_for_few_and_many([*pages, Page(as_alice, f"{address}?before=20", htmx=True)], say)


def test_lists_of_conversations_and_pages_beside_them(
    as_alice: Client, alice: User, charlie: User, harbour: Conversation, say: Fill, begin: Fill
) -> None:
    """The list, the list beside a group and a request, and those to whom one may write or whom one may bring in."""
    say(2)
    request = services.start_direct(by=charlie, other=alice)
    send(request, charlie, "words", files=[services.File(b"%PDF-1.4", "plan.pdf")])
    places = (
        "",
        "?box=requests",
        f"{harbour.pk}/",
        f"{request.pk}/",
        "new/?to=friend1",
        f"{harbour.pk}/about/",
    )
    same_for_few_and_many([Page(as_alice, f"/messages/{place}") for place in places], begin)


def test_a_large_group(as_alice: Client, alice: User, friends: list[User], harbour: Conversation) -> None:
    def grow(count: int) -> None:
        coming = [make_member(f"new{User.objects.count()}") for _turn in range(min(count, 40))]
        for member in coming:
            connect(alice, member)
        services.add_members(conversation=harbour, by=alice, members=coming)

    same_for_few_and_many([Page(as_alice, f"/messages/{harbour.pk}/about/")], grow)
