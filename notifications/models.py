"""Notifications, the activities behind them, and what each member wants to be notified of."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Count, Exists, F, Max, OuterRef, Q, Window
from django.db.models.functions import RowNumber
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from feed.models import Comment, Post, Reaction
from feed.models.visibility import comment_is_shown, post_readable_by
from network.models import Connection, Follow, Viewer, available_to

from .digest.schedule import Frequency, Weekday, find_day, find_next
from .kinds import KIND_INFO, Channel, Kind


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Notifications as their recipients see them."""

    def still_valid(self) -> "NotificationQuerySet":
        """Those whose post the recipient may read and that have at least one activity that is still valid."""
        activities = Activity.objects.still_valid().filter(notification=OuterRef("pk"))
        readable = post_readable_by(OuterRef("recipient"), "post")
        return self.filter(Q(post=None) | readable, Exists(activities))

    def visible_to(self, viewer: Viewer) -> "NotificationQuerySet":
        """The notifications on the viewer's page."""
        if isinstance(viewer, AnonymousUser):
            return self.none()
        return self.filter(recipient=viewer, on_page=True).still_valid()

    def unread(self) -> "NotificationQuerySet":
        return self.filter(read_at=None)

    def due(self, now: object) -> "NotificationQuerySet":
        """Those whose mail is due by `now`."""
        return self.filter(mail_due_at__lte=now)


