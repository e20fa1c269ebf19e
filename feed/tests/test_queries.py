"""The number of queries of a page: the same for few rows and for many, and never more than twelve."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.database.lru_cache import clear_caches
from feed.models import Comment, Post, PostImage, Reaction, SavedPost
from feed.services import save_post
from tests.cast import client_of, connect, make_member
from users.audience import Audience
from users.models import User

from .factories import HTMX, answer, pass_on, react, say

pytestmark = pytest.mark.slow

FEW, MANY, MOST = 2, 50, 12

Fill = Callable[[int], None]


@pytest.fixture
def writers(alice: User) -> list[User]:
    """Connections of Alice, with photos."""
    writers = [make_member(f"writer{number}", photo=f"photos/{number}") for number in range(4)]
    for writer in writers:
        connect(alice, writer)
    return writers


def pictured(author: User, text: str) -> Post:
    """A post with pictures that need no files."""
    post = say(author, text, audience=Audience.PUBLIC)
    PostImage.objects.bulk_create(
        PostImage(post=post, file=f"posts/{turn}", width=8, height=6) for turn in range(2)
    )
    return post


@pytest.fixture
def fill(alice: User, bob: User, writers: list[User]) -> Fill:
    """Adds `count` rows or a little more: posts with pictures, quotes and plain reposts of such, all answered."""

    def add(count: int) -> None:
        for turn in range(math.ceil(count / 3)):
            author, other, third = (writers[(turn + step) % 4] for step in range(3))
            post = pictured(author, f"words #tag @{other.username}")
            quote = pass_on(
                pictured(other, "original #tag"), by=author, text="quote #tag", audience=Audience.PUBLIC
            )
            plain = pass_on(pictured(third, "shared #tag"), by=author, audience=Audience.PUBLIC)
            for shown in (post, quote):
                react(shown, alice, list(Reaction.Kind)[turn % 5])
                react(shown, other)
                save_post(post=shown, member=alice)
                answer(shown, alice, parent=answer(shown, other))
            save_post(post=plain, member=alice)

    return add


@dataclass(frozen=True)
class Page:
    """A request of a viewer."""

    client: Client
    address: str
    htmx: bool = False

    def __str__(self) -> str:
        return f"{self.address} {'in part' if self.htmx else 'whole'}"

    def queries(self) -> list[str]:
        """What is asked to make it. What is remembered asks less; here all is new."""
        clear_caches()
        with CaptureQueriesContext(connection) as captured:
            response = self.client.get(self.address, headers=HTMX if self.htmx else None)
        assert response.status_code == 200, f"{self}: {response.status_code}"
        return [query["sql"] for query in captured.captured_queries]


def whole_and_in_part(client: Client, *addresses: str) -> list[Page]:
    return [Page(client, address, htmx) for address in addresses for htmx in (False, True)]


def same_for_few_and_many(pages: list[Page], fill: Fill, most: int = MOST) -> None:
    """Ask for all pages in a network of few rows, and again when it has many."""
    fill(FEW)
    for page in pages:
        page.queries()  # templates and the like are loaded once
    few = [page.queries() for page in pages]
    fill(MANY)
    many = [page.queries() for page in pages]
    wrong = [
        (f"{page}: {len(before)} queries, then {len(after)}", before, after)
        for page, before, after in zip(pages, few, many, strict=True)
        if len(before) != len(after) or len(after) > most
    ]
    queries = ["", *wrong[0][1], "", *wrong[0][2]] if wrong else []
    assert wrong == [], "\n".join([*(words for words, _few, _many in wrong), *queries])


def test_lists_of_posts(as_alice: Client, writers: list[User], fill: Fill) -> None:
    User.objects.filter(username="writer0").update(page_audience=Audience.PUBLIC)
    of_alice = whole_and_in_part(as_alice, "/", "/members/writer0/posts/", "/tags/tag/", "/saved/")
    of_a_visitor = [Page(Client(), address) for address in ("/members/writer0/posts/", "/tags/tag/")]
    same_for_few_and_many(of_alice + of_a_visitor, fill)


@pytest.fixture
def quote(alice: User, writers: list[User]) -> Post:
    """The post with the most around it: words about a post with pictures."""
    quote = pass_on(pictured(writers[0], "original"), by=writers[1], text="quote", audience=Audience.PUBLIC)
    react(quote, alice)
    return quote


@pytest.fixture
def talk(writers: list[User], quote: Post) -> Fill:
    """Adds `count` comments with replies to the quote."""

    def add(count: int) -> None:
        for turn in range(count):
            top = answer(quote, writers[turn % 4])
            rows = [Comment(post=quote, parent=top, author=writer, html="reply") for writer in writers]
            Comment.objects.bulk_create(rows)
            Comment.objects.filter(pk=top.pk).update(reply_count=len(rows))

    return add


def test_pages_of_a_post(as_alice: Client, alice: User, quote: Post, talk: Fill) -> None:
    """For a member and for a visitor; and of a plain repost as it is where comments were written below it before they
    all went to the original.
    """
    shared = pass_on(quote, by=alice)
    Comment.objects.create(post=shared, author=alice, text="Once", html="<p>Once</p>")
    whole = ("", "reactions/", "history/", "repost/")
    pages = [
        *(Page(as_alice, f"/posts/{quote.pk}/{page}") for page in whole),
        Page(as_alice, f"/posts/{quote.pk}/comments/", htmx=True),
        Page(as_alice, f"/posts/{shared.pk}/"),
        Page(Client(), f"/posts/{quote.pk}/"),
    ]
    same_for_few_and_many(pages, talk)


def test_reactions_and_replies(as_alice: Client, writers: list[User], quote: Post) -> None:
    top = answer(quote, writers[0])

    def fill(count: int) -> None:
        start = User.objects.count()
        people = [make_member(f"reader{start + number}") for number in range(count)]
        Reaction.objects.bulk_create(Reaction(post=quote, member=member, kind="like") for member in people)
        for turn in range(count):
            answer(quote, writers[turn % 4], parent=top)

    pages = [f"/posts/{quote.pk}/reactions/", f"/comments/{top.pk}/replies/"]
    same_for_few_and_many([Page(as_alice, page) for page in pages], fill)


def test_a_reaction_costs_the_same_on_any_post(alice: User, bob: User, quote: Post, talk: Fill) -> None:
    client = client_of(bob)

    def cost() -> int:
        Reaction.objects.filter(member=bob).delete()
        with CaptureQueriesContext(connection) as captured:
            client.post(f"/posts/{quote.pk}/react/", {"kind": "like"}, headers=HTMX)
        return len(captured)

    talk(FEW)
    cost()
    few = cost()
    talk(MANY)
    SavedPost.objects.bulk_create(SavedPost(post=quote, member=member) for member in User.objects.all())
    assert cost() == few
