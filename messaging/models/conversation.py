"""A conversation and who is in it."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from network.models import Viewer
from users.models import User


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Conversations as those who are in them see them."""

    def visible_to(self, viewer: Viewer) -> "ConversationQuerySet":
        """Those that the viewer is in, and has not left."""
        if isinstance(viewer, AnonymousUser):
            return self.none()
        return self.filter(Exists(Membership.objects.of(viewer).filter(conversation=OuterRef("pk"))))


class Conversation(models.Model):
    """Two members (`pair` is set, there is never a second one for the same two) or a group.

    `last_seq` is the number of entries: each new one takes the next number under this row's lock, so that numbers have
    no gap and their order is the order in which the entries were stored.
    """

    title = models.CharField(_("title"), max_length=120, blank=True)
    pair = models.CharField(max_length=41, unique=True, null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seq = models.BigIntegerField(default=0, editable=False)

    objects: ClassVar[ConversationQuerySet] = ConversationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        indexes = [models.Index(fields=["created_by", "-created_at"], name="messaging_begun_by")]

    def __str__(self) -> str:
        return f"conversation {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("messaging:conversation", args=[self.pk])

    @property
    def is_direct(self) -> bool:
        return self.pair is not None

    @staticmethod
    def pair_of(one: int, two: int) -> str:
        """The key of the one conversation of two members."""
        low, high = sorted((one, two))
        return f"{low}:{high}"

    def other_id(self, member_id: int) -> int:
        """The other end of a conversation of two."""
        low, high = (int(part) for part in (self.pair or "0:0").split(":"))
        return high if low == member_id else low


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Who is in which conversation."""

    def of(self, member: User) -> "MembershipQuerySet":
        """The conversations of a member, without those left."""
        return self.filter(member=member, left_at=None)

    def within(self, conversation: Conversation | int) -> "MembershipQuerySet":
        """Those who are in a conversation now."""
        return self.filter(conversation=conversation, left_at=None)

    def inbox(self, member: User) -> "MembershipQuerySet":
        """What stands in the member's list: conversations in which something was said."""
        return self.of(member).filter(accepted_at__isnull=False, sort_key__gt=0)

    def requests(self, member: User) -> "MembershipQuerySet":
        """What strangers wrote, which waits for the member to accept or decline."""
        return self.of(member).filter(accepted_at=None, declined_at=None, sort_key__gt=0)

    def waiting(self) -> "MembershipQuerySet":
        """Those with something unread that the member wants to hear of."""
        return self.filter(left_at=None, declined_at=None, muted=False, unread__gt=0)


class Membership(models.Model):
    """One member in one conversation.

    The cursors only move forward. `unread` is the number of messages of others that are not deleted and lie behind
    `read_seq` (and not before `first_seq`); whoever changes it holds this row's lock. `sort_key` orders the list: it is
    the id of the newest message.
    """

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="memberships", db_index=False
    )
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    is_owner = models.BooleanField(_("may take others out"), default=False)
    first_seq = models.BigIntegerField(default=1, editable=False)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)
    left_at = models.DateTimeField(null=True, blank=True, editable=False)
    accepted_at = models.DateTimeField(null=True, blank=True, editable=False)
    declined_at = models.DateTimeField(null=True, blank=True, editable=False)
    muted = models.BooleanField(_("muted"), default=False)
    delivered_seq = models.BigIntegerField(default=0, editable=False)
    read_seq = models.BigIntegerField(default=0, editable=False)
    unread = models.PositiveIntegerField(default=0, editable=False)
    sort_key = models.BigIntegerField(default=0, editable=False, db_column="place")

    objects: ClassVar[MembershipQuerySet] = MembershipQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("membership of a conversation")
        verbose_name_plural = _("memberships of conversations")
        constraints = [
            models.UniqueConstraint(fields=["conversation", "member"], name="messaging_in_once"),
            models.CheckConstraint(
                condition=Q(delivered_seq__gte=models.F("read_seq")), name="messaging_read_is_delivered"
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-sort_key"], name="messaging_inbox"),
            # The badge: few rows of few members.
            models.Index(fields=["member"], name="messaging_waiting", condition=Q(unread__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.conversation_id}"

    @property
    def is_request(self) -> bool:
        """Whether a stranger's first words wait for an answer."""
        return self.accepted_at is None