class Notification(models.Model):
    """All activities of one `kind` about one thing (`key`) for one member, until the member reads it.

    Later activities start a new notification. `sort_key` orders the page: it is the id of the latest activity. A
    notification that is not `on_page` is sent by mail only.
    """

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    key = models.CharField(max_length=60, editable=False)
    post = models.ForeignKey(
        Post, on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    on_page = models.BooleanField(_("on the page"), default=True)
    sort_key = models.BigIntegerField(default=0, editable=False, db_column="place")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    latest_at = models.DateTimeField(default=timezone.now, editable=False)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    mail_due_at = models.DateTimeField(_("mail due"), null=True, blank=True)
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True, editable=False)

    objects: ClassVar[NotificationQuerySet] = NotificationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "kind", "key"],
                condition=Q(read_at=None),
                name="notifications_one_unread_line",
            ),
        ]
        indexes = [
            models.Index(fields=["recipient", "-sort_key"], name="notifications_page"),
            models.Index(fields=["post"], name="notifications_of_post", condition=Q(post__isnull=False)),
            models.Index(
                fields=["mail_due_at"], name="notifications_due", condition=Q(mail_due_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.recipient_id} about {self.key or 'the member'}"

    def get_absolute_url(self) -> str:
        return reverse("notifications:follow", args=[self.pk])

    @property
    def is_unread(self) -> bool:
        return self.read_at is None

    @property
    def icon(self) -> str:
        return KIND_INFO[Kind(self.kind)].icon


class ActivityQuerySet(models.QuerySet["Activity"]):
    """Activities as the recipients of their notifications see them."""

    def still_valid(self) -> "ActivityQuerySet":
        """Activities that were not undone, by actors available to the recipient, and that the recipient may see.

        The actor is the comment's author, so availability is checked once; the notification checks its post.
        """
        recipient = OuterRef("notification__recipient")
        is_pending = Q(connection__state=Connection.State.INVITED, connection__ignored_at=None)
        # A connection ends with its row, so the state of a row that is there need not be asked.
        is_accepted = Q(notification__kind=Kind.CONNECTION)
        return self.filter(
            available_to(recipient, "actor"),
            Q(shared=None) | post_readable_by(recipient, "shared"),
            Q(comment=None) | comment_is_shown("comment") & Q(comment__deleted_at=None),
            Q(connection=None) | is_pending | is_accepted,
        )

    def latest_actors(self, notification_ids: Collection[int], *, most: int) -> "models.QuerySet[Any, Any]":
        """The `most` latest actors of each notification.

        Values: `actor_id`, `latest` (the actor's latest activity), `people` (the number of actors).
        """
        of_one = F("notification_id")
        ranked = (
            self.filter(notification__in=notification_ids)
            .values("notification_id", "actor_id")
            .annotate(latest=Max("pk"))
            .annotate(
                rank=Window(RowNumber(), partition_by=of_one, order_by=F("latest").desc()),
                people=Window(Count("*"), partition_by=of_one),
            )
        )
        return ranked.filter(rank__lte=most).order_by("notification_id", "rank")


class Activity(models.Model):
    """One thing that `actor` did, as part of a notification: in one of the references, or else the notification's post.

    When the referenced row is deleted, the activity is deleted with it.
    """

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="activities")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    reaction = models.ForeignKey(
        Reaction, on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    comment = models.ForeignKey(
        Comment, on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    shared = models.ForeignKey(
        Post, on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    follow = models.ForeignKey(
        Follow, on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[ActivityQuerySet] = ActivityQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        # Its name when the first version created it: backups, exports and running code know it.
        db_table = "notifications_fact"
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        indexes = [
            models.Index(
                fields=[name], name=f"notifications_by_{name}", condition=Q(**{f"{name}__isnull": False})
            )
            for name in ("reaction", "comment", "shared", "connection", "follow")
        ]

    def __str__(self) -> str:
        return f"activity {self.pk} by {self.actor_id}"


class Preference(models.Model):
    """A member's choice for a kind and channel that differs from the default (notifications.kinds)."""

    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    channel = models.CharField(_("channel"), max_length=4, choices=Channel.choices)
    wanted = models.BooleanField(_("wanted"))

    class Meta:
        verbose_name = _("preference")
        verbose_name_plural = _("preferences")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "kind", "channel"], name="notifications_one_preference"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.channel} for {self.member_id}"


class QuietHours(models.Model):
    """The daily hours without mail, as local times of a time zone; an end before the start is on the next day."""

    member = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    start = models.TimeField(_("from"))
    end = models.TimeField(_("until"))
    zone = models.CharField(_("time zone"), max_length=64)

    class Meta:
        verbose_name = _("quiet hours")
        verbose_name_plural = _("quiet hours")

    def __str__(self) -> str:
        return f"quiet hours of {self.member_id}"


class DigestSchedule(models.Model):
    """How often a member gets the digest, when the next one is due, and what the last one covered.

    Each member has a row, so that those who are due are found by an index.
    """

    member = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    frequency = models.CharField(
        _("frequency"), max_length=10, choices=Frequency.choices, default=Frequency.WEEKLY
    )
    weekday = models.SmallIntegerField(_("weekday"), choices=Weekday.choices, default=Weekday.MONDAY)
    # "" is the time zone of the site.
    zone = models.CharField(_("time zone"), max_length=64, blank=True)
    next_at = models.DateTimeField(_("next"), null=True, blank=True)
    # The local date of the last digest, also if there was nothing to say: no later one belongs to its day or week.
    last_day = models.DateField(_("last day"), null=True, blank=True, editable=False)
    # What happened until then was in a digest, or nothing did.
    covered_until = models.DateTimeField(_("covered until"), null=True, blank=True, editable=False)
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("schedule of a digest")
        verbose_name_plural = _("schedules of digests")
        indexes = [
            models.Index(
                fields=["next_at"], name="notifications_digest_due", condition=Q(next_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"digest of {self.member_id}"

    def schedule_next(self, now: datetime) -> None:
        """Set when the next digest is due; not saved yet."""
        self.next_at = find_next(now, last_day=self.last_day, **self._rhythm())

    def reschedule(self, now: datetime) -> None:
        """Set when the next digest is due after another choice; not saved yet. One that is due already stays due."""
        if self.frequency == Frequency.OFF or self.next_at is None or self.next_at > now:
            self.schedule_next(now)

    def note_covered(self, now: datetime) -> None:
        """Set that the digest that was due covers what happened until `now`, and when the next one is due."""
        self.last_day = find_day(now, last_day=self.last_day, **self._rhythm())
        self.covered_until = now
        self.schedule_next(now)

    def _rhythm(self) -> dict[str, Any]:
        return {
            "frequency": Frequency(self.frequency),
            "weekday": self.weekday,
            "zone": self.zone or settings.TIME_ZONE,
        }
