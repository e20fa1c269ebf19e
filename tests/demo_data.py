"""Helpers for tests of the demo network and of the benches' crowd: creating, deleting and checking their rows."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db.models import Count, Q
from pytest_django import DjangoDbBlocker

from feed.models import Comment, Post, Reaction, Tag
from messaging.models import Conversation
from users.models import User


def run_seed_demo(**options: object) -> str:
    """Run seed_demo; return its output."""
    out = io.StringIO()
    call_command("seed_demo", stdout=out, **options)
    return out.getvalue()


def ignore_progress(words: str) -> None:
    """Take a progress message and do nothing."""


@contextmanager
def stored_rows(blocker: DjangoDbBlocker) -> Iterator[None]:
    """Allow database access for a class of tests, and delete all rows at the end."""
    with blocker.unblock():
        yield
        # Conversations remain when their members are deleted.
        Conversation.objects.all().delete()
        User.objects.all().delete()
        Tag.objects.all().delete()


def assert_counters_are_correct() -> None:
    """Check that all counters of posts and comments equal the rows that they count."""
    for kind in Reaction.Kind:
        counted = Post.objects.annotate(real=Count("reactions", Q(reactions__kind=kind.value), distinct=True))
        assert not [post for post in counted if getattr(post, f"{kind.value}_count") != post.real]  # type: ignore[attr-defined]
    posts = Post.objects.annotate(
        said=Count("comments", Q(comments__deleted_at=None), distinct=True),
        shared=Count("reposts", distinct=True),
    )
    for post in posts:
        assert (post.comment_count, post.repost_count) == (post.said, post.shared)  # type: ignore[attr-defined]
    for comment in Comment.objects.annotate(answers=Count("replies")):
        assert comment.reply_count == comment.answers  # type: ignore[attr-defined]
