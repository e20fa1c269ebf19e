"""Reposting: plainly, with a text, of a repost, and what readers see."""

import pytest
from django.test import Client

from feed import services
from feed.errors import AlreadyReposted, NotRepostable
from feed.events import post_reposted
from feed.models import Post
from network.services import block_member, follow_member, unblock_member
from tests.cases import all_cases, rolled_back
from tests.cast import connect, make_member
from users.audience import Audience
from users.models import User

from .factories import HTMX, SCRIPT, all_rows, captured_signals, image, page_of, pass_on, posts_tagged, say


def count(post: Post) -> int:
    return Post.objects.get(pk=post.pk).repost_count


def test_a_plain_repost_points_to_its_original_and_is_counted(alice: User, bob: User) -> None:
    post = say(alice)
    with captured_signals(post_reposted) as said:
        shared = pass_on(post, by=bob)
    assert (shared.author, shared.original, shared.is_repost, shared.text) == (bob, post, True, "")
    assert count(post) == 1
    assert [(fact["post"], fact["by"]) for fact in said] == [(shared, bob)]


def test_mentioned_members_who_may_read_the_repost_are_sent(alice: User, bob: User, charlie: User) -> None:
    post = say(charlie)
    with captured_signals(post_reposted) as said:
        pass_on(post, by=alice, text="Look @bob, @charlie, @alice", audience=Audience.CONNECTIONS)
        pass_on(post, by=alice)
    assert [[member.username for member in fact["mentioned"]] for fact in said] == [["bob"], []]


def test_a_second_plain_repost_is_refused(alice: User, bob: User) -> None:
    post = say(alice)
    pass_on(post, by=bob)
    with pytest.raises(AlreadyReposted):
        pass_on(post, by=bob)
    assert count(post) == 1


def test_a_quote_can_be_repeated_and_has_its_tags(alice: User, bob: User) -> None:
    post = say(alice)
    pass_on(post, by=bob)
    quotes = [pass_on(post, by=bob, text=f"Look, **{word}** #shared") for word in ("one", "two")]
    assert count(post) == 3
    assert "<strong>one</strong>" in quotes[0].html
    assert set(posts_tagged("shared")) == set(quotes)


def test_reposting_a_plain_repost_reposts_its_original(alice: User, bob: User, charlie: User) -> None:
    post = say(alice)
    shared = pass_on(post, by=bob)
    again = pass_on(shared, by=charlie)
    assert again.original == post
    assert (count(post), count(shared)) == (2, 0)
    with pytest.raises(AlreadyReposted):
        pass_on(shared, by=bob)


def test_reposting_a_quote_reposts_the_quote(alice: User, bob: User, charlie: User) -> None:
    quote = pass_on(say(alice), by=bob, text="Look")
    assert pass_on(quote, by=charlie).original == quote


def test_a_post_for_connections_cannot_be_reposted(alice: User, bob: User) -> None:
    with all_cases() as case:
        for text in ["", "Look"]:
            with case(text), rolled_back():
                post = say(alice, audience=Audience.CONNECTIONS)
                with pytest.raises(NotRepostable):
                    pass_on(post, by=bob, text=text)
                assert Post.objects.count() == 1


def test_what_was_narrowed_after_a_repost_vanishes_with_it(alice: User, bob: User, charlie: User) -> None:
    post = say(alice, "Secret by now")
    shared = pass_on(post, by=bob)
    connect(bob, charlie)
    services.edit_post(post=post, text=post.text, audience=Audience.CONNECTIONS)
    with pytest.raises(NotRepostable):
        pass_on(shared, by=charlie)


def test_a_post_of_pictures_alone_is_no_repost_and_can_be_passed_on(alice: User, bob: User) -> None:
    post = say(alice, "", pictures=[services.Picture(image())])
    assert (post.is_plain_repost, post.may_be_reposted) == (False, True)
    assert pass_on(post, by=bob).original == post


def test_a_member_can_pass_on_the_own_post(alice: User) -> None:
    assert pass_on(say(alice), by=alice).author == alice


# -- The page ---------------------------------------------------------------------------------


def send(client: Client, post: Post, text: str = "", status: int = 302, **values: object) -> str:
    data = {"text": text, "audience": Audience.MEMBERS, **values}
    response = client.post(f"/posts/{post.pk}/repost/", data)
    assert response.status_code == status, response.content[:300]
    return response.content.decode()


def test_a_stranger_passes_on_what_members_may_read(alice: User, charlie: User, as_charlie: Client) -> None:
    post = say(alice, "Worth reading")
    assert "Worth reading" in page_of(as_charlie, f"/posts/{post.pk}/repost/")
    send(as_charlie, post, "  ")
    shared = Post.objects.get(author=charlie)
    assert (shared.original, shared.text) == (post, "")
    page = page_of(as_charlie, "/")
    assert "Worth reading" in page
    assert "shared this" in page
    assert "Shared." in page


def test_a_second_plain_repost_is_refused_with_a_message(alice: User, as_charlie: Client) -> None:
    post = say(alice)
    send(as_charlie, post)
    assert "You have shared this already." in send(as_charlie, post, status=422)
    assert count(post) == 1


def test_a_post_for_connections_is_refused_with_a_message(alice: User, as_bob: Client) -> None:
    post = say(alice, audience=Audience.CONNECTIONS)
    page = send(as_bob, post, "My typed words", status=422)
    assert "This post is not for everyone" in page
    assert "My typed words" in page
    assert Post.objects.count() == 1


