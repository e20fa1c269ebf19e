"""Editing a comment."""

from django.test import Client

from feed import services
from feed.events import comment_edited
from feed.models import Comment
from network.services import block_member
from tests.cases import all_cases, rolled_back
from users.audience import Audience
from users.models import User

from .factories import HTMX, SCRIPT, all_rows, answer, captured_signals, page_of, say


def test_a_new_text_is_marked_as_edited(alice: User) -> None:
    comment = answer(say(alice), alice, "Frist")
    changed = services.edit_comment(comment=comment, text="First #tag")
    stored = Comment.objects.get()
    assert (changed, changed.text) == (stored, "First #tag")
    assert Comment.post.is_cached(changed), "receivers need not fetch the post, which was locked"
    assert (stored.text, stored.edited_at is not None) == ("First #tag", True)
    assert "/tags/tag/" in stored.html


def test_the_same_text_changes_nothing(alice: User) -> None:
    comment = answer(say(alice), alice, "First")
    before = all_rows()
    assert services.edit_comment(comment=comment, text="First") == comment
    assert all_rows() == before


def test_a_concurrently_deleted_comment_stays_empty(alice: User) -> None:
    post = say(alice)
    comment = answer(post, alice, "First")
    answer(post, alice, parent=comment)
    services.delete_comment(comment=Comment.objects.get(pk=comment.pk))
    services.edit_comment(comment=comment, text="Second")
    assert Comment.objects.get(pk=comment.pk).text == ""


def test_a_concurrently_deleted_comment_raises_no_error(alice: User) -> None:
    comment = answer(say(alice), alice, "First")
    services.delete_comment(comment=Comment.objects.get(pk=comment.pk))
    assert services.edit_comment(comment=comment, text="Second") is comment
    assert not Comment.objects.exists()


def called_by(comment: Comment, text: str) -> list[str]:
    """Whom an edit announces as mentioned."""
    with captured_signals(comment_edited) as said:
        services.edit_comment(comment=comment, text=text)
    return sorted(member.username for fact in said for member in fact["mentioned"])


def test_only_newly_mentioned_members_are_sent(alice: User, bob: User, charlie: User) -> None:
    comment = answer(say(alice), alice, "Thanks @bob")
    assert called_by(comment, "Thanks @bob and @charlie, says @alice") == ["charlie"]
    # The object that the page holds is not what the row says by now.
    assert called_by(comment, "Thanks both, @bob, @charlie") == []


def test_a_member_who_may_not_read_the_post_is_not_sent(alice: User, bob: User, charlie: User) -> None:
    comment = answer(say(alice, audience=Audience.CONNECTIONS), alice, "Hello")
    assert called_by(comment, "Hello @bob, @charlie") == ["bob"]


# -- The page ---------------------------------------------------------------------------------


def send(client: Client, comment: Comment, text: str, status: int) -> str:
    response = client.post(f"/comments/{comment.pk}/edit/", {"text": text})
    assert response.status_code == status, response.content[:300]
    return response.get("Location") or response.content.decode()


def test_the_author_edits_the_comment(alice: User, bob: User, as_bob: Client) -> None:
    post = say(alice)
    comment = answer(post, bob, "Frist")
    before = all_rows()
    assert "Frist</textarea>" in page_of(as_bob, f"/comments/{comment.pk}/edit/")
    assert all_rows() == before
    assert send(as_bob, comment, "First", 302) == f"/posts/{post.pk}/#comment-{comment.pk}"
    page = page_of(as_bob, f"/posts/{post.pk}/")
    assert "First" in page
    assert "edited" in page


def test_a_refusal_keeps_what_was_typed_and_stored(alice: User, as_alice: Client) -> None:
    with all_cases() as case:
        for text in ["", "  \n ", "x" * 100_000, f"{SCRIPT}{'x' * 3000}"]:
            with case(text), rolled_back():
                comment = answer(say(alice), alice, "First")
                page = send(as_alice, comment, text, 422)
                assert SCRIPT not in page
                assert "x" * 3000 in page or not text.strip()
                assert "at most 3000" in page or "required" in page
                assert Comment.objects.get().text == "First"


def test_other_readers_may_not_edit_not_even_the_author_of_the_post(
    alice: User, bob: User, as_alice: Client, as_charlie: Client
) -> None:
    comment = answer(say(alice), bob, "Mine")
    for client in (as_alice, as_charlie):
        page_of(client, f"/comments/{comment.pk}/edit/", 403)
        send(client, comment, "Theirs", 403)
    assert Comment.objects.get().text == "Mine"


def test_a_comment_that_is_not_visible_is_a_404(
    alice: User, bob: User, charlie: User, as_charlie: Client
) -> None:
    with all_cases() as tried:
        for case in ["narrow post", "blocked", "deleted", "none"]:
            with tried(case), rolled_back():
                post = say(
                    alice, audience=Audience.CONNECTIONS if case == "narrow post" else Audience.MEMBERS
                )
                comment = answer(post, charlie, "Mine")
                if case == "blocked":
                    block_member(blocker=alice, blocked=charlie)
                elif case == "deleted":
                    answer(post, bob, parent=comment)
                    services.delete_comment(comment=comment)
                elif case == "none":
                    comment.pk = 999
                before = all_rows()
                page_of(as_charlie, f"/comments/{comment.pk}/edit/", 404)
                send(as_charlie, comment, "Other", 404)
                assert all_rows() == before


def test_a_visitor_is_sent_to_sign_in(alice: User, client: Client) -> None:
    comment = answer(say(alice, audience=Audience.PUBLIC), alice, "Mine")
    assert send(client, comment, "Theirs", 302).startswith("/accounts/login/")
    assert Comment.objects.get().text == "Mine"


def test_a_reply_below_a_comment_that_is_not_visible_is_404_for_others(
    alice: User, bob: User, charlie: User, as_alice: Client
) -> None:
    post = say(bob)
    reply = answer(post, bob, parent=answer(post, charlie))
    mine = answer(post, alice, parent=reply)
    for status in (403, 404):
        for act in ("edit", "delete"):
            assert as_alice.get(f"/comments/{reply.pk}/{act}/").status_code == status
            # One's own can be taken back wherever it hangs.
            assert as_alice.get(f"/comments/{mine.pk}/{act}/").status_code == 200
        block_member(blocker=charlie, blocked=alice)


def test_in_a_dialog_the_response_is_the_text_of_the_comment(
    alice: User, bob: User, as_alice: Client
) -> None:
    post = say(bob)
    comment = answer(post, alice, "Frist")
    answer(post, bob, "A reply", parent=comment)
    response = as_alice.post(f"/comments/{comment.pk}/edit/", {"text": "First"}, headers=HTMX)
    assert response["HX-Retarget"] == f"#comment-{comment.pk} .comment-body"
    assert response["HX-Reselect"] == ".comment-body"
    body = response.content.decode()
    assert (body.count('class="comment-body"'), "First" in body, "A reply" in body) == (1, True, False)
