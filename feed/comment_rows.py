"""Comments as HTML: each is rendered once, with its first replies, for all viewers who see the same."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.safestring import SafeString

from core.web.address_formats import AddressFormat
from core.web.fragments import FragmentCache
from network.models import Viewer
from theme.templatetags.theme import measure_age
from users.models import MemberView
from users.models.member_view import UNNAMED
from users.request_fields import fill_marks

from .models import Comment, Post

# About 5 kB each, with the form of a reply: about 10 MB of a server process.
MAX_COMMENTS = 2000

_COMMENTS = FragmentCache("feed/_comment.html", "comment", max_entries=MAX_COMMENTS)

_edit_address = AddressFormat("feed:edit_comment")
_delete_address = AddressFormat("feed:delete_comment")
_replies_address = AddressFormat("feed:replies")


class CommentedPost(NamedTuple):
    """What the form of a reply needs of the post."""

    pk: int
    audience: int


class CommentView(NamedTuple):
    """Everything that a comment shows: equal ones share the same HTML. A deleted one has no author and no text."""

    pk: int
    author: MemberView
    html: str
    created_at: datetime
    # Its age, by theme.templatetags.theme.measure_age.
    age: tuple[str, int]
    # The current year: dates of this year are shown without it.
    year: int
    is_edited: bool
    is_deleted: bool
    is_reply: bool
    # The viewer is signed in; the viewer wrote it.
    is_member: bool
    is_mine: bool
    # The post, where the viewer may reply.
    post: CommentedPost | None
    replies: tuple["CommentView", ...]
    # The number of replies after those.
    more_replies: int

    @property
    def edit_address(self) -> str:
        return _edit_address(self.pk)

    @property
    def delete_address(self) -> str:
        return _delete_address(self.pk)

    @property
    def replies_address(self) -> str:
        return _replies_address(self.pk)


def render_comments(
    comments: Iterable[Comment], post: Post, viewer: Viewer, token: object, *, are_replies: bool = False
) -> SafeString:
    """Render comments on `post`, fetched for the viewer by feed.queries.comments, one after the other.

    `token` is the page's CSRF token, for the forms of replies.
    """
    now, year = timezone.now(), timezone.localtime().year
    viewer_id = None if isinstance(viewer, AnonymousUser) else viewer.pk
    views = [
        build_comment_view(comment, post, viewer_id, now, year, is_reply=are_replies) for comment in comments
    ]
    return fill_marks(_COMMENTS.render_joined(views), token)


def build_comment_view(
    comment: Comment, post: Post, viewer_id: int | None, now: datetime, year: int, *, is_reply: bool
) -> CommentView:
    """The key of a comment for the viewer for whom it was fetched. `viewer_id` is None for a visitor."""
    is_deleted, is_member = comment.deleted_at is not None, viewer_id is not None
    may_be_replied_to = is_member and not (is_reply or is_deleted or post.is_plain_repost)
    return CommentView(
        comment.pk,
        UNNAMED if is_deleted else comment.author.cache_key(),
        "" if is_deleted else comment.html,
        comment.created_at,
        measure_age(comment.created_at, now),
        year,
        comment.edited_at is not None,
        is_deleted,
        is_reply,
        is_member,
        comment.author_id == viewer_id,
        CommentedPost(post.pk, post.audience) if may_be_replied_to else None,
        tuple(
            build_comment_view(reply, post, viewer_id, now, year, is_reply=True)
            for reply in comment.first_replies
        ),
        comment.more_replies,
    )
