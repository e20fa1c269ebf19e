"""When a member last had LinkUp in view, and who may know it."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from network.models import Block, Member, MemberId, are_connected, available_to
from users.models import PresenceAudience, User

from .conversation import Membership


def may_see_presence(viewer: MemberId, member: MemberId) -> Q:
    """The condition that `viewer` may know whether `member` is online; both are ids, or references to columns.

    Both must have agreed: they are connected, or both have accepted their direct conversation and show presence to
    members they write with. The stricter of the two settings holds for both: hiding means not seeing, either.
    """
    accepted = Membership.objects.filter(
        member=viewer,
        accepted_at__isnull=False,
        conversation__pair__isnull=False,
        conversation__memberships__member=member,
        conversation__memberships__accepted_at__isnull=False,
    )
    blocked = Exists(Block.objects.filter(blocker=viewer, blocked=member)) | Exists(
        Block.objects.filter(blocker=member, blocked=viewer)
    )
    in_touch = are_connected(viewer, member) & _let_see(viewer, member, PresenceAudience.CONNECTIONS)
    talking = Q(Exists(accepted)) & _let_see(viewer, member, PresenceAudience.CONTACTS)
    return (in_touch | talking) & ~Q(blocked)


def _let_see(one: MemberId, other: MemberId, level: int) -> Q:
    """The condition that both are members and have chosen `level` or a wider circle."""
    members = Member.objects.filter(available_to(AnonymousUser()), presence_audience__lte=level)
    return Q(Exists(members.filter(pk=one)) & Exists(members.filter(pk=other)))


class PresenceQuerySet(models.QuerySet["Presence"]):
    """Presence as others may see it."""

    def visible_to(self, viewer: User) -> "PresenceQuerySet":
        """Of members who have agreed with the viewer that they see each other's."""
        return self.filter(may_see_presence(viewer.pk, OuterRef("member")))


class Presence(models.Model):
    """Refreshed while a tab of the member is in view (messaging.presence): online is who is there `until` later."""

    member = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    seen_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(default=timezone.now)

    objects: ClassVar[PresenceQuerySet] = PresenceQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("presence")
        verbose_name_plural = _("presences")

    def __str__(self) -> str:
        return f"{self.member_id} at {self.seen_at:%Y-%m-%d %H:%M}"
