"""What members say, and what others make of it."""

from .comment import Comment, with_authors
from .post import Post, PostImage, PostRevision, PostTag, Tag, readers_among
from .response import Reaction, SavedPost

__all__ = [
    "Comment",
    "Post",
    "PostImage",
    "PostRevision",
    "PostTag",
    "Reaction",
    "SavedPost",
    "Tag",
    "readers_among",
    "with_authors",
]
