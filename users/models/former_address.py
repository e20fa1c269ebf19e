"""Addresses that an account had until lately: the way back for a member whose address was changed by somebody else."""

import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

RESTORABLE_FOR = datetime.timedelta(days=7)


class FormerAddressQuerySet(models.QuerySet["FormerAddress"]):
    def restorable(self) -> "FormerAddressQuerySet":
        """Return those that may still be restored; nobody else gets such an address meanwhile."""
        return self.filter(replaced_at__gt=timezone.now() - RESTORABLE_FOR)


class FormerAddress(models.Model):
    """One change of an address. Gone when the address is restored, or when the time for that is over."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    email = models.EmailField(db_index=True)
    replaced_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = FormerAddressQuerySet.as_manager()

    def __str__(self) -> str:
        return self.email
