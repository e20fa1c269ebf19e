"""Reactions to posts, and saved posts."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Reaction(models.Model):
    """A member's reaction to a post."""

    class Kind(models.TextChoices):
        LIKE = "like", _("Like")
        CELEBRATE = "celebrate", _("Celebrate")
        SUPPORT = "support", _("Support")
        INSIGHTFUL = "insightful", _("Insightful")
        CURIOUS = "curious", _("Curious")

        @property
        def icon(self) -> str:
            return ICONS[self.value]

    post = models.ForeignKey("feed.Post", on_delete=models.CASCADE, related_name="reactions", db_index=False)
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("reaction")
        verbose_name_plural = _("reactions")
        constraints = [
            models.UniqueConstraint(fields=["post", "member"], name="feed_one_reaction_each"),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} {self.kind} {self.post_id}"


ICONS = {
    "like": "thumbs-up",
    "celebrate": "party-popper",
    "support": "hand-heart",
    "insightful": "lightbulb",
    "curious": "circle-help",
}


class SavedPost(models.Model):
    """A post that a member saved."""

    post = models.ForeignKey("feed.Post", on_delete=models.CASCADE, related_name="+")
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("saved post")
        verbose_name_plural = _("saved posts")
        constraints = [models.UniqueConstraint(fields=["member", "post"], name="feed_saved_once")]
        indexes = [models.Index(fields=["member", "-id"], name="feed_saved_latest_first")]

    def __str__(self) -> str:
        return f"{self.member_id} saved {self.post_id}"
