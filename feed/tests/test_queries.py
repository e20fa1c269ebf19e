"""How many queries a page makes: the same for few rows and for many, and never more than twelve."""

import math
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.memo import forget_everything
from feed.models import Comment, Post, PostImage, Reaction, SavedPost
from feed.services import save_post
from tests.cast import client_of, connect, make_member
from users.audience import Audience
from users.models import User

from .material import HTMX, answer, pass_on, react, say

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


def queries_of(client: Client, address: str, htmx: bool = False) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(address, headers=HTMX if htmx else None)
    assert response.status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def same_for_few_and_many(client: Client, address: str, fill: Fill, htmx: bool = False) -> None:
    fill(FEW)
    queries_of(client, address, htmx)  # templates and the like are loaded once
    # What is remembered asks less; here all is new.
    forget_everything()
    few = queries_of(client, address, htmx)
    fill(MANY)
    forget_everything()
    many = queries_of(client, address, htmx)
    assert len(few) == len(many), "\n".join([*few, "", *many])
    assert len(many) <= MOST, "\n".join(many)


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "part"])
@pytest.mark.parametrize("address", ["/", "/members/writer0/posts/", "/tags/tag/", "/saved/"])
def test_lists_of_posts(as_alice: Client, fill: Fill, address: str, htmx: bool) -> None:
    same_for_few_and_many(as_alice, address, fill, htmx)


@pytest.mark.parametrize("address", ["/members/writer0/posts/", "/tags/tag/"])
def test_lists_of_posts_for_a_visitor(writers: list[User], fill: Fill, address: str) -> None:
    User.objects.filter(username="writer0").update(page_audience=Audience.PUBLIC)
    same_for_few_and_many(Client(), address, fill)


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


@pytest.mark.parametrize("page", ["", "comments/", "reactions/", "history/", "repost/"])
def test_pages_of_a_post(as_alice: Client, quote: Post, talk: Fill, page: str) -> None:
    same_for_few_and_many(as_alice, f"/posts/{quote.pk}/{page}", talk, htmx=page == "comments/")


def test_the_page_of_a_post_for_a_visitor(quote: Post, talk: Fill) -> None:
    same_for_few_and_many(Client(), f"/posts/{quote.pk}/", talk)


def test_the_page_of_a_plain_repost(as_alice: Client, alice: User, quote: Post, talk: Fill) -> None:
    """As it is where comments were written below it before they all went to the original."""
    shared = pass_on(quote, by=alice)
    Comment.objects.create(post=shared, author=alice, text="Once", html="<p>Once</p>")
    same_for_few_and_many(as_alice, f"/posts/{shared.pk}/", talk)


def test_the_page_of_reactions(as_alice: Client, quote: Post) -> None:
    def react_more(count: int) -> None:
        start = User.objects.count()
        people = [make_member(f"reader{start + number}") for number in range(count)]
        Reaction.objects.bulk_create(Reaction(post=quote, member=member, kind="like") for member in people)

    same_for_few_and_many(as_alice, f"/posts/{quote.pk}/reactions/", react_more)


def test_the_page_of_replies(as_alice: Client, writers: list[User], quote: Post) -> None:
    top = answer(quote, writers[0])

    def reply(count: int) -> None:
        for turn in range(count):
            answer(quote, writers[turn % 4], parent=top)

    same_for_few_and_many(as_alice, f"/comments/{top.pk}/replies/", reply)


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
