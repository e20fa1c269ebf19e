"""Saving posts, and the list of saved posts."""

import pytest
from django.test import Client
from django.utils import timezone

from feed import services
from feed.models import Post, Reaction, SavedPost
from network.services import block_member
from tests.cases import all_cases, rolled_back
from tests.cast import client_of
from users.audience import Audience
from users.models import User

from .factories import HTMX, all_rows, page_of, pass_on, say

pytestmark = pytest.mark.both


def test_saving_twice_is_once(alice: User, bob: User) -> None:
    post = say(alice)
    for _time in range(2):
        services.save_post(post=post, member=bob)
    assert SavedPost.objects.filter(post=post, member=bob).count() == 1


def test_unsaving_twice_changes_nothing_and_affects_no_other_member(alice: User, bob: User) -> None:
    post = say(alice)
    for member in (alice, bob):
        services.save_post(post=post, member=member)
    for _time in range(2):
        services.unsave_post(post=post, member=bob)
    assert [row.member for row in SavedPost.objects.all()] == [alice]


def test_each_viewer_finds_the_own_reaction_and_bookmark_on_each_post(alice: User, bob: User) -> None:
    first, second, third = (say(alice, str(number)) for number in range(3))
    services.save_post(post=first, member=bob)
    services.save_post(post=third, member=alice)
    services.react_to_post(post=second, member=bob, kind=Reaction.Kind.SUPPORT)
    services.react_to_post(post=third, member=bob, kind=Reaction.Kind.CURIOUS)
    services.react_to_post(post=third, member=alice, kind=Reaction.Kind.LIKE)

    def found(viewer: User) -> list[tuple[str | None, bool]]:
        shown = Post.objects.for_display(viewer).order_by("pk")
        return [(post.my_reaction, post.is_saved) for post in shown]

    assert found(bob) == [(None, True), ("support", False), ("curious", False)]
    assert found(alice) == [(None, False), (None, False), ("like", True)]


def test_the_button_saves_and_takes_back(alice: User, bob: User, as_bob: Client) -> None:
    post = say(alice)
    response = as_bob.post(f"/posts/{post.pk}/save/", {"next": "/"})
    assert (response.status_code, response["Location"]) == (302, "/")
    assert SavedPost.objects.filter(member=bob, post=post).exists()
    assert f"/posts/{post.pk}/unsave/" in page_of(as_bob, "/")
    as_bob.post(f"/posts/{post.pk}/unsave/")
    assert not SavedPost.objects.exists()
    assert f"/posts/{post.pk}/save/" in page_of(as_bob, "/")


def test_htmx_gets_the_new_action_bar(alice: User, as_bob: Client) -> None:
    post = say(alice)
    bar = as_bob.post(f"/posts/{post.pk}/save/", headers=HTMX).content.decode()
    assert f"/posts/{post.pk}/unsave/" in bar
    assert "<html" not in bar
    bar = as_bob.post(f"/posts/{post.pk}/unsave/", headers=HTMX).content.decode()
    assert f"/posts/{post.pk}/save/" in bar


def test_the_list_shows_what_i_saved_last_first(alice: User, bob: User, as_bob: Client) -> None:
    old, new, other = say(alice, "older words"), say(alice, "newer words"), say(alice, "not saved")
    services.save_post(post=new, member=bob)
    services.save_post(post=old, member=bob)
    services.save_post(post=other, member=alice)
    page = page_of(as_bob, "/saved/")
    assert page.index("older words") < page.index("newer words")
    assert "not saved" not in page


def test_an_empty_list_explains_what_to_do(as_bob: Client) -> None:
    page = page_of(as_bob, "/saved/")
    assert "Nothing saved yet" in page
    assert 'href="/"' in page


def test_posts_that_are_no_longer_visible_leave_the_list(
    alice: User, charlie: User, as_charlie: Client
) -> None:
    with all_cases() as case:
        for how in ["blocked", "narrowed", "hidden", "suspended", "deleted"]:
            with case(how), rolled_back():
                post = say(alice, "Out of sight")
                services.save_post(post=post, member=charlie)
                assert "Out of sight" in page_of(as_charlie, "/saved/")
                match how:
                    case "blocked":
                        block_member(blocker=alice, blocked=charlie)
                    case "narrowed":
                        services.edit_post(post=post, text=post.text, audience=Audience.CONNECTIONS)
                    case "hidden":
                        Post.objects.update(hidden_at=timezone.now())
                    case "suspended":
                        User.objects.filter(pk=alice.pk).update(suspended_at=timezone.now())
                    case "deleted":
                        services.delete_post(post=post)
                assert "Out of sight" not in page_of(as_charlie, "/saved/")


def test_a_saved_repost_goes_with_the_sight_of_its_original(alice: User, bob: User, charlie: User) -> None:
    shared = pass_on(say(alice, "Alice alone"), by=bob)
    services.save_post(post=shared, member=charlie)
    assert "Alice alone" in page_of(client_of(charlie), "/saved/")
    block_member(blocker=alice, blocked=charlie)
    assert "Alice" not in page_of(client_of(charlie), "/saved/")


def test_a_visitor_is_sent_to_sign_in(client: Client, db: None) -> None:
    assert client.get("/saved/")["Location"] == "/accounts/login/?next=/saved/"


def test_more_than_a_page_is_paged(alice: User, as_alice: Client) -> None:
    posts = Post.objects.bulk_create(
        Post(author=alice, html=f"<p>number {number}.</p>") for number in range(21)
    )
    saves = SavedPost.objects.bulk_create(SavedPost(post=post, member=alice) for post in posts)
    first = page_of(as_alice, "/saved/")
    assert "number 1." in first
    assert "number 0." not in first
    rest = page_of(as_alice, f"/saved/?page={saves[1].pk}", headers=HTMX)
    assert "number 0." in rest
    assert "number 1." not in rest
    assert "<html" not in rest


def test_what_is_no_cursor_is_a_bad_request(as_alice: Client) -> None:
    with all_cases() as case:
        for cursor in ["abc", "-1", "9" * 30, "%00"]:
            with case(cursor), rolled_back():
                page_of(as_alice, f"/saved/?page={cursor}", 400)


def test_looking_changes_nothing(alice: User, as_alice: Client) -> None:
    services.save_post(post=say(alice), member=alice)
    before = all_rows()
    page_of(as_alice, "/saved/")
    assert as_alice.post("/saved/").status_code == 405
    assert all_rows() == before
