"""Commenting and replying: the service and the view."""

from html import unescape

import pytest
from django.test import Client

from feed import services
from feed.events import comment_published
from feed.models import Comment, Post
from network.services import block_member
from tests.cases import all_cases, rolled_back
from tests.cast import connect
from users.audience import Audience
from users.models import User

from .factories import HONEST, HTMX, SCRIPT, all_rows, answer, captured_signals, page_of, say


def comments_on(post: Post) -> int:
    """What the row says, after making sure that the rows of the comments say the same."""
    count = Post.objects.get(pk=post.pk).comment_count
    assert count == Comment.objects.filter(post=post, deleted_at=None).count()
    return count


def replies_to(comment: Comment) -> int:
    count = Comment.objects.get(pk=comment.pk).reply_count
    assert count == Comment.objects.filter(parent=comment).count()
    return count


@pytest.mark.both
def test_a_comment_is_stored_rendered_and_counted(alice: User, bob: User) -> None:
    post = say(alice)
    with captured_signals(comment_published) as said:
        comment = answer(post, bob, "Yes, **indeed** @alice #agreed")
    assert (comment.author, comment.post, comment.parent) == (bob, post, None)
    assert "<strong>indeed</strong>" in comment.html
    assert 'href="/members/alice/"' in comment.html
    assert 'href="/tags/agreed/"' in comment.html
    assert comments_on(post) == 1
    (fact,) = said
    assert fact["comment"] == comment
    assert [member.pk for member in fact["mentioned"]] == [alice.pk]


def test_a_reply_hangs_on_its_comment_and_so_does_a_reply_to_the_reply(alice: User, bob: User) -> None:
    post = say(alice)
    top = answer(post, bob)
    reply = answer(post, alice, parent=top)
    deeper = answer(post, bob, parent=reply)
    assert (reply.parent, deeper.parent) == (top, top)
    assert replies_to(top) == 2
    assert replies_to(reply) == 0
    assert comments_on(post) == 3


def test_a_reply_to_a_comment_of_another_post_is_a_mistake(alice: User) -> None:
    elsewhere = answer(say(alice), alice)
    with pytest.raises(ValueError, match="another post"):
        answer(say(alice), alice, parent=elsewhere)


def test_only_readers_of_the_post_are_sent_as_mentioned(alice: User, bob: User, charlie: User) -> None:
    connect(bob, charlie)
    post = say(alice, audience=Audience.CONNECTIONS)
    with captured_signals(comment_published) as said:
        answer(post, bob, "@alice, does @charlie know? I, @bob, do")
    assert [member.pk for member in said[0]["mentioned"]] == [alice.pk]


def test_a_member_blocked_by_the_author_is_not_sent_as_mentioned(
    alice: User, bob: User, charlie: User
) -> None:
    block_member(blocker=alice, blocked=charlie)
    with captured_signals(comment_published) as said:
        answer(say(alice), bob, "Ask @charlie")
    assert said[0]["mentioned"] == []


# -- The address ------------------------------------------------------------------------------


def send(client: Client, post: Post, status: int = 302, *, htmx: bool = False, **values: object) -> str:
    response = client.post(
        f"/posts/{post.pk}/comment/", {"text": "Well said", **values}, headers=HTMX if htmx else None
    )
    assert response.status_code == status, response.content[:300]
    return response.get("Location") or response.content.decode()


def test_a_stranger_comments_where_all_members_read(alice: User, charlie: User, as_charlie: Client) -> None:
    post = say(alice)
    address = send(as_charlie, post)
    comment = Comment.objects.get()
    assert (comment.author, comment.text) == (charlie, "Well said")
    assert address == f"/posts/{post.pk}/#comment-{comment.pk}"
    page = page_of(as_charlie, address)
    assert f'id="comment-{comment.pk}"' in page
    assert "Well said" in page


def test_htmx_gets_an_empty_form_and_the_comment(alice: User, as_bob: Client) -> None:
    post = say(alice)
    part = send(as_bob, post, 200, htmx=True)
    comment = Comment.objects.get()
    assert "<html" not in part
    assert part.count("Well said") == 1
    assert f'hx-swap-oob="beforeend:#comments-of-{post.pk}"' in part
    assert f'id="comment-{comment.pk}"' in part


