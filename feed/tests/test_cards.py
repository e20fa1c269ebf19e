"""Cards of posts are cached for all readers: no reader may get a card of another reader."""

import re

import pytest
from django.test import Client

from feed import services
from feed.models import Comment, Post, Reaction
from network.services import block_member
from tests.cast import client_of
from users.audience import Audience
from users.models import User
from users.services import edit_profile, set_photo

from .factories import answer, image, page_of, pass_on, react, say

pytestmark = pytest.mark.both


@pytest.fixture
def readers(alice: User, bob: User, charlie: User) -> dict[str, Client]:
    """Everyone who may look at a post for everyone; the author first, so that her card is remembered first."""
    return {
        "alice": client_of(alice),
        "bob": client_of(bob),
        "charlie": client_of(charlie),
        "visitor": Client(),
    }


@pytest.fixture
def post(alice: User) -> Post:
    User.objects.filter(pk=alice.pk).update(page_audience=Audience.PUBLIC)
    return say(alice, "Words of the post", audience=Audience.PUBLIC)


def who_sees(readers: dict[str, Client], post: Post, part: str) -> list[str]:
    """The readers whose card of the post holds `part`; each looks twice, the second time at what is remembered."""
    found = []
    for name, client in readers.items():
        for _time in range(2):
            card = page_of(client, f"/posts/{post.pk}/").partition("<article")[2].partition("</article>")[0]
            assert "Words of" in card
        if part in card:
            found.append(name)
    return found


def test_only_the_author_is_offered_to_edit_and_delete(readers: dict[str, Client], post: Post) -> None:
    assert who_sees(readers, post, f"/posts/{post.pk}/edit/") == ["alice"]
    assert who_sees(readers, post, f"/posts/{post.pk}/delete/") == ["alice"]


def test_only_the_reacting_member_sees_the_reaction_as_own(
    readers: dict[str, Client], post: Post, bob: User
) -> None:
    who_sees(readers, post, "")
    react(post, bob, Reaction.Kind.SUPPORT)
    assert who_sees(readers, post, f"/posts/{post.pk}/unreact/") == ["bob"]
    services.take_back_reaction(post=post, member=bob)
    assert who_sees(readers, post, f"/posts/{post.pk}/unreact/") == []


def test_only_the_saving_member_sees_the_post_as_saved(
    readers: dict[str, Client], post: Post, charlie: User
) -> None:
    who_sees(readers, post, "")
    services.save_post(post=post, member=charlie)
    assert who_sees(readers, post, f"/posts/{post.pk}/unsave/") == ["charlie"]


def test_only_members_are_offered_actions(readers: dict[str, Client], post: Post) -> None:
    assert who_sees(readers, post, f"/posts/{post.pk}/react/") == ["alice", "bob", "charlie"]


def test_the_photo_is_shown_to_its_audience_whoever_looked_before(
    readers: dict[str, Client], post: Post, alice: User
) -> None:
    set_photo(user=alice, image=image())
    for audience, seen in (
        (Audience.PUBLIC, ["alice", "bob", "charlie", "visitor"]),
        (Audience.MEMBERS, ["alice", "bob", "charlie"]),
        (Audience.CONNECTIONS, ["alice", "bob"]),
        (Audience.ME, ["alice"]),
    ):
        User.objects.filter(pk=alice.pk).update(photo_audience=audience)
        assert who_sees(readers, post, alice.photo) == seen


def test_a_change_is_seen_by_all_viewers_immediately(
    readers: dict[str, Client], post: Post, alice: User, bob: User
) -> None:
    everybody = list(readers)
    who_sees(readers, post, "")
    services.edit_post(post=post, text="Words of the second time", audience=Audience.PUBLIC)
    assert who_sees(readers, post, "second time") == everybody
    services.edit_post(post=post, text="Words of the third time", audience=Audience.PUBLIC)
    assert who_sees(readers, post, "third time") == everybody
    card = {"name": "Alice Newname", "headline": "Now a captain", "location": "", "open_to_work": False}
    edit_profile(user=alice, card=card, about="")
    assert who_sees(readers, post, "Alice Newname") == everybody
    assert who_sees(readers, post, "Now a captain") == everybody
    answer(post, bob)
    assert who_sees(readers, post, "1 comment") == everybody
    pass_on(post, by=bob)
    assert who_sees(readers, post, "shared once") == everybody


def test_a_quote_shows_its_original_only_to_its_readers(
    readers: dict[str, Client], post: Post, alice: User, bob: User, charlie: User
) -> None:
    quote = pass_on(post, by=bob, text="Words of Bob", audience=Audience.PUBLIC)
    assert who_sees(readers, quote, "Words of the post") == list(readers)
    block_member(blocker=alice, blocked=charlie)
    assert who_sees(readers, quote, "Words of the post") == ["alice", "bob", "visitor"]
    services.edit_post(post=post, text=post.text, audience=Audience.MEMBERS)
    assert who_sees(readers, quote, "Words of the post") == ["alice", "bob"]
    services.delete_post(post=post)
    assert who_sees(readers, quote, "is not available") == list(readers)


def test_only_the_sharing_member_is_offered_to_stop_sharing(
    readers: dict[str, Client], post: Post, bob: User
) -> None:
    shared = pass_on(post, by=bob, audience=Audience.PUBLIC)
    # The page of a plain repost is there where something was said on it once.
    Comment.objects.create(post=shared, author=bob, text="Once", html="<p>Once</p>")
    assert who_sees(readers, shared, f"/posts/{shared.pk}/delete/") == ["bob"]
    assert who_sees(readers, shared, f"/posts/{post.pk}/edit/") == ["alice"]


def test_no_card_carries_the_token_of_a_reader(readers: dict[str, Client], post: Post) -> None:
    assert who_sees(readers, post, "csrfmiddlewaretoken") == []


def test_a_reader_can_react_on_a_card_that_another_saw_first(
    alice: User, bob: User, charlie: User, post: Post
) -> None:
    page_of(client_of(charlie), f"/posts/{post.pk}/")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(bob)
    page = page_of(strict, f"/posts/{post.pk}/")
    token = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    data = {"kind": "like", "csrfmiddlewaretoken": token[1]}
    assert strict.post(f"/posts/{post.pk}/react/", data).status_code == 302
    assert Reaction.objects.get().member == bob
