"""Editing a post: the service, the page, and the revisions."""

import pytest
from django.test import Client

from feed import services
from feed.errors import AlreadyReposted, EmptyPost
from feed.events import post_edited
from feed.models import Post, PostRevision
from feed.services import Document, Picture
from tests.cases import all_cases, rolled_back
from tests.cast import make_member
from users.audience import Audience
from users.models import User

from .factories import (
    HTMX,
    PDF,
    SCRIPT,
    all_rows,
    captured_signals,
    image,
    page_of,
    pass_on,
    posts_tagged,
    say,
)


def edit(post: Post, text: str, audience: int = Audience.MEMBERS) -> Post:
    return services.edit_post(post=post, text=text, audience=audience)


def test_a_new_text_keeps_a_revision_and_is_marked_as_edited(alice: User) -> None:
    post = say(alice, "First #old")
    with captured_signals(post_edited) as said:
        changed = edit(post, "Second #new")
    assert (changed.text, changed.html.count("/tags/new/")) == ("Second #new", 1)
    assert changed.edited_at is not None
    (former,) = PostRevision.objects.filter(post=post)
    assert (former.text, former.html) == ("First #old", post.html)
    assert list(posts_tagged("new")) == [post]
    assert not posts_tagged("old").exists()
    assert [fact["post"] for fact in said] == [post]


def test_revisions_are_kept_newest_first(alice: User) -> None:
    post = say(alice, "one")
    for text in ("two", "three"):
        edit(post, text)
    assert [former.text for former in PostRevision.objects.filter(post=post)] == ["two", "one"]


def test_the_same_text_changes_nothing(alice: User) -> None:
    post = say(alice, "Same #tag")
    before = all_rows()
    with captured_signals(post_edited) as said:
        edit(post, "Same #tag")
    assert all_rows() == before
    assert said == []


def test_a_new_audience_alone_leaves_no_mark(alice: User) -> None:
    post = edit(say(alice, "Same"), "Same", Audience.CONNECTIONS)
    assert (post.audience, post.edited_at) == (Audience.CONNECTIONS, None)
    assert not PostRevision.objects.exists()


def test_an_edit_may_not_leave_an_empty_post(alice: User) -> None:
    with all_cases() as case:
        for text in ["", "  \n"]:
            with case(text), rolled_back():
                post = say(alice, "Words")
                with pytest.raises(EmptyPost):
                    edit(post, text)
                assert Post.objects.get(pk=post.pk).text == "Words"


def test_the_text_may_be_removed_if_a_picture_or_document_stays(alice: User) -> None:
    pictured = say(alice, "Words", pictures=[Picture(image())])
    documented = say(alice, "Words", document=Document(PDF, "a.pdf"))
    assert edit(pictured, "").html == ""
    assert edit(documented, "").html == ""


def test_a_quote_without_its_text_becomes_a_plain_repost(alice: User, bob: User) -> None:
    quote = pass_on(say(bob), by=alice, text="Look")
    edit(quote, "")
    assert Post.objects.filter(author=alice, is_repost=True, text="").count() == 1


def test_the_audience_of_a_plain_repost_can_be_changed(alice: User, bob: User) -> None:
    shared = pass_on(say(bob), by=alice)
    assert edit(shared, "", Audience.PUBLIC).audience == Audience.PUBLIC


def test_a_quote_cannot_become_a_second_plain_repost(alice: User, bob: User) -> None:
    post = say(bob)
    pass_on(post, by=alice)
    quote = pass_on(post, by=alice, text="Look")
    with pytest.raises(AlreadyReposted):
        edit(quote, "")
    assert Post.objects.get(pk=quote.pk).text == "Look"


def test_a_quote_whose_original_was_deleted_needs_a_text(alice: User, bob: User) -> None:
    post = say(bob)
    quote = pass_on(post, by=alice, text="Look")
    services.delete_post(post=post)
    with pytest.raises(EmptyPost):
        edit(quote, "")


# -- Who is called ----------------------------------------------------------------------------


def called_by(post: Post, text: str, audience: int = Audience.MEMBERS) -> list[str]:
    """Whom an edit announces as mentioned."""
    with captured_signals(post_edited) as said:
        edit(post, text, audience)
    return sorted(member.username for fact in said for member in fact["mentioned"])


def test_only_newly_mentioned_members_are_sent(alice: User, bob: User, charlie: User) -> None:
    post = say(alice, "Thanks @bob")
    assert called_by(post, "Thanks @bob and @charlie, says @alice") == ["charlie"]
    assert called_by(post, "Thanks both, @Bob, @charlie") == []


def test_a_name_typed_as_a_link_or_as_code_is_no_mention(alice: User, charlie: User) -> None:
    post = say(alice, "See [him](/members/charlie/) and `@charlie`")
    assert called_by(post, "See @charlie") == ["charlie"]


def test_a_name_that_became_a_member_is_mentioned_by_the_next_edit(alice: User) -> None:
    post = say(alice, "Soon with us: @dan")
    make_member("dan")
    assert called_by(post, "Now with us: @dan") == ["dan"]


def test_a_member_who_may_not_read_the_post_is_not_sent(alice: User, bob: User, charlie: User) -> None:
    post = say(alice, "Hello", audience=Audience.CONNECTIONS)
    assert called_by(post, "Hello @bob, @charlie", Audience.CONNECTIONS) == ["bob"]


