"""A wider audience does not expose earlier content: revisions, comments of others, comments below reposts."""

from collections.abc import Callable

import pytest
from django.test import Client

from feed import services
from feed.errors import AudienceHasAnswered
from feed.models import Comment, Post, PostRevision, Reaction, SavedPost
from tests.cast import client_of, connect
from users.audience import Audience
from users.models import User

from .factories import HTMX, all_rows, answer, page_of, pass_on, react, say

pytestmark = pytest.mark.slow

CIRCLE, MEMBERS, EVERYONE = Audience.CONNECTIONS, Audience.MEMBERS, Audience.PUBLIC


def edit(post: Post, text: str, audience: int) -> Post:
    return services.edit_post(post=post, text=text, audience=audience)


def test_a_revision_is_shown_to_its_own_audience(alice: User, bob: User, charlie: User) -> None:
    post = say(alice, "SECRET-ONE", audience=CIRCLE)
    edit(post, "SECRET-TWO", MEMBERS)
    edit(post, "Hello network", EVERYONE)
    readers = {
        "visitor": Client(),
        "charlie": client_of(charlie),
        "bob": client_of(bob),
        "alice": client_of(alice),
    }
    pages = {name: page_of(client, f"/posts/{post.pk}/history/") for name, client in readers.items()}
    seen = {name: ("SECRET-ONE" in page, "SECRET-TWO" in page) for name, page in pages.items()}
    assert seen == {
        "visitor": (False, False),
        "charlie": (False, True),
        "bob": (True, True),
        "alice": (True, True),
    }
    assert "shown to those who could see them" in pages["visitor"]


def test_a_revision_keeps_the_narrower_audience(alice: User, charlie: User) -> None:
    post = say(alice, "Too loud", audience=EVERYONE)
    edit(post, "Too loud", CIRCLE)
    edit(post, "Hello network", EVERYONE)
    assert "Too loud" not in page_of(client_of(charlie), f"/posts/{post.pk}/history/")


def test_a_revision_stored_by_an_older_version_is_for_connections(alice: User) -> None:
    post = say(alice, audience=EVERYONE)
    former = PostRevision.objects.create(post=post, text="Wording zero", html="<p>Wording zero</p>")
    assert former.audience == CIRCLE
    assert "Wording zero" not in page_of(Client(), f"/posts/{post.pk}/history/")


def test_once_others_have_answered_the_audience_can_only_be_narrowed(
    alice: User, bob: User, as_alice: Client
) -> None:
    answers: dict[str, Callable[[Post], object]] = {
        "comment": lambda post: answer(post, bob),
        "reaction": lambda post: react(post, bob),
        "share": lambda post: pass_on(post, bob),
        "reply": lambda post: answer(post, bob, parent=answer(post, alice)),
    }
    for name, act in answers.items():
        post = say(alice, "Mine", audience=MEMBERS)
        act(post)
        form = page_of(as_alice, f"/posts/{post.pk}/edit/")
        assert "but not to more" in form, name
        assert 'value="0"' not in form, name
        refused = as_alice.post(f"/posts/{post.pk}/edit/", {"text": "Typed again", "audience": EVERYONE})
        assert refused.status_code == 422, name
        assert "but not to more" in refused.content.decode(), name
        assert "Typed again" in refused.content.decode(), name
        with pytest.raises(AudienceHasAnswered):
            edit(post, "Mine", EVERYONE)
        assert edit(post, "Mine", CIRCLE).audience == CIRCLE
        with pytest.raises(AudienceHasAnswered):
            edit(post, "Mine", MEMBERS)


def test_without_answers_of_others_the_audience_can_be_widened(
    alice: User, bob: User, as_alice: Client
) -> None:
    post = say(alice, "Mine", audience=CIRCLE)
    answer(post, alice)
    react(post, alice)
    services.delete_comment(comment=answer(post, bob))
    react(post, bob)
    services.take_back_reaction(post=post, member=bob)
    services.save_post(post=post, member=bob)
    assert "but not to more" not in page_of(as_alice, f"/posts/{post.pk}/edit/")
    assert edit(post, "Mine", EVERYONE).audience == EVERYONE


# -- Below a plain repost -----------------------------------------------------------------------


def test_a_plain_repost_leads_to_its_original(alice: User, bob: User, as_alice: Client) -> None:
    post = say(alice, audience=EVERYONE)
    shared = pass_on(post, bob, audience=EVERYONE)
    for client in (as_alice, Client()):
        assert client.get(f"/posts/{shared.pk}/")["Location"] == f"/posts/{post.pk}/"
    with_words = pass_on(post, bob, "Look")
    page_of(as_alice, f"/posts/{with_words.pk}/")


