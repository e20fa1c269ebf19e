"""Forms that a member has already sent."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class FormSubmission(models.Model):
    """A submitted form, identified by the id that it was rendered with, and the row that it created.

    A form that is sent again, because the response was lost, finds its row here and creates nothing.
    """

    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    submission_id = models.UUIDField()
    # Digest of path and typed values: the same id with other values is another form.
    fingerprint = models.CharField(max_length=64)
    result_id = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "form submission"
        verbose_name_plural = "form submissions"
        constraints = [
            models.UniqueConstraint(fields=["member", "submission_id"], name="users_form_submission_once"),
        ]

    def __str__(self) -> str:
        return f"form {self.submission_id} of member {self.member_id}"
