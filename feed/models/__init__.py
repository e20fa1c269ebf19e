"""Posts, comments, reactions and saved posts."""

from .comment import Comment, CommentQuerySet
from .post import Post, PostImage, PostRevision, PostTag, Tag, readers_among
from .post_view import PictureView, PostActionsView, PostConstants, PostView
from .reaction import Reaction, SavedPost

__all__ = [
    "Comment",
    "CommentQuerySet",
    "PictureView",
    "Post",
    "PostActionsView",
    "PostConstants",
    "PostImage",
    "PostRevision",
    "PostTag",
    "PostView",
    "Reaction",
    "SavedPost",
    "Tag",
    "readers_among",
]
