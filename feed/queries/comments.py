"""Comments as their readers see them, with first replies and authors, by queries that are compiled once."""

from collections.abc import Collection

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from core.database.compiled_queries import CompiledQuery
from core.database.pagination import Page, id_cursor, make_id_page
from network.member_queries import load_members
from network.models import Viewer, viewer_of

from ..models import Comment, CommentQuerySet, Post

PAGE_SIZE = 20
# The number of comments below a post in a list.
LATEST = 3
# The number of replies shown below a comment; the rest is loaded on request.
FIRST_REPLIES = 3

_AUTHOR = Comment._meta.get_field("author")


def comments_page(post: Post, viewer: Viewer, cursor: str | None) -> Page[Comment]:
    """Return a page of the comments on a post that the viewer may read, oldest first. Three queries."""
    found = _COMMENTS.fetch(viewer_id=viewer.pk, post=post.pk, after=id_cursor(cursor) or 0)
    page = make_id_page(found, size=PAGE_SIZE)
    return Page(_with_authors(_with_first_replies(page.rows, viewer), viewer), page.next)


def latest_comments(post: Post, viewer: Viewer) -> tuple[list[Comment], bool]:
    """Return the latest comments, oldest first, and whether there are older ones. Three queries."""
    found = _LATEST.fetch(viewer_id=viewer.pk, post=post.pk)
    shown = found[:LATEST][::-1]
    return _with_authors(_with_first_replies(shown, viewer), viewer), len(found) > LATEST


def replies_page(parent: Comment, viewer: Viewer, cursor: str | None) -> Page[Comment]:
    """Return a page of the replies to a comment that the viewer may read, oldest first. Two queries."""
    found = _REPLIES.fetch(viewer_id=viewer.pk, parent=parent.pk, after=id_cursor(cursor) or 0)
    page = make_id_page(found, size=PAGE_SIZE)
    return Page(_with_authors(page.rows, viewer), page.next)


def find_parent(pk: int, viewer: Viewer) -> Comment | None:
    """Return a comment, with its post, if the viewer may read it and it may have replies. One query."""
    found = _PARENT.fetch(viewer_id=viewer.pk, comment=pk)
    return found[0] if found else None


def load_comment(pk: int, viewer: Viewer) -> Comment | None:
    """Return a comment that the viewer has just written or edited, without replies."""
    comment = Comment.objects.filter(pk=pk).first()
    return _with_authors([comment], viewer)[0] if comment else None


def load_readable_comment(pk: int, viewer: Viewer) -> list[Comment]:
    """Return a comment with its first replies, in a list that is empty if the viewer may not read it."""
    found = list(Comment.objects.readable_by(viewer).filter(pk=pk))
    return _with_authors(_with_first_replies(found, viewer), viewer)


def _with_first_replies(comments: list[Comment], viewer: Viewer) -> list[Comment]:
    """Set the first replies of each comment; return `comments`."""
    parents = {comment.pk: comment for comment in comments}
    for comment in comments:
        comment.first_replies = []
    for reply in _FIRST_REPLIES.fetch(viewer_id=viewer.pk, parents=list(parents)):
        parents[reply.parent_id].first_replies.append(reply)  # type: ignore[index]
    return comments


def _with_authors(comments: list[Comment], viewer: Viewer) -> list[Comment]:
    """Set the authors of comments and of their first replies as the viewer may see them.

    Return the comments whose authors were not deleted in the meantime.
    """
    replies = [reply for comment in comments for reply in comment.first_replies]
    authors = load_members({comment.author_id for comment in (*comments, *replies)}, viewer)
    for comment in (*comments, *replies):
        if comment.author_id in authors:
            _AUTHOR.set_cached_value(comment, authors[comment.author_id])
    for comment in comments:
        comment.first_replies = [reply for reply in comment.first_replies if reply.author_id in authors]
    return [comment for comment in comments if comment.author_id in authors]


def _readable(viewer_id: int | None) -> CommentQuerySet:
    return Comment.objects.readable_by(viewer_of(viewer_id))


def _parent_query(viewer_id: int | None, comment: int) -> CommentQuerySet:
    visible = Comment.objects.visible_to(viewer_of(viewer_id)).top_level()
    return visible.filter(pk=comment).select_related("post")


def _comments_query(viewer_id: int | None, post: int, after: int) -> CommentQuerySet:
    found = _readable(viewer_id).filter(post=post, pk__gt=after).top_level()
    return found.order_by("pk")[: PAGE_SIZE + 1]


def _latest_query(viewer_id: int | None, post: int) -> CommentQuerySet:
    return _readable(viewer_id).filter(post=post).top_level().order_by("-pk")[: LATEST + 1]


def _replies_query(viewer_id: int | None, parent: int, after: int) -> CommentQuerySet:
    return _readable(viewer_id).filter(parent=parent, pk__gt=after).order_by("pk")[: PAGE_SIZE + 1]


def _first_replies_query(viewer_id: int | None, parents: Collection[int]) -> CommentQuerySet:
    number = Window(RowNumber(), partition_by=F("parent"), order_by="pk")
    found = _readable(viewer_id).filter(parent__in=parents).annotate(number=number)
    return found.filter(number__lte=FIRST_REPLIES).order_by("pk")


_PARENT = CompiledQuery(_parent_query)
_COMMENTS = CompiledQuery(_comments_query)
_LATEST = CompiledQuery(_latest_query)
_REPLIES = CompiledQuery(_replies_query)
_FIRST_REPLIES = CompiledQuery(_first_replies_query)