def test_a_wider_audience_sends_mentioned_members_who_could_not_read_it_before(
    alice: User, bob: User, charlie: User
) -> None:
    post = say(alice, "Hello @bob, @charlie", audience=Audience.CONNECTIONS)
    assert called_by(post, post.text, Audience.MEMBERS) == ["charlie"]
    assert called_by(post, post.text, Audience.CONNECTIONS) == []


def test_a_wider_audience_sends_only_mentioned_members(alice: User) -> None:
    post = say(alice, "Soon with us: @dan", audience=Audience.CONNECTIONS)
    make_member("dan")
    assert called_by(post, post.text, Audience.MEMBERS) == []


# -- The page ---------------------------------------------------------------------------------


def send(client: Client, post: Post, text: str, audience: int = Audience.MEMBERS, status: int = 302) -> str:
    response = client.post(f"/posts/{post.pk}/edit/", {"text": text, "audience": audience})
    assert response.status_code == status, response.content[:300]
    return response.content.decode()


def test_the_author_edits_the_text_in_the_form(alice: User, as_alice: Client) -> None:
    post = say(alice, "Frist")
    assert "Frist</textarea>" in page_of(as_alice, f"/posts/{post.pk}/edit/")
    send(as_alice, post, "First", Audience.PUBLIC)
    page = page_of(Client(), f"/posts/{post.pk}/")
    assert "First" in page
    assert "edited" in page


def test_an_unchanged_post_carries_no_mark(alice: User, as_alice: Client) -> None:
    post = say(alice, "First")
    assert "edited" not in page_of(as_alice, f"/posts/{post.pk}/")


def test_a_reader_may_not_edit(alice: User, as_bob: Client, as_charlie: Client) -> None:
    post = say(alice, "Mine")
    for client in (as_bob, as_charlie):
        assert client.get(f"/posts/{post.pk}/edit/").status_code == 403
        send(client, post, "Theirs", status=403)
    assert Post.objects.get(pk=post.pk).text == "Mine"


def test_a_member_who_may_not_read_the_post_gets_404(alice: User, as_charlie: Client) -> None:
    post = say(alice, "Mine", audience=Audience.CONNECTIONS)
    assert as_charlie.get(f"/posts/{post.pk}/edit/").status_code == 404
    send(as_charlie, post, "Theirs", status=404)
    assert Post.objects.get(pk=post.pk).text == "Mine"


def test_a_visitor_is_sent_to_sign_in(alice: User, client: Client) -> None:
    post = say(alice, "Mine", audience=Audience.PUBLIC)
    response = client.post(f"/posts/{post.pk}/edit/", {"text": "Theirs", "audience": 0})
    assert response["Location"].startswith("/accounts/login/?next=/posts/")
    assert Post.objects.get(pk=post.pk).text == "Mine"


@pytest.mark.parametrize(
    ("text", "audience", "message"),
    [
        ("x" * 100_000, 1, "at most 10000 characters"),
        ("   ", 1, "at least a few words"),
        (f"Kept {SCRIPT}", 3, "Select a valid choice"),
        (f"Kept {SCRIPT}", "abc", "Select a valid choice"),
    ],
)
def test_an_error_is_explained_and_keeps_the_input(
    alice: User, as_alice: Client, text: str, audience: int, message: str
) -> None:
    post = say(alice, "Mine")
    page = send(as_alice, post, text, audience, status=422)
    assert message in page
    assert text[:50].strip().replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;") in page
    assert SCRIPT not in page
    assert Post.objects.get(pk=post.pk).text == "Mine"


def test_a_second_plain_repost_by_editing_is_refused_with_a_message(
    alice: User, bob: User, as_alice: Client
) -> None:
    post = say(bob)
    pass_on(post, by=alice)
    quote = pass_on(post, by=alice, text="Look")
    assert "shared this already" in send(as_alice, quote, "", status=422)


def test_opening_the_form_changes_nothing(alice: User, as_alice: Client) -> None:
    post = say(alice)
    before = all_rows()
    page_of(as_alice, f"/posts/{post.pk}/edit/")
    assert all_rows() == before


def test_in_a_dialog_the_form_is_a_fragment_and_its_response_the_card(
    alice: User, bob: User, as_alice: Client
) -> None:
    post = say(alice, "Mine")
    shared = pass_on(post, by=bob)
    address = f"/posts/{post.pk}/edit/"
    form = page_of(as_alice, address, headers=HTMX)
    assert "<html" not in form
    assert 'id="page-dialog-title"' in form
    refused = as_alice.post(address, {"text": "", "audience": 1}, headers=HTMX)
    assert (refused.status_code, b"<html" in refused.content) == (422, False)
    for shown in (post, shared):
        data = {"text": f"Below {shown.pk}", "audience": 1}
        response = as_alice.post(address, data, headers={**HTMX, "HX-Target": f"post-{shown.pk}"})
        card = response.content.decode()
        assert (f'id="post-{shown.pk}"' in card, f"Below {shown.pk}" in card) == (True, True)
        assert response["HX-Reselect"] == ".post"
        assert "Post updated." in response["HX-Trigger"]


def test_the_card_of_another_post_is_not_rendered_for_an_edited_one(
    alice: User, bob: User, as_alice: Client
) -> None:
    post, other = say(alice, "Mine"), say(bob, "Theirs")
    for target in (f"post-{other.pk}", "post-999", "post-x", "main"):
        response = as_alice.post(
            f"/posts/{post.pk}/edit/", {"text": "New", "audience": 1}, headers={**HTMX, "HX-Target": target}
        )
        assert f'id="post-{post.pk}"' in response.content.decode()
