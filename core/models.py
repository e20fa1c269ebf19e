"""Tables of the infrastructure."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone


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
