"""What accounts leave behind: names that nobody came for, and sessions that have ended."""

import datetime
from collections.abc import Iterator

from allauth.account.models import EmailAddress
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from .models import FormerAddress, Profile, User

BATCH = 500
# Rows that come with an account, and say nothing about whether anybody uses it.
COMES_WITH_AN_ACCOUNT = (Profile, EmailAddress, FormerAddress)


def abandoned_accounts() -> "models.QuerySet[User]":
    """Return the accounts that were never confirmed within settings.UNCONFIRMED_ACCOUNT_DAYS, and have nothing.

    Never one of staff, one that has signed in, has a right, a picture, or a row in any table of the network.
    """
    old = timezone.now() - datetime.timedelta(days=settings.UNCONFIRMED_ACCOUNT_DAYS)
    bare = User.objects.filter(
        joined_at=None, date_joined__lt=old, last_login=None, is_staff=False, is_superuser=False, photo=""
    )
    confirmed = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
    pictured = Profile.objects.filter(~Q(cover=""), user=OuterRef("pk"))
    unused = bare.filter(~Exists(confirmed), ~Exists(pictured))
    for rows in _rows_of_accounts():
        unused = unused.filter(~Exists(rows))
    return unused.order_by("pk")


def delete_abandoned_accounts() -> int:
    """Delete them, some at a time, each only if it is still one when its turn comes; returns how many."""
    deleted = 0
    while chosen := list(abandoned_accounts().values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            # Who confirms the address at this moment waits for us, or we find the account confirmed.
            locked = User.objects.select_for_update().filter(pk__in=chosen).order_by("pk")
            list(locked.values_list("pk", flat=True))
            gone = list(abandoned_accounts().filter(pk__in=chosen).values_list("pk", flat=True))
            # Together: what goes with an account lies in many tables, each of which is asked once for all.
            User.objects.filter(pk__in=gone).delete()
        if not gone:
            break
        deleted += len(gone)
    return deleted


def delete_expired_sessions() -> int:
    """Delete the sessions whose time is over, some at a time; returns how many."""
    deleted = 0
    expired = Session.objects.filter(expire_date__lt=timezone.now()).order_by("expire_date")
    while keys := list(expired.values_list("pk", flat=True)[:BATCH]):
        deleted += Session.objects.filter(pk__in=keys).delete()[0]
    return deleted


def _rows_of_accounts() -> "Iterator[models.QuerySet[models.Model]]":
    """For each column of any table that leads to an account, the rows in which it leads to this one.

    Asked of all tables: those that lead to a proxy of the account, such as Member, are not among its own relations.
    """
    for model in apps.get_models(include_auto_created=True):
        if issubclass(model, COMES_WITH_AN_ACCOUNT):
            continue
        for field in model._meta.local_fields:
            if field.remote_field and field.remote_field.model._meta.concrete_model is User:
                yield model._base_manager.filter(**{field.name: OuterRef("pk")})
