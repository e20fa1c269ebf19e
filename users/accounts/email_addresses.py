"""The e-mail address of an account, which two tables store; only this module writes them.

`User.email` is the address. allauth's EmailAddress stores the same one as primary, and as verified once the account has
joined. An account may have one other row there: a new address that is not confirmed yet.
"""

from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from core import mail
from core.bounces.suppression import allow_address, find_problem

from ..models import FormerAddress, User
from ..models.former_address import RESTORABLE_FOR
from .identifiers import fold_address
from .mail_templates import ADDRESS_CHECK, EMAIL_CHANGED

# Links in mails hold signatures with it: it stays, wherever the module is.
SALT = "users.email_addresses.restore"
CHECK_SALT = "users.email_addresses.check"
CHECK_VALID_FOR = timedelta(days=3)


class AddressTaken(Exception):
    """Another account has the address, or had it recently."""


def is_taken(email: str, *, besides: User | None = None) -> bool:
    """Return whether an account other than `besides` has the address, or may still have it restored.

    A new address that is not confirmed is free, since it belongs to the account that confirms it first.
    """
    folded = fold_address(email)
    accounts = User.objects.filter(email=folded)
    former = FormerAddress.objects.restorable().filter(email=folded)
    if besides is not None and besides.pk is not None:
        accounts, former = accounts.exclude(pk=besides.pk), former.exclude(user=besides.pk)
    return accounts.exists() or former.exists()


@transaction.atomic
def change_address(*, user: User, email: str, is_final: bool = False) -> None:
    """Make `email` the address of `user` in both tables, and cancel any pending change.

    If the address differs from the former one, all sessions end, and a mail to the former address offers to restore it
    for seven days. With `is_final`, neither this change nor earlier ones can be taken back. Raises AddressTaken.
    """
    email = fold_address(email)
    if is_taken(email, besides=user):
        raise AddressTaken
    former = User.objects.select_for_update(no_key=True).get(pk=user.pk).email
    EmailAddress.objects.filter(user=user).exclude(email=email).delete()
    try:
        with transaction.atomic():
            write_address(user=user, email=email)
    except IntegrityError as error:
        raise AddressTaken from error
    if email == former:
        return
    end_sessions(user=user)
    if is_final:
        FormerAddress.objects.filter(user=user).delete()
    if former and user.joined_at:
        context: dict[str, Any] = {"user": user, "from_email": former}
        if not is_final:
            row = FormerAddress.objects.create(user=user, email=former)
            path = reverse("account_restore_address", args=[signing.dumps(row.pk, salt=SALT)])
            context |= {"to_email": email, "restore_url": f"{settings.SITE_URL}{path}"}
            context["days"] = RESTORABLE_FOR.days
        mail.send_template(to=former, template=EMAIL_CHANGED, context=context)


@transaction.atomic
def write_address(*, user: User, email: str) -> None:
    """Write `email` to both tables; a new address that is not confirmed stays pending."""
    EmailAddress.objects.filter(Q(verified=True) | Q(primary=True), user=user).exclude(email=email).delete()
    EmailAddress.objects.update_or_create(
        user=user, email=email, defaults={"verified": user.joined_at is not None, "primary": True}
    )
    user.email, user.mail_problem = email, find_problem(email)
    user.save(update_fields=["email", "mail_problem"])


def end_sessions(*, user: User) -> None:
    """End all sessions of `user`, in every browser."""
    User.objects.filter(pk=user.pk).update(session_generation=F("session_generation") + 1)
    user.refresh_from_db(fields=["session_generation"])
    user.save(update_fields=["session_generation"])  # users.receivers notifies open tabs


def find_restorable_address(token: str) -> FormerAddress | None:
    """Return the former address that the link with `token` restores; None if the link is used or too old."""
    try:
        pk = signing.loads(token, salt=SALT, max_age=RESTORABLE_FOR)
    except signing.BadSignature:
        return None
    return FormerAddress.objects.restorable().filter(pk=pk).select_related("user").first()


@transaction.atomic
def restore_address(*, former: FormerAddress) -> User:
    """Restore the former address of an account, also after further changes, and return the account.

    All sessions end, and the password becomes unusable, since the person that changed the address had to know it. Links
    sent to later addresses become invalid as well. Raises AddressTaken.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=former.user_id)
    used, _rows = FormerAddress.objects.filter(user=user, pk__gte=former.pk).delete()
    if not used or (is_taken(former.email, besides=user)):
        raise AddressTaken
    EmailAddress.objects.filter(user=user).exclude(email=former.email).delete()
    write_address(user=user, email=former.email)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    end_sessions(user=user)
    return user


def send_address_check(*, user: User) -> None:
    """Send a link to the member's address although mail to it has failed; opened, it shows that mail arrives there."""
    path = reverse("account_check_address", args=[signing.dumps([user.pk, user.email], salt=CHECK_SALT)])
    context = {"user": user, "email": user.email, "check_url": f"{settings.SITE_URL}{path}"}
    mail.send_template(to=user.email, template=ADDRESS_CHECK, context=context)


def find_checked_address(token: str) -> str | None:
    """Return the address that the link with `token` was sent to, if a member still has it; None for an old link."""
    try:
        pk, email = signing.loads(token, salt=CHECK_SALT, max_age=CHECK_VALID_FOR)
    except (signing.BadSignature, ValueError):
        return None
    return User.objects.filter(pk=pk, email=email).values_list("email", flat=True).first()


def finish_address_check(*, email: str) -> None:
    """Send all mail to the address again: its member has received the link."""
    allow_address(address=email)


def delete_expired_former_addresses() -> int:
    """Delete the addresses that can no longer be restored, and return how many."""
    expired, _rows = FormerAddress.objects.filter(replaced_at__lte=timezone.now() - RESTORABLE_FOR).delete()
    return expired


def differing_accounts() -> "QuerySet[User]":
    """Return the accounts whose address differs between both tables, or is not stored in folded form."""
    rows = EmailAddress.objects.filter(user=OuterRef("pk"))
    same = rows.filter(email=OuterRef("email"), primary=True, verified=True)
    others = Count("emailaddress", filter=Q(emailaddress__primary=True) | Q(emailaddress__verified=True))
    members = User.objects.annotate(marked=others).filter(joined_at__isnull=False)
    unconfirmed = User.objects.filter(joined_at=None)
    differing = [
        *members.filter(~Exists(same) | Q(marked__gt=1)).values_list("pk", flat=True),
        *unconfirmed.filter(Exists(rows.filter(verified=True))).values_list("pk", flat=True),
    ]
    return User.objects.filter(Q(pk__in=differing) | Q(email__regex="[^\x01-\x7f]|[A-Z]")).order_by(
        "username"
    )
