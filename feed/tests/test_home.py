"""The home page: the welcome page for visitors, the feed for members."""

import pytest
from django.test import Client

from feed.models import Post
from feed.services import Picture, edit_post
from network.services import block_member, follow_member
from tests.cases import all_cases, rolled_back
from tests.cast import make_member
from users.audience import Audience
from users.models import User

from .factories import HTMX, all_rows, image, page_of, react, say


def test_a_visitor_reads_what_this_is_and_no_posts(alice: User, client: Client) -> None:
    say(alice, "For everyone", audience=Audience.PUBLIC)
    page = page_of(client, "/")
    assert "/accounts/signup/" in page
    assert "/accounts/login/" in page
    assert "For everyone" not in page


@pytest.mark.both
def test_a_member_sees_followed_authors_newest_first_and_no_others(
    alice: User, bob: User, charlie: User, as_alice: Client
) -> None:
    follow_member(follower=alice, followed=charlie)
    for author, words in ((bob, "words of bob"), (charlie, "words of charlie"), (alice, "words of alice")):
        say(author, words)
    say(make_member("dora"), "words of dora")
    page = page_of(as_alice, "/")
    assert page.index("words of alice") < page.index("words of charlie") < page.index("words of bob")
    assert "words of dora" not in page


def test_an_empty_feed_explains_what_to_do(as_charlie: Client) -> None:
    page = page_of(as_charlie, "/")
    assert "Nothing here yet" in page
    assert 'href="/network/"' in page


def test_a_post_shows_what_was_made_of_it(alice: User, bob: User, charlie: User, as_alice: Client) -> None:
    post = say(bob, "Look", audience=Audience.PUBLIC, pictures=[Picture(image(), "A desk")])
    edit_post(post=post, text="Look here", audience=Audience.PUBLIC)
    react(post, charlie)
    react(post, alice)
    page = page_of(as_alice, "/")
    for part in (
        f'id="post-{post.pk}"',
        "Look here",
        'alt="A desk"',
        f"/posts/{post.pk}/history/",
        f"/posts/{post.pk}/reactions/",
        f"/posts/{post.pk}/unreact/",
        f"/posts/{post.pk}/repost/",
        "Visible to everyone",
        'href="/members/bob/"',
    ):
        assert part in page
    assert f"/posts/{post.pk}/edit/" not in page


def test_what_is_for_connections_offers_no_sharing(alice: User, bob: User, as_alice: Client) -> None:
    post = say(bob, audience=Audience.CONNECTIONS)
    page = page_of(as_alice, "/")
    assert "Visible to connections" in page
    assert f"/posts/{post.pk}/repost/" not in page


def test_a_long_post_is_cut_in_the_list_and_whole_on_its_page(alice: User, as_alice: Client) -> None:
    post = say(alice, "word " * 400)
    assert "Read more" in page_of(as_alice, "/")
    assert "Read more" not in page_of(as_alice, f"/posts/{post.pk}/")


@pytest.mark.both
def test_more_is_loaded_as_a_part_and_as_a_page(alice: User, as_alice: Client) -> None:
    rows = Post.objects.bulk_create(
        Post(author=alice, html=f"<p>number {number}.</p>") for number in range(21)
    )
    first = page_of(as_alice, "/")
    assert "number 1." in first
    assert "number 0." not in first
    assert f"?page={rows[1].pk}" in first
    part = page_of(as_alice, f"/?page={rows[1].pk}", headers=HTMX)
    assert "number 0." in part
    assert "number 1." not in part
    assert "<html" not in part
    assert 'rel="next"' not in part
    whole = page_of(as_alice, f"/?page={rows[1].pk}")
    assert "<html" in whole
    assert "number 0." in whole


def test_a_block_empties_the_feed_of_the_other(alice: User, bob: User, as_alice: Client) -> None:
    say(bob, "words of bob")
    assert "words of bob" in page_of(as_alice, "/")
    block_member(blocker=bob, blocked=alice)
    assert "words of bob" not in page_of(as_alice, "/")


def test_what_is_no_cursor_is_a_bad_request(as_alice: Client) -> None:
    with all_cases() as case:
        for cursor in ["abc", "-1", "9" * 19, "9" * 30, "%00", "%0a1", "1,2", "٣"]:
            with case(cursor), rolled_back():
                page_of(as_alice, f"/?page={cursor}", 400)


@pytest.mark.both
def test_any_id_is_a_cursor(as_alice: Client) -> None:
    with all_cases() as case:
        for cursor in ["", "0", "1", "9" * 18]:
            with case(cursor), rolled_back():
                page_of(as_alice, f"/?page={cursor}")


def test_looking_changes_nothing_and_posting_is_refused(alice: User, bob: User, as_alice: Client) -> None:
    say(bob)
    before = all_rows()
    page_of(as_alice, "/")
    assert as_alice.post("/", {"text": "x"}).status_code == 405
    assert all_rows() == before
