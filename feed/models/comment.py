"""A comment on a post, with one level of replies."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from network.models import Viewer

from .post import Post
from .visibility import comment_readable_by, post_readable_by


class CommentQuerySet(models.QuerySet["Comment"]):
    """Comments as their readers may see them."""

    def visible_to(self, viewer: Viewer) -> "CommentQuerySet":
        """Comments that the viewer may read, on posts that the viewer may read."""
        return self.filter(post_readable_by(viewer, "post")).readable_by(viewer)

    def readable_by(self, viewer: Viewer) -> "CommentQuerySet":
        """Comments that the viewer may read on a post known to be visible, with deleted ones that have replies."""
        return self.filter(comment_readable_by(viewer))

    def top_level(self) -> "CommentQuerySet":
        return self.filter(parent=None)


class Comment(models.Model):
    """A member's comment on a post. A reply to a reply has the same parent: there is one level of replies."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="comments", db_index=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="replies", db_index=False
    )
    text = models.TextField(_("comment"), max_length=3000)
    html = models.TextField(editable=False)
    reply_count = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    edited_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    hidden_at = models.DateTimeField(_("hidden"), null=True, blank=True)

    objects: ClassVar[CommentQuerySet] = CommentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        indexes = [
            models.Index(fields=["post", "parent", "id"], name="feed_comments_of_post"),
            # The order of a page of comments: PostgreSQL does not take it from the index above, for `parent IS NULL`.
            models.Index(fields=["post", "id"], name="feed_top_comments", condition=Q(parent=None)),
            models.Index(fields=["parent", "id"], name="feed_replies_of_comment"),
        ]

    def __str__(self) -> str:
        return f"comment {self.pk}"

    def get_absolute_url(self) -> str:
        return f"{self.post.get_absolute_url()}#comment-{self.pk}"

    @cached_property
    def first_replies(self) -> list["Comment"]:
        """Set by feed.queries.comments; empty for a reply."""
        return []

    @property
    def more_replies(self) -> int:
        """The number of replies after the first ones."""
        return max(self.reply_count - len(self.first_replies), 0)
