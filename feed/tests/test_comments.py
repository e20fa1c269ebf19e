"""The lists of comments: on the page of a post, below a post in a list, and the replies."""

from django.test import Client
from django.utils import timezone

from feed.models import Comment, Post
from network.services import block_member
from tests.cases import all_cases, rolled_back
from tests.cast import client_of, make_member
from users.audience import Audience
from users.models import User

from .factories import HTMX, all_rows, answer, page_of, say


def many(post: Post, author: User, count: int, parent: Comment | None = None) -> list[Comment]:
    """Numbered comments: 1. 2. 3. …"""
    rows = Comment.objects.bulk_create(
        Comment(post=post, author=author, parent=parent, text="x", html=f"<p>number {number}.</p>")
        for number in range(1, count + 1)
    )
    if parent:
        Comment.objects.filter(pk=parent.pk).update(reply_count=count)
    return rows


def numbers(page: str) -> list[int]:
    return [int(part.partition(".")[0]) for part in page.split("number ")[1:]]


# -- On the page of the post ------------------------------------------------------------------


def test_the_page_shows_twenty_oldest_first_and_the_rest_by_the_cursor(alice: User, as_bob: Client) -> None:
    post = say(alice)
    rows = many(post, alice, 21)
    address = f"/posts/{post.pk}/"
    page = page_of(as_bob, address)
    assert numbers(page) == list(range(1, 21))
    assert f"{address}?page={rows[19].pk}" in page
    assert numbers(page_of(as_bob, f"{address}?page={rows[19].pk}")) == [21]
    part = page_of(as_bob, f"{address}?page={rows[19].pk}", headers=HTMX)
    assert numbers(part) == [21]
    assert "<html" not in part


def test_blocked_authors_comments_vanish_with_their_replies(alice: User, bob: User, charlie: User) -> None:
    post = say(alice)
    top = answer(post, charlie, "By Charlie")
    answer(post, alice, "Below Charlie", parent=top)
    kept = answer(post, alice, "By Alice")
    answer(post, charlie, "Reply of Charlie", parent=kept)
    block_member(blocker=charlie, blocked=bob)
    page = page_of(client_of(bob), f"/posts/{post.pk}/")
    assert "By Alice" in page
    assert "Charlie" not in page
    page = page_of(client_of(alice), f"/posts/{post.pk}/")
    assert all(words in page for words in ("By Charlie", "Below Charlie", "Reply of Charlie"))


def test_only_the_own_comments_offer_edit_and_delete(alice: User, bob: User, as_bob: Client) -> None:
    post = say(alice)
    mine, other = answer(post, bob), answer(post, alice)
    page = page_of(as_bob, f"/posts/{post.pk}/")
    assert f"/comments/{mine.pk}/edit/" in page
    assert f"/comments/{mine.pk}/delete/" in page
    assert f"/comments/{other.pk}/" not in page


# -- Below a post in a list -------------------------------------------------------------------


def test_the_three_newest_comments_are_shown_below_a_post(alice: User, as_bob: Client) -> None:
    post = say(alice)
    many(post, alice, 4)
    part = page_of(as_bob, f"/posts/{post.pk}/comments/", headers=HTMX)
    assert "<html" not in part
    assert numbers(part) == [2, 3, 4]
    assert "All comments" in part
    assert f'action="/posts/{post.pk}/comment/"' in part


def test_three_are_all(alice: User, as_bob: Client) -> None:
    post = say(alice)
    many(post, alice, 3)
    part = page_of(as_bob, f"/posts/{post.pk}/comments/", headers=HTMX)
    assert numbers(part) == [1, 2, 3]
    assert "All comments" not in part


def test_without_scripts_the_page_of_the_post_opens(alice: User, as_bob: Client) -> None:
    post = say(alice)
    assert as_bob.get(f"/posts/{post.pk}/comments/")["Location"] == f"/posts/{post.pk}/"


