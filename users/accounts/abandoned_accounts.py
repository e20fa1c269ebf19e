"""Deletion of abandoned accounts and expired sessions."""

import datetime

from allauth.account.models import EmailAddress
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from ..models import FormerAddress, Profile, User

BATCH = 500
# Rows that every account may have, also one that was never used.
COMES_WITH_AN_ACCOUNT = (Profile, EmailAddress, FormerAddress)


def abandoned_accounts() -> "models.QuerySet[User]":
    """Return the accounts that were not confirmed within settings.UNCONFIRMED_ACCOUNT_DAYS and were never used.

    Accounts of staff, and accounts with a sign-in, a permission, a picture or a row in any other table are left out.
    """
    old = timezone.now() - datetime.timedelta(days=settings.UNCONFIRMED_ACCOUNT_DAYS)
    bare = User.objects.filter(
        joined_at=None, date_joined__lt=old, last_login=None, is_staff=False, is_superuser=False, photo=""
    )
    confirmed = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
    pictured = Profile.objects.filter(~Q(cover=""), user=OuterRef("pk"))
    unused = bare.filter(~Exists(confirmed), ~Exists(pictured))
    # All models are searched, since relations to a proxy such as Member are not among the relations of User.
    for model in apps.get_models(include_auto_created=True):
        if issubclass(model, COMES_WITH_AN_ACCOUNT):
            continue
        for field in model._meta.local_fields:
            if field.remote_field and field.remote_field.model._meta.concrete_model is User:
                unused = unused.filter(~Exists(model._base_manager.filter(**{field.name: OuterRef("pk")})))
    return unused.order_by("pk")


def delete_abandoned_accounts() -> int:
    """Delete the abandoned accounts in batches, and return how many."""
    deleted = 0
    while candidates := list(abandoned_accounts().values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            # A concurrent confirmation waits for the lock, or is found by the query below.
            locked = User.objects.select_for_update().filter(pk__in=candidates).order_by("pk")
            list(locked.values("pk"))
            abandoned = list(abandoned_accounts().filter(pk__in=candidates).values_list("pk", flat=True))
            # In one call, since a deletion queries many related tables, each once for all accounts.
            User.objects.filter(pk__in=abandoned).delete()
        if not abandoned:
            break
        deleted += len(abandoned)
    return deleted


def delete_expired_sessions() -> int:
    """Delete the expired sessions in batches, and return how many."""
    deleted = 0
    expired = Session.objects.filter(expire_date__lt=timezone.now()).order_by("expire_date")
    while keys := list(expired.values_list("pk", flat=True)[:BATCH]):
        deleted += Session.objects.filter(pk__in=keys).delete()[0]
    return deleted