def test_a_refusal_keeps_what_was_typed(alice: User, as_bob: Client) -> None:
    with all_cases() as case:
        for text, audience, message in [
            ("x" * 100_000, 1, "at most 10000 characters"),
            (f"Kept {SCRIPT}", 7, "Select a valid choice"),
        ]:
            with case((text, audience, message)), rolled_back():
                page = send(as_bob, say(alice), text, 422, audience=audience)
                assert message in page
                assert text[:100].replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;") in page
                assert SCRIPT not in page
                assert Post.objects.count() == 1


def test_a_member_who_may_not_read_the_post_gets_404(alice: User, charlie: User, as_charlie: Client) -> None:
    post = say(alice, audience=Audience.CONNECTIONS)
    page_of(as_charlie, f"/posts/{post.pk}/repost/", 404)
    send(as_charlie, post, status=404)
    block_member(blocker=alice, blocked=charlie)
    send(as_charlie, say(alice), status=404)
    assert not Post.objects.filter(author=charlie).exists()


def test_a_visitor_is_sent_to_sign_in(alice: User, client: Client) -> None:
    post = say(alice, audience=Audience.PUBLIC)
    response = client.post(f"/posts/{post.pk}/repost/", {"text": "", "audience": 1})
    assert response["Location"].startswith("/accounts/login/")
    assert Post.objects.count() == 1


def test_opening_the_form_passes_nothing_on(alice: User, as_bob: Client) -> None:
    post = say(alice)
    before = all_rows()
    page_of(as_bob, f"/posts/{post.pk}/repost/")
    assert all_rows() == before


# -- What readers see of it -------------------------------------------------------------------


@pytest.fixture
def dora(bob: User) -> User:
    """A connection of Bob who does not know Alice."""
    dora = make_member("dora")
    connect(bob, dora)
    return dora


def test_readers_see_the_original_with_the_reposting_member(alice: User, bob: User, dora: User) -> None:
    pass_on(say(alice, "Alice's words"), by=bob)
    client = Client()
    client.force_login(dora)
    for address in ("/", "/members/bob/posts/"):
        page = page_of(client, address)
        assert "Alice&#x27;s words" in page or "Alice's words" in page
        assert "Bob</a> shared this" in page


def test_a_repost_of_what_the_viewer_may_not_see_vanishes_everywhere(
    alice: User, bob: User, dora: User
) -> None:
    post = say(alice, "Alice alone")
    shared, quote = pass_on(post, by=bob), pass_on(post, by=bob, text="My comment on it")
    block_member(blocker=alice, blocked=dora)
    client = Client()
    client.force_login(dora)
    for address in ("/", "/members/bob/posts/"):
        page = page_of(client, address)
        assert "Alice" not in page
        assert "shared this" not in page
        assert "My comment on it" in page
        assert "The post that was shared here is not available." in page
    page_of(client, f"/posts/{shared.pk}/", 404)
    assert "Alice" not in page_of(client, f"/posts/{quote.pk}/")


@pytest.mark.parametrize("act", ["repost", "comment", "react", "save", "comments", "reactions", "history"])
def test_a_repost_whose_original_is_not_visible_has_no_actions(
    alice: User, bob: User, dora: User, act: str
) -> None:
    shared = pass_on(say(alice), by=bob)
    block_member(blocker=alice, blocked=dora)
    client = Client()
    client.force_login(dora)
    address = f"/posts/{shared.pk}/{act}/"
    if act in {"comments", "reactions", "history"}:
        page_of(client, address, 404)
    else:
        response = client.post(address, {"text": "x", "kind": "like", "audience": 1})
        assert response.status_code == 404
    unblock_member(blocker=alice, blocked=dora)
    page_of(client, f"/posts/{shared.pk}/", 302)


def test_a_repost_can_be_deleted_when_its_original_is_not_visible(
    alice: User, bob: User, as_bob: Client
) -> None:
    shared = pass_on(say(alice), by=bob)
    block_member(blocker=alice, blocked=bob)
    assert "Alice" not in page_of(as_bob, f"/posts/{shared.pk}/delete/")
    assert as_bob.post(f"/posts/{shared.pk}/delete/").status_code == 302
    assert not Post.objects.filter(pk=shared.pk).exists()


def test_a_plain_repost_offers_edit_of_the_original_to_its_author_only(
    alice: User, bob: User, as_alice: Client
) -> None:
    follow_member(follower=alice, followed=bob)
    post = say(alice)
    shared = pass_on(post, by=bob)
    page = page_of(as_alice, "/")
    # The menu of the author, whose links follow this address.
    assert f'data-action="/posts/{post.pk}/"' in page
    assert f'data-action="/posts/{shared.pk}/"' not in page


def test_in_a_dialog_the_response_is_the_actions_of_the_post(alice: User, bob: User, as_bob: Client) -> None:
    post = say(alice)
    response = as_bob.post(f"/posts/{post.pk}/repost/", {"text": "", "audience": 1}, headers=HTMX)
    assert f'id="post-foot-{post.pk}"' in response.content.decode()
    assert "shared once" in response.content.decode()
    assert "Shared." in response["HX-Trigger"]
    again = as_bob.post(f"/posts/{post.pk}/repost/", {"text": "", "audience": 1}, headers=HTMX)
    assert (again.status_code, b"<html" in again.content) == (422, False)