def test_below_a_post_a_visitor_reads_and_has_no_form(alice: User, client: Client) -> None:
    post = say(alice, audience=Audience.PUBLIC)
    many(post, alice, 1)
    part = page_of(client, f"/posts/{post.pk}/comments/", headers=HTMX)
    assert numbers(part) == [1]
    assert "<form" not in part


def test_comments_below_a_post_that_is_not_visible_are_a_404(
    alice: User, as_charlie: Client, client: Client
) -> None:
    narrow = say(alice, audience=Audience.CONNECTIONS)
    page_of(as_charlie, f"/posts/{narrow.pk}/comments/", 404, headers=HTMX)
    page_of(client, f"/posts/{say(alice).pk}/comments/", 404, headers=HTMX)


# -- The replies ------------------------------------------------------------------------------


def test_three_replies_and_the_link_to_the_others_are_shown(alice: User, as_bob: Client) -> None:
    post = say(alice)
    top = answer(post, alice)
    many(post, alice, 5, parent=top)
    page = page_of(as_bob, f"/posts/{post.pk}/")
    assert numbers(page) == [1, 2, 3]
    assert "Show 2 more replies" in page
    assert f"/comments/{top.pk}/replies/" in page


def test_the_replies_have_a_page_and_a_part(alice: User, as_bob: Client) -> None:
    post = say(alice)
    top = answer(post, alice)
    rows = many(post, alice, 21, parent=top)
    address = f"/comments/{top.pk}/replies/"
    assert numbers(page_of(as_bob, address)) == list(range(1, 21))
    part = page_of(as_bob, address, headers=HTMX)
    assert "<html" not in part
    assert f"{address}?page={rows[19].pk}" in part
    assert numbers(page_of(as_bob, f"{address}?page={rows[19].pk}", headers=HTMX)) == [21]


def test_replies_that_are_not_visible_are_left_out(alice: User, bob: User, as_bob: Client) -> None:
    post, dora = say(alice), make_member("dora")
    top = answer(post, alice)
    many(post, dora, 2, parent=top)
    answer(post, alice, "number 9.", parent=top)
    block_member(blocker=dora, blocked=bob)
    assert numbers(page_of(as_bob, f"/comments/{top.pk}/replies/")) == [9]


def test_replies_to_a_comment_that_is_not_visible_are_a_404(
    alice: User, charlie: User, as_charlie: Client
) -> None:
    with all_cases() as tried:
        for case in ["narrow post", "blocked", "hidden", "a reply", "none", "30 digits"]:
            with tried(case), rolled_back():
                post = say(
                    alice, audience=Audience.CONNECTIONS if case == "narrow post" else Audience.MEMBERS
                )
                top = answer(post, alice)
                reply = answer(post, alice, parent=top)
                if case == "blocked":
                    block_member(blocker=alice, blocked=charlie)
                elif case == "hidden":
                    Comment.objects.filter(pk=top.pk).update(hidden_at=timezone.now())
                pk = {"a reply": reply.pk, "none": 999, "30 digits": 10**30}.get(case, top.pk)
                page_of(as_charlie, f"/comments/{pk}/replies/", 404)


def test_what_is_no_cursor_is_a_bad_request(alice: User, as_alice: Client) -> None:
    with all_cases() as case:
        for cursor in ["abc", "-1", "9" * 30, "%00"]:
            with case(cursor), rolled_back():
                post = say(alice)
                top = answer(post, alice)
                page_of(as_alice, f"/comments/{top.pk}/replies/?page={cursor}", 400)
                page_of(as_alice, f"/posts/{post.pk}/?page={cursor}", 400)


def test_reading_changes_nothing_and_posting_is_refused(alice: User, as_bob: Client) -> None:
    post = say(alice)
    top = answer(post, alice)
    before = all_rows()
    for address in (f"/posts/{post.pk}/", f"/posts/{post.pk}/comments/", f"/comments/{top.pk}/replies/"):
        as_bob.get(address, headers=HTMX)
        assert as_bob.post(address, {"text": "x"}).status_code == 405
    assert all_rows() == before
