"""Tables of the infrastructure."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class CacheEntry(models.Model):
    """Cache entries while Redis is down, with the columns of Django's DatabaseCache."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "cache entry"
        verbose_name_plural = "cache entries"

    def __str__(self) -> str:
        return self.cache_key


class OutgoingMail(models.Model):
    """A message that waits for the mail server; the row is deleted once the server has accepted it."""

    recipient = models.TextField()
    subject = models.TextField()
    text = models.TextField()
    html = models.TextField(blank=True)
    headers = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    # A process that sends the message first moves this into the future, so that no other process claims it.
    next_attempt_at = models.DateTimeField(default=timezone.now, db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = "outgoing mail"
        verbose_name_plural = "outgoing mail"

    def __str__(self) -> str:
        return f"mail {self.pk}"


class QueuedTaskQuerySet(models.QuerySet["QueuedTask"]):
    def waiting(self) -> "QueuedTaskQuerySet":
        """Tasks that have not failed."""
        return self.filter(state=QueuedTask.State.WAITING)

    def failed(self) -> "QueuedTaskQuerySet":
        """Tasks that are not tried again, and periodic ones whose last attempt failed."""
        return self.filter(
            Q(state=QueuedTask.State.FAILED)
            | Q(key__startswith=QueuedTask.PERIODIC_KEY) & ~Q(last_error="") & Q(attempts__gt=0)
        )

    def available(self, now: datetime) -> "QueuedTaskQuerySet":
        """Due tasks that no attempt and no broker has."""
        return self.waiting().filter(Q(lease_until__isnull=True) | Q(lease_until__lte=now), due_at__lte=now)

    def running(self, now: datetime) -> "QueuedTaskQuerySet":
        """Tasks that an attempt holds."""
        return self.waiting().filter(lease_until__gt=now).exclude(leased_by="")


class QueuedTask(models.Model):
    """A task that has not succeeded yet; it is deleted in the transaction of its effects (core.tasks)."""

    class State(models.TextChoices):
        WAITING = "waiting"
        FAILED = "failed"

    PERIODIC_KEY = "periodic:"

    name = models.CharField(max_length=100)
    # The keyword arguments as a JSON object, and the version of the task that they are for.
    arguments = models.TextField(default="{}")
    version = models.PositiveSmallIntegerField(default=1)
    # Merges equal tasks until the first attempt begins, which removes it; a periodic task keeps it.
    key = models.CharField(max_length=200, null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    due_at = models.DateTimeField(default=timezone.now)
    # Until then nobody else takes it: the attempt in `leased_by`, or when that is empty the broker has it.
    lease_until = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(max_length=100, blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    objects = QueuedTaskQuerySet.as_manager()

    class Meta:
        verbose_name = "task"
        verbose_name_plural = "tasks"
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=Q(key__isnull=False), name="core_queuedtask_unique_key"
            ),
        ]
        # A claim changes no column of an index, so that PostgreSQL can update the row in its page.
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="core_queuedtask_due"),
        ]

    def __str__(self) -> str:
        return f"task {self.pk} ({self.name})"

    @property
    def is_periodic(self) -> bool:
        """Whether it runs again after each success."""
        return bool(self.key and self.key.startswith(self.PERIODIC_KEY))


class TaskWorker(models.Model):
    """A process that executes tasks, and when it last did so."""

    name = models.CharField(max_length=100, primary_key=True)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "worker"
        verbose_name_plural = "workers"

    def __str__(self) -> str:
        return self.name


# Soft failures and what they stop end after so many days without another.
SOFT_FAILURE_DAYS = 30


class SuppressedAddressQuerySet(models.QuerySet["SuppressedAddress"]):
    def in_force(self) -> "SuppressedAddressQuerySet":
        """Addresses that get less mail than others, or none."""
        fades_at = timezone.now() - timedelta(days=SOFT_FAILURE_DAYS)
        reason = SuppressedAddress.Reason
        return self.filter(
            Q(reason__in=[reason.HARD, reason.COMPLAINT]) | Q(reason=reason.SOFT, last_report_at__gt=fades_at)
        )

    def faded(self) -> "SuppressedAddressQuerySet":
        """Addresses of which all failures were soft and are long ago."""
        fades_at = timezone.now() - timedelta(days=SOFT_FAILURE_DAYS)
        reason = SuppressedAddress.Reason
        return self.filter(reason__in=[reason.SOFT, reason.COUNTING], last_report_at__lte=fades_at)


class SuppressedAddress(models.Model):
    """A mail address of which mail servers have reported failures or complaints (core.bounces.suppression)."""

    class Reason(models.TextChoices):
        COUNTING = "counting", _("fails at times: gets all mail")
        SOFT = "soft", _("failed on several days: gets no mail for a while")
        COMPLAINT = "complaint", _("has complained: gets only mail of the account")
        HARD = "hard", _("cannot be reached: gets no mail")

    # Folded (core.text.mail_addresses).
    address = models.CharField(_("address"), max_length=254, unique=True)
    reason = models.CharField(_("reason"), max_length=10, choices=Reason, default=Reason.COUNTING)
    # The last one that counted (RFC 3463); empty for complaints.
    status = models.CharField(_("status"), max_length=10, blank=True, default="")
    # Days with a soft failure, as ISO dates.
    failed_days = models.JSONField(default=list, blank=True)
    since = models.DateTimeField(_("since"), default=timezone.now)
    last_report_at = models.DateTimeField(_("last report"), default=timezone.now)
    reports = models.PositiveIntegerField(_("reports"), default=0)

    objects = SuppressedAddressQuerySet.as_manager()

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")

    def __str__(self) -> str:
        return self.address
