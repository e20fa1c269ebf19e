"""The feed's admin pages: every model opens, and staff cannot edit a member's text."""

from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from feed.models import Comment, Post, PostImage, PostRevision, PostTag, Reaction, SavedPost, Tag
from feed.services import edit_post, save_post
from tests.cast import client_of
from users.models import User

from .factories import SCRIPT, answer, page_of, react, say

MODELS = [Post, Comment, Reaction, SavedPost, PostRevision, Tag]


@pytest.fixture
def staff(alice: User, bob: User) -> Client:
    """Someone who may do all_rows, in a feed that holds one row of each kind."""
    post = say(alice, f"{SCRIPT} #tag")
    edit_post(post=post, text="changed #tag", audience=1)
    answer(post, bob, SCRIPT)
    react(post, bob)
    save_post(post=post, member=bob)
    return client_of(User.objects.create_superuser("root", "root@example.org"))


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_listed_searched_and_opened(staff: Client, model: type[Post]) -> None:
    name = f"admin:feed_{model._meta.model_name}"
    row = model._default_manager.get()
    listed = page_of(staff, reverse(f"{name}_changelist"))
    found = page_of(staff, reverse(f"{name}_changelist") + "?q=a")
    opened = page_of(staff, reverse(f"{name}_change", args=[row.pk]))
    assert f"/{row.pk}/change/" in listed
    assert all(SCRIPT not in page for page in (listed, found, opened))
    assert str(row).replace("'", "&#x27;") in opened


@pytest.mark.parametrize("model", [Post, Comment])
def test_text_is_not_a_field_of_the_form(staff: Client, model: type[Post]) -> None:
    row = model._default_manager.get()
    opened = page_of(staff, reverse(f"admin:feed_{model._meta.model_name}_change", args=[row.pk]))
    assert 'name="text"' not in opened
    assert 'name="hidden_at_0"' in opened


def test_staff_cannot_change_the_post_or_audience_of_a_text(staff: Client, alice: User, bob: User) -> None:
    """Neither a comment nor a former wording."""
    comment, revision = Comment.objects.get(), PostRevision.objects.get()
    elsewhere = say(alice, "Elsewhere", audience=0)
    moved = {
        "author": alice.pk,
        "post": elsewhere.pk,
        "parent": "",
        "audience": 0,
        "html": "<b>mine</b>",
        "text": "x",
    }
    staff.post(reverse("admin:feed_comment_change", args=[comment.pk]), moved)
    address = reverse("admin:feed_postrevision_change", args=[revision.pk])
    assert staff.post(address, moved).status_code == 403
    for model in ("postrevision", "comment"):
        assert staff.get(reverse(f"admin:feed_{model}_add")).status_code == 403
    rows = [(row.author_id, row.post_id) for row in Comment.objects.all()]
    assert rows == [(bob.pk, comment.post_id)]
    same = PostRevision.objects.get()
    assert (same.html, same.audience, same.post_id) == (revision.html, revision.audience, revision.post_id)


@pytest.mark.parametrize("model", MODELS)
def test_members_do_not_get_in(staff: Client, as_bob: Client, model: type[Post]) -> None:
    assert admin.site.is_registered(model)
    response = as_bob.get(reverse(f"admin:feed_{model._meta.model_name}_changelist"))
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


def test_rows_are_named_by_ids_and_never_by_texts(alice: User, bob: User, staff: Client) -> None:
    post = Post.objects.get()
    picture = PostImage.objects.create(post=post, file="posts/ab/cd", width=1, height=1)
    rows = [
        post,
        picture,
        PostTag.objects.get(),
        Tag.objects.get(),
        Reaction.objects.get(),
        SavedPost.objects.get(),
    ]
    assert [str(row) for row in rows] == [
        f"post {post.pk}",
        "posts/ab/cd",
        f"{Tag.objects.get().pk} on {post.pk}",
        "tag",
        f"{bob.pk} like {post.pk}",
        f"{bob.pk} saved {post.pk}",
    ]


def test_rows_are_described() -> None:
    replaced_at = datetime(2026, 2, 3, 4, 5, tzinfo=UTC)
    described = [
        Post(pk=1), PostImage(file="posts/a"), PostRevision(post_id=1, replaced_at=replaced_at), Tag(name="trains"),
        PostTag(tag_id=2, post_id=1), Comment(pk=3), Reaction(member_id=4, kind="like", post_id=1),
        SavedPost(member_id=4, post_id=1),
    ]  # fmt: skip
    assert [str(row) for row in described] == [
        "post 1", "posts/a", "revision of post 1 until 2026-02-03 04:05", "trains",
        "2 on 1", "comment 3", "4 like 1", "4 saved 1",
    ]  # fmt: skip