def test_htmx_gets_a_reply_for_the_list_of_its_comment(alice: User, bob: User, as_bob: Client) -> None:
    post = say(alice)
    top = answer(post, alice)
    first = answer(post, alice, parent=top)
    for parent in (top, first):
        part = send(as_bob, post, 200, htmx=True, parent=parent.pk)
        assert f'hx-swap-oob="beforeend:#replies-to-{top.pk}"' in part
    assert replies_to(top) == 3
    assert page_of(as_bob, f"/posts/{post.pk}/").count("Well said") == 4


@pytest.mark.both
def test_harmless_text_is_shown_as_typed(alice: User, as_bob: Client) -> None:
    with all_cases() as case:
        for text in [*HONEST, "```\nif a < b:\n    print('<b>')\n```"]:
            with case(text), rolled_back():
                post = say(alice)
                send(as_bob, post, text=text)
                assert Comment.objects.get().text == text
                for line in text.replace("```", "").strip().splitlines():
                    assert line in unescape(page_of(as_bob, f"/posts/{post.pk}/"))


def test_script_is_text(alice: User, as_bob: Client) -> None:
    post = say(alice)
    part = send(as_bob, post, 200, htmx=True, text=f"{SCRIPT}<img src=x onerror=alert(1)>")
    for page in (part, page_of(as_bob, f"/posts/{post.pk}/")):
        assert SCRIPT not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;" in page


def test_an_error_is_explained_and_keeps_the_input(alice: User, as_bob: Client) -> None:
    with all_cases() as case:
        for htmx in [True, False]:
            for text, message in [
                ("", "This field is required."),
                (" \n\t ", "This field is required."),
                ("x" * 100_000, "at most 3000 characters"),
                (f"{SCRIPT}{'x' * 3000}", "at most 3000 characters"),
            ]:
                with case((text, message, htmx)), rolled_back():
                    post = say(alice, "The post itself")
                    part = send(as_bob, post, 422, htmx=htmx, text=text)
                    assert message in part
                    assert text.strip() in unescape(part)
                    assert SCRIPT not in part
                    assert ("The post itself" in part) is not htmx
                    assert comments_on(post) == 0


def test_a_refused_reply_stays_a_reply(alice: User, as_bob: Client) -> None:
    with all_cases() as case:
        for htmx in [True, False]:
            with case(htmx), rolled_back():
                post = say(alice)
                top = answer(post, alice, "The first word")
                part = send(as_bob, post, 422, htmx=htmx, text="x" * 3001, parent=top.pk)
                form = next(form for form in part.split("<form") if "x" * 3001 in form)
                assert f'name="parent" value="{top.pk}"' in form


def test_a_parent_that_is_no_id_is_a_bad_request(alice: User, as_bob: Client) -> None:
    with all_cases() as case:
        for parent in ["abc", "-1", "1.5", "9" * 30, "9" * 5000, "٣", "\0", "1;--", "<b>"]:
            with case(parent), rolled_back():
                post = say(alice)
                answer(post, alice)
                send(as_bob, post, 400, parent=parent)
                assert comments_on(post) == 1


def test_a_parent_that_is_not_visible_is_a_404(alice: User, bob: User, charlie: User, as_bob: Client) -> None:
    with all_cases() as tried:
        for case in ["of another post", "by a blocker", "deleted", "none"]:
            with tried(case), rolled_back():
                post = say(alice)
                parent = answer(say(alice) if case == "of another post" else post, charlie)
                if case == "by a blocker":
                    block_member(blocker=charlie, blocked=bob)
                elif case == "deleted":
                    services.delete_comment(comment=parent)
                before = all_rows()
                send(as_bob, post, 404, parent=0 if case == "none" else parent.pk)
                assert all_rows() == before


def test_a_member_who_may_not_read_the_post_gets_404(alice: User, charlie: User, as_charlie: Client) -> None:
    narrow, blocked = say(alice, audience=Audience.CONNECTIONS), say(alice)
    block_member(blocker=alice, blocked=charlie)
    for htmx in (True, False):
        send(as_charlie, narrow, 404, htmx=htmx)
        send(as_charlie, blocked, 404, htmx=htmx)
    assert not Comment.objects.exists()


def test_a_visitor_is_sent_to_sign_in_and_offered_no_form(alice: User, client: Client) -> None:
    post = say(alice, audience=Audience.PUBLIC)
    assert "<textarea" not in page_of(client, f"/posts/{post.pk}/")
    assert send(client, post).startswith("/accounts/login/")
    assert not Comment.objects.exists()


def test_get_stores_no_comment(alice: User, as_bob: Client) -> None:
    post = say(alice)
    assert as_bob.get(f"/posts/{post.pk}/comment/", {"text": "Well said"}).status_code == 405
    assert not Comment.objects.exists()