def test_reactions_and_comments_on_a_plain_repost_belong_to_its_original(
    alice: User, bob: User, as_alice: Client
) -> None:
    post = say(bob, "The original")
    shared = pass_on(post, bob)
    act = f"/posts/{shared.pk}/"
    assert as_alice.post(f"{act}react/", {"kind": "like"}, headers=HTMX).status_code == 200
    assert f'id="post-foot-{post.pk}"' in as_alice.post(f"{act}save/", headers=HTMX).content.decode()
    assert as_alice.post(f"{act}comment/", {"text": "Well said"}).status_code == 302
    assert "Well said" in as_alice.get(f"{act}comments/", headers=HTMX).content.decode()
    assert Reaction.objects.get().post_id == SavedPost.objects.get().post_id == post.pk
    assert Comment.objects.get().post_id == post.pk
    assert "Alice" in page_of(as_alice, f"{act}reactions/")
    SavedPost.objects.create(post=shared, member=alice)
    as_alice.post(f"{act}unsave/")
    as_alice.post(f"{act}unreact/")
    assert not SavedPost.objects.exists()
    assert not Reaction.objects.exists()


def test_old_comments_on_a_plain_repost_stay_readable_but_accept_no_new_ones(
    alice: User, bob: User, as_alice: Client
) -> None:
    shared = pass_on(say(bob), bob)
    old = Comment.objects.create(post=shared, author=alice, text="Once", html="<p>Once</p>")
    Post.objects.filter(pk=shared.pk).update(comment_count=1)
    page = page_of(as_alice, f"/posts/{shared.pk}/")
    assert "Once" in page
    assert "<textarea" not in page
    assert as_alice.post(f"/posts/{shared.pk}/comment/", {"text": "x", "parent": old.pk}).status_code == 404
    assert as_alice.post(f"/comments/{old.pk}/delete/").status_code == 302
    assert as_alice.get(f"/posts/{shared.pk}/").status_code == 302


def test_urls_that_change_a_post_that_is_not_visible_are_404(alice: User, bob: User, charlie: User) -> None:
    """Charlie is no connection of Alice: of Bob's repost he sees nothing once its original is for connections."""
    post = say(alice)
    shared = pass_on(post, bob)
    below = Comment.objects.create(post=shared, author=bob, text="Once", html="<p>Once</p>")
    edit_to = {"text": "Theirs", "audience": 1}
    addresses = [f"/posts/{shared.pk}/edit/", f"/posts/{shared.pk}/delete/"]
    addresses += [f"/comments/{below.pk}/edit/", f"/comments/{below.pk}/delete/"]
    client = client_of(charlie)

    def statuses() -> set[int]:
        return {client.get(each).status_code for each in addresses} | {
            client.post(each, edit_to).status_code for each in addresses
        }

    assert statuses() == {403}
    edit(post, "Hello", CIRCLE)
    before = all_rows()
    assert statuses() == {404}
    assert all_rows() == before
    # Bob may still take back what he shared.
    connect(alice, charlie)
    services.delete_post(post=post)
    assert statuses() == {404}


def test_a_comment_that_was_written_for_fewer_is_not_stored_for_more(alice: User, bob: User) -> None:
    """The words stay in the form, which now says for whom they are; sent again they are stored."""
    client = client_of(bob)
    for headers in ({}, HTMX):
        post = say(alice, "Mine", audience=CIRCLE)
        form = page_of(client, f"/posts/{post.pk}/")
        assert f'name="audience_seen" value="{CIRCLE:d}"' in form
        edit(post, "Mine", EVERYONE)
        said = {"text": "Only for us", "audience_seen": str(CIRCLE.value)}
        refused = client.post(f"/posts/{post.pk}/comment/", said, headers=headers)
        assert refused.status_code == 422, headers
        page = refused.content.decode()
        assert "More people can see this post now" in page, headers
        assert "Only for us" in page, headers
        assert f'name="audience_seen" value="{EVERYONE:d}"' in page, headers
        assert not Comment.objects.filter(post=post).exists(), headers
        client.post(f"/posts/{post.pk}/comment/", {**said, "audience_seen": "0"}, headers=headers)
        assert Comment.objects.filter(post=post).count() == 1, headers


def test_a_comment_is_stored_if_the_audience_was_narrowed_or_not_sent(alice: User, bob: User) -> None:
    client = client_of(bob)
    post = say(alice, "Mine", audience=MEMBERS)
    for seen in ({"audience_seen": "0"}, {"audience_seen": "1"}, {"audience_seen": ""}, {}):
        client.post(f"/posts/{post.pk}/comment/", {"text": "Well said", **seen})
    assert Comment.objects.filter(post=post).count() == 4
    assert client.post(f"/posts/{post.pk}/comment/", {"text": "No", "audience_seen": "-1"}).status_code == 422


def test_a_reply_that_was_written_for_fewer_is_not_stored_for_more(alice: User, bob: User) -> None:
    post = say(alice, "Mine", audience=CIRCLE)
    hers = answer(post, alice)
    edit(post, "Mine", MEMBERS)
    said = {"text": "Only for us", "audience_seen": str(CIRCLE.value), "parent": str(hers.pk)}
    assert client_of(bob).post(f"/posts/{post.pk}/comment/", said).status_code == 422
