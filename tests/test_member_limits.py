"""Posting, commenting, inviting and searching too often: refused at the place, with what was typed still there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings

from feed.models import Comment, Post
from feed.services import comment_on_post, publish_post
from messaging.models import Conversation
from messaging.services import start_direct
from network.models import Connection
from users.audience import Audience
from users.models import User

from .cast import client_of, make_member

pytestmark = pytest.mark.django_db
TYPED = "Words that took an hour"


@dataclass
class Ground:
    """What Alice acts upon."""

    alice: User
    post: Post
    comment: Comment
    elsewhere: Post
    talk: Conversation
    strangers: tuple[User, ...]


@pytest.fixture
def ground(alice: User, bob: User) -> Ground:
    post = publish_post(author=alice, text="Mine", audience=Audience.MEMBERS)
    return Ground(
        alice=alice,
        post=post,
        comment=comment_on_post(post=post, author=alice, text="Mine too"),
        elsewhere=publish_post(author=bob, text="His", audience=Audience.MEMBERS),
        talk=start_direct(by=alice, other=bob),
        strangers=tuple(make_member(f"stranger{number}") for number in range(3)),
    )


@pytest.fixture(autouse=True)
def _two_a_minute() -> Iterator[None]:
    with override_settings(MEMBER_LIMITS=dict.fromkeys(settings.MEMBER_LIMITS, ((2, 3600),))):
        yield


Act = Callable[[Client, Ground, int], Any]
POSTED = {"text": TYPED, "audience": Audience.MEMBERS}
ACTS: dict[str, tuple[str, Act]] = {
    "post": ("post", lambda client, ground, turn: client.post("/posts/", POSTED)),
    "edit a post": (
        "post",
        lambda client, ground, turn: client.post(
            f"/posts/{ground.post.pk}/edit/", {**POSTED, "text": f"{TYPED} {turn}"}
        ),
    ),
    "repost": (
        "post",
        lambda client, ground, turn: client.post(f"/posts/{ground.elsewhere.pk}/repost/", POSTED),
    ),
    "comment": (
        "comment",
        lambda client, ground, turn: client.post(f"/posts/{ground.post.pk}/comment/", {"text": TYPED}),
    ),
    "edit a comment": (
        "comment",
        lambda client, ground, turn: client.post(f"/comments/{ground.comment.pk}/edit/", {"text": TYPED}),
    ),
    "invite": (
        "invitation",
        lambda client, ground, turn: client.post(
            f"/members/{ground.strangers[turn].username}/invite/", {"note": TYPED}
        ),
    ),
    "look in the directory": (
        "search",
        lambda client, ground, turn: client.get("/members/", {"q": TYPED}),
    ),
}
acts = pytest.mark.parametrize("act", [act for _kind, act in ACTS.values()], ids=ACTS.keys())


def stored() -> tuple[int, int, int]:
    return Post.objects.count(), Comment.objects.count(), Connection.objects.count()


@acts
def test_the_third_is_refused_and_keeps_what_was_typed(act: Act, ground: Ground, as_alice: Client) -> None:
    assert [act(as_alice, ground, turn).status_code for turn in (0, 1)] in ([302, 302], [200, 200])
    before = stored()
    refused = act(as_alice, ground, 2)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 3600
    page = refused.content.decode()
    assert "Try again in" in page
    assert TYPED in page
    assert stored() == before


@acts
def test_others_are_not_held_back(act: Act, ground: Ground, as_alice: Client) -> None:
    for turn in range(3):
        act(as_alice, ground, turn)
    assert as_alice.get("/").status_code == 200
    assert client_of(make_member("dora")).post("/posts/", POSTED).status_code == 302


def test_a_fragment_is_refused_as_a_fragment(ground: Ground, as_alice: Client) -> None:
    for _turn in range(2):
        as_alice.post("/posts/", POSTED)
        as_alice.post(f"/posts/{ground.post.pk}/comment/", {"text": TYPED})
    for address in ("/posts/", f"/posts/{ground.post.pk}/comment/"):
        refused = as_alice.post(address, POSTED, headers={"HX-Request": "true"})
        assert refused.status_code == 429
        assert "<html" not in refused.content.decode()
        assert TYPED in refused.content.decode()
        assert "Try again in" in refused.content.decode()


def test_what_a_form_refuses_is_not_counted(as_alice: Client) -> None:
    for _turn in range(5):
        assert as_alice.post("/posts/", {**POSTED, "text": ""}).status_code == 422
    assert as_alice.post("/posts/", POSTED).status_code == 302


def test_a_refused_search_does_not_say_that_nobody_was_found(ground: Ground, as_alice: Client) -> None:
    pages = [as_alice.get("/members/", {"q": TYPED}).content.decode() for _turn in range(3)]
    assert ["No members found" in page for page in pages] == [True, True, False]


def test_the_directory_without_words_and_its_pages_are_free(ground: Ground, as_alice: Client) -> None:
    assert {as_alice.get("/members/").status_code for _turn in range(5)} == {200}


def test_a_list_that_cannot_show_a_form_says_it_by_its_status(as_alice: Client) -> None:
    statuses = [
        as_alice.get("/members/", {"q": "bo"}, headers={"HX-Request": "true"}).status_code
        for _turn in range(3)
    ]
    assert statuses == [200, 200, 429]


def test_searching_a_conversation(ground: Ground, as_alice: Client) -> None:
    def search() -> Any:
        return as_alice.get(f"/messages/{ground.talk.pk}/search/", {"q": TYPED})

    assert [search().status_code for _turn in range(3)] == [200, 200, 429]
    refused = search()
    assert "Too many requests" in refused.content.decode()
    assert 0 < int(refused["Retry-After"]) <= 3600


def test_searching_whom_to_write_to_keeps_what_was_typed(ground: Ground, as_alice: Client) -> None:
    def find() -> str:
        form = {"find": "", "q": "bo", "text": TYPED, "to": "bob"}
        return as_alice.post("/messages/new/", form).content.decode()

    assert "Try again in" not in find() + find()
    page = find()
    assert "Try again in" in page
    assert "Nobody else of this name" not in page
    assert TYPED in page


def test_each_refusal_is_in_the_security_log(
    ground: Ground, as_alice: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for _turn in range(3):
        as_alice.post("/posts/", POSTED)
    said = [record.getMessage() for record in caplog.records if record.name == "security.limit"]
    assert said == [f"rate limit hit: POST /posts/ by user {ground.alice.pk}"]
