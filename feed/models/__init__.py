"""What members say, and what others make of it."""

from .comment import Comment, with_authors
from .post import Post, PostImage, PostRevision, PostTag, Tag
from .post_view import PictureView, PostActionsView, PostConstants, PostView
from .response import Reaction, SavedPost

__all__ = [
    "Comment",
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
    "with_authors",
]
