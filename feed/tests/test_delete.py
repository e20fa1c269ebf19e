"""Deleting a post: what is deleted with it and what stays."""

import pytest
from django.core.files.storage import default_storage
from django.db import transaction
from django.test import Client

from core.files.row_files import files_of_row
from feed import services
from feed.models import Comment, Post, PostRevision, Reaction, SavedPost
from feed.services import Document, Picture
from users.audience import Audience
from users.models import User

from .factories import HTMX, PDF, all_rows, answer, image, page_of, pass_on, posts_tagged, react, say


def test_it_goes_with_all_that_hangs_on_it(alice: User, bob: User) -> None:
    post = say(alice, "Words #tag")
    services.edit_post(post=post, text="Others #tag", audience=Audience.MEMBERS)
    answer(post, bob, parent=answer(post, alice))
    react(post, bob)
    services.save_post(post=post, member=bob)
    services.delete_post(post=post)
    for model in (Post, Comment, Reaction, SavedPost, PostRevision):
        assert not model._default_manager.exists()
    assert not posts_tagged("tag").exists()


@pytest.mark.django_db(transaction=True)
def test_files_go_after_the_commit_only(alice: User) -> None:
    kept = say(alice, pictures=[Picture(image())], document=Document(PDF, "kept.pdf"))
    post = say(alice, pictures=[Picture(image()), Picture(image())], document=Document(PDF, "a.pdf"))
    files = [name for picture in post.images.all() for name in files_of_row(picture)] + [post.document]
    assert len(files) == 5
    from_the_start = [name for picture in kept.images.all() for name in files_of_row(picture)] + [
        kept.document
    ]

    with pytest.raises(RuntimeError):
        _delete_and_fail(post)
    assert all(default_storage.exists(name) for name in files)

    services.delete_post(post=post)
    assert not any(default_storage.exists(name) for name in files)
    assert all(default_storage.exists(name) for name in from_the_start)


def _delete_and_fail(post: Post) -> None:
    with transaction.atomic():
        services.delete_post(post=post)
        raise RuntimeError


def test_plain_reposts_are_deleted_and_quotes_stay(alice: User, bob: User, charlie: User) -> None:
    post = say(alice, "The original words")
    plain, quote = pass_on(post, by=bob), pass_on(post, by=charlie, text="Look at this")
    services.delete_post(post=post)
    assert not Post.objects.filter(pk=plain.pk).exists()
    assert Post.objects.get(pk=quote.pk).original is None
    page = page_of(Client(), f"/posts/{quote.pk}/", 404)
    Post.objects.filter(pk=quote.pk).update(audience=Audience.PUBLIC)
    page = page_of(Client(), f"/posts/{quote.pk}/")
    assert "Look at this" in page
    assert "The post that was shared here is not available." in page


def test_a_deleted_repost_is_counted_off_its_original(alice: User, bob: User, charlie: User) -> None:
    post = say(alice)
    plain, quote = pass_on(post, by=bob), pass_on(post, by=charlie, text="Look")
    for shared, left in ((plain, 1), (quote, 0)):
        services.delete_post(post=shared)
        assert Post.objects.get(pk=post.pk).repost_count == left


def test_deleting_a_quote_of_a_quote_leaves_both_others(alice: User, bob: User) -> None:
    post = say(alice)
    quote = pass_on(post, by=bob, text="Look")
    again = pass_on(quote, by=alice, text="Indeed")
    services.delete_post(post=quote)
    assert Post.objects.get(pk=again.pk).original is None
    assert Post.objects.get(pk=post.pk).repost_count == 0


def test_deleting_a_deleted_post_changes_nothing(alice: User) -> None:
    post = say(alice)
    services.delete_post(post=Post.objects.get(pk=post.pk))
    services.delete_post(post=post)
    assert not Post.objects.exists()


# -- The page ---------------------------------------------------------------------------------


def test_the_author_confirms_the_deletion(alice: User, as_alice: Client) -> None:
    post = say(alice, "Goodbye")
    address = f"/posts/{post.pk}/delete/"
    before = all_rows()
    assert "Goodbye" in page_of(as_alice, address)
    assert all_rows() == before
    response = as_alice.post(address)
    assert (response.status_code, response["Location"]) == (302, "/")
    assert "Post deleted." in page_of(as_alice, "/")
    assert not Post.objects.exists()
    assert as_alice.post(address).status_code == 404


def test_a_reader_may_not_delete(alice: User, as_bob: Client, as_charlie: Client) -> None:
    post = say(alice)
    for client in (as_bob, as_charlie):
        assert client.get(f"/posts/{post.pk}/delete/").status_code == 403
        assert client.post(f"/posts/{post.pk}/delete/").status_code == 403
    assert Post.objects.filter(pk=post.pk).exists()


def test_the_author_of_the_original_may_not_delete_a_repost(alice: User, bob: User, as_alice: Client) -> None:
    shared = pass_on(say(alice), by=bob)
    assert as_alice.post(f"/posts/{shared.pk}/delete/").status_code == 403


def test_a_member_who_may_not_read_the_post_gets_404(alice: User, as_charlie: Client) -> None:
    post = say(alice, audience=Audience.CONNECTIONS)
    assert as_charlie.get(f"/posts/{post.pk}/delete/").status_code == 404
    assert as_charlie.post(f"/posts/{post.pk}/delete/").status_code == 404
    assert Post.objects.filter(pk=post.pk).exists()


def test_a_visitor_is_sent_to_sign_in(alice: User, client: Client) -> None:
    post = say(alice, audience=Audience.PUBLIC)
    response = client.post(f"/posts/{post.pk}/delete/")
    assert response["Location"] == f"/accounts/login/?next=/posts/{post.pk}/delete/"
    assert Post.objects.filter(pk=post.pk).exists()


def test_a_repost_can_be_deleted_from_the_list(alice: User, bob: User, as_bob: Client) -> None:
    post = say(alice)
    shared = pass_on(post, by=bob)
    assert f"/posts/{shared.pk}/delete/" in page_of(as_bob, "/")
    as_bob.post(f"/posts/{shared.pk}/delete/")
    assert list(Post.objects.all()) == [post]


def test_in_a_dialog_nothing_takes_the_place_of_a_deleted_post(alice: User, as_alice: Client) -> None:
    post = say(alice)
    response = as_alice.post(f"/posts/{post.pk}/delete/", headers=HTMX)
    assert (response.status_code, response.content) == (200, b"")
    assert "Post deleted." in response["HX-Trigger"]
    assert not Post.objects.exists()
    # The page after it does not say so again.
    assert "Post deleted." not in page_of(as_alice, "/")
