"""The posts of a member's network that others answered most."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import Exists, OuterRef, QuerySet

from core.database.compiled_queries import CompiledQuery
from network.models import Viewer
from users.models import User

from ..models import Comment, Post
from ..timeline import followed_authors, load_for_display

# The latest posts of all members that are looked at.
MAX_POSTS = 20_000
# Candidates for each post that is wanted: some may not be visible to the viewer.
CANDIDATES = 4


class AnsweredPost(NamedTuple):
    """A post that has comments."""

    pk: int
    author_id: int
    created_at: datetime


def load_answered_posts(since: datetime) -> list[AnsweredPost]:
    """Load the latest posts with comments, of all authors, the most answered first. One query, for any viewers."""
    # In the order of ids, which needs no index by date.
    latest = Post.objects.order_by("-pk").values("pk")[:MAX_POSTS]
    answered = Post.objects.filter(pk__in=latest, created_at__gt=since, comment_count__gt=0, hidden_at=None)
    rows = answered.order_by("-comment_count", "-pk").values_list("pk", "author_id", "created_at")
    return [AnsweredPost(*row) for row in rows]


def find_most_answered(
    viewer: User, answered: Sequence[AnsweredPost], since: datetime, *, most: int
) -> list[Post]:
    """Return the `most` answered posts since then of the viewer's connections and followed members.

    Each has a comment of another member than the viewer that the viewer may read. Up to five queries.
    """
    authors = followed_authors(viewer).keys() - {viewer.pk}
    candidates = [post.pk for post in answered if post.author_id in authors and post.created_at > since]
    candidates = candidates[: most * CANDIDATES]
    if not candidates:
        return []
    by_others = {pk for (pk,) in _ANSWERED_BY_OTHERS.fetch(viewer=viewer.pk, posts=candidates)}
    posts = load_for_display([pk for pk in candidates if pk in by_others], viewer) if by_others else []
    return sorted(posts, key=lambda post: candidates.index(post.pk))[:most]


def _answered_by_others_query(viewer: int, posts: Collection[int]) -> QuerySet[Post, tuple[int]]:
    me: Viewer = User(pk=viewer)
    others = Comment.objects.readable_by(me).filter(deleted_at=None).exclude(author=viewer)
    return Post.objects.filter(Exists(others.filter(post=OuterRef("pk"))), pk__in=posts).values_list("pk")


_ANSWERED_BY_OTHERS = CompiledQuery(_answered_by_others_query)
