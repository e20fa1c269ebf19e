"""The seeds, run for a test or for a class of tests that only read, and what must be true of any."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db.models import Count, Q
from pytest_django import DjangoDbBlocker

from feed.models import Comment, Post, Reaction, Tag
from messaging.models import Conversation
from users.models import User


def seeded(**options: object) -> str:
    """What the command prints."""
    out = io.StringIO()
    call_command("seed_demo", stdout=out, **options)
    return out.getvalue()


def silent(words: str) -> None:
    """Where progress goes that nobody reads."""


@contextmanager
def stored(blocker: DjangoDbBlocker) -> Iterator[None]:
    """Access to the database outside a single test; what was stored goes at the end."""
    with blocker.unblock():
        yield
        # What was said outlives accounts.
        Conversation.objects.all().delete()
        User.objects.all().delete()
        Tag.objects.all().delete()


def assert_counts_are_true() -> None:
    """Every counter of every post and comment equals the rows that it counts."""
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
