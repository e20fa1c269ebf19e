"""Deleting a comment: it is deleted, or emptied while it has replies."""

from django.test import Client

from feed import services
from feed.models import Comment, Post
from network.services import block_member
from tests.cases import all_cases, rolled_back
from users.audience import Audience
from users.models import User

from .factories import HTMX, all_rows, answer, page_of, say
from .test_comment import comments_on, replies_to


def delete(comment: Comment) -> None:
    services.delete_comment(comment=comment)


def test_a_comment_without_replies_is_deleted(alice: User, bob: User) -> None:
    post = say(alice)
    comment, other = answer(post, bob), answer(post, alice)
    delete(comment)
    assert list(Comment.objects.all()) == [other]
    assert comments_on(post) == 1


def test_a_comment_with_replies_is_emptied(alice: User, bob: User) -> None:
    post = say(alice)
    comment = answer(post, bob, "Regretted")
    reply = answer(post, alice, parent=comment)
    delete(comment)
    place = Comment.objects.get(pk=comment.pk)
    assert (place.text, place.html, place.deleted_at is not None) == ("", "", True)
    assert Comment.objects.get(pk=reply.pk).parent == place
    assert comments_on(post) == 1
    assert replies_to(comment) == 1


def test_deleting_the_last_reply_deletes_the_emptied_comment(alice: User, bob: User) -> None:
    post = say(alice)
    comment = answer(post, bob)
    replies = [answer(post, alice, parent=comment) for _number in range(2)]
    delete(comment)
    delete(replies[0])
    assert replies_to(comment) == 1
    delete(replies[1])
    assert not Comment.objects.exists()
    assert comments_on(post) == 0


def test_deleting_the_last_reply_keeps_a_comment_that_was_not_deleted(alice: User, bob: User) -> None:
    post = say(alice)
    comment = answer(post, bob)
    delete(answer(post, alice, parent=comment))
    assert replies_to(comment) == 0
    assert comments_on(post) == 1
    delete(comment)
    assert comments_on(post) == 0


def test_deleting_twice_is_once(alice: User) -> None:
    post = say(alice)
    gone, emptied = answer(post, alice), answer(post, alice)
    answer(post, alice, parent=emptied)
    for comment in (gone, emptied):
        stale = Comment.objects.get(pk=comment.pk)
        delete(comment)
        delete(stale)
    assert comments_on(post) == 1


# -- The page ---------------------------------------------------------------------------------


def test_the_author_confirms_the_deletion(alice: User, bob: User, as_bob: Client) -> None:
    post = say(alice)
    comment = answer(post, bob, "Regretted")
    address = f"/comments/{comment.pk}/delete/"
    before = all_rows()
    assert "Regretted" in page_of(as_bob, address)
    assert all_rows() == before
    response = as_bob.post(address)
    assert (response.status_code, response["Location"]) == (302, f"/posts/{post.pk}/")
    assert "Regretted" not in page_of(as_bob, f"/posts/{post.pk}/")
    assert as_bob.post(address).status_code == 404


def test_the_page_of_the_post_shows_the_emptied_comment_with_its_replies(
    alice: User, bob: User, as_bob: Client
) -> None:
    post = say(alice)
    comment = answer(post, bob, "Regretted")
    answer(post, alice, "My reply", parent=comment)
    as_bob.post(f"/comments/{comment.pk}/delete/")
    page = page_of(as_bob, f"/posts/{post.pk}/")
    assert "This comment was deleted." in page
    assert "My reply" in page
    assert "Regretted" not in page


def test_other_readers_may_not_delete_it(
    alice: User, bob: User, as_alice: Client, as_charlie: Client
) -> None:
    comment = answer(say(alice), bob)
    for client in (as_alice, as_charlie):
        page_of(client, f"/comments/{comment.pk}/delete/", 403)
        assert client.post(f"/comments/{comment.pk}/delete/").status_code == 403
    assert Comment.objects.exists()


def test_a_comment_that_is_not_visible_is_a_404(alice: User, charlie: User, as_charlie: Client) -> None:
    with all_cases() as tried:
        for case in ["narrow post", "blocked", "none"]:
            with tried(case), rolled_back():
                comment = answer(say(alice), charlie)
                if case == "blocked":
                    block_member(blocker=alice, blocked=charlie)
                elif case == "narrow post":
                    Post.objects.update(audience=Audience.CONNECTIONS)
                pk = 999 if case == "none" else comment.pk
                page_of(as_charlie, f"/comments/{pk}/delete/", 404)
                assert as_charlie.post(f"/comments/{pk}/delete/").status_code == 404
                assert Comment.objects.exists()


def test_a_visitor_is_sent_to_sign_in(alice: User, client: Client) -> None:
    comment = answer(say(alice, audience=Audience.PUBLIC), alice)
    response = client.post(f"/comments/{comment.pk}/delete/")
    assert response["Location"].startswith("/accounts/login/")
    assert Comment.objects.exists()


def test_in_a_dialog_the_response_is_what_is_left_and_the_counts(
    alice: User, bob: User, as_bob: Client
) -> None:
    post = say(alice)
    comment = answer(post, bob, "Regretted")
    reply = answer(post, bob, "A reply", parent=comment)

    def delete_by_htmx(deleted: Comment) -> str:
        response = as_bob.post(f"/comments/{deleted.pk}/delete/", headers=HTMX)
        assert "Comment deleted." in response["HX-Trigger"]
        return response.content.decode()

    emptied = delete_by_htmx(comment)
    assert "This comment was deleted." in emptied
    assert "A reply" in emptied
    assert f'id="post-foot-{post.pk}"' in emptied
    last = delete_by_htmx(reply)
    assert f'<div id="comment-{comment.pk}" hx-swap-oob="delete">' in last
    assert 'class="comment"' not in last
