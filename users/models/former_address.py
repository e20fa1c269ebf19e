"""Recent former addresses of accounts, which a member can restore after an attacker changed the address."""

import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

RESTORABLE_FOR = datetime.timedelta(days=7)


class FormerAddressQuerySet(models.QuerySet["FormerAddress"]):
    def restorable(self) -> "FormerAddressQuerySet":
        """Addresses that can still be restored; no other account can take them."""
        return self.filter(replaced_at__gt=timezone.now() - RESTORABLE_FOR)


class FormerAddress(models.Model):
    """One change of an address; deleted when the address is restored or RESTORABLE_FOR has passed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    email = models.EmailField(db_index=True)
    replaced_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = FormerAddressQuerySet.as_manager()

    def __str__(self) -> str:
        return self.email
