"""The address of an account. It stands in two tables, and this is the one place that writes either.

`User.email` is the address. allauth's EmailAddress has the same one, primary, and confirmed once its owner is a member;
the only other row that an account may have there is the address that waits to be confirmed.
"""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from core import mail

from .identifiers import fold_address
from .models import FormerAddress, User
from .models.former_address import RESTORABLE_FOR

SALT = "users.email_addresses.restore"


class AddressTaken(Exception):
    """Another account has the address, or had it until lately."""


def is_taken(email: str, *, besides: User | None = None) -> bool:
    """Return whether an account other than `besides` has the address, or may still have it restored.

    An address that somebody only asked for, and has not confirmed, is free: whoever can confirm it has it.
    """
    folded = fold_address(email)
    others = Q() if besides is None or besides.pk is None else ~Q(pk=besides.pk)
    return (
        User.objects.filter(others, email=folded).exists()
        or FormerAddress.objects.restorable().filter(_of_others(besides), email=folded).exists()
    )


def _of_others(user: User | None) -> Q:
    return Q() if user is None or user.pk is None else ~Q(user=user.pk)


@transaction.atomic
def change_address(*, user: User, email: str, is_final: bool = False) -> None:
    """Make `email` the address of `user` in both tables, and call off any change that waits.

    Where it is another one than before, all sessions end, and a member's former address is told, with a way back for
    seven days. A change that `is_final` leaves none, and ends those of before. Raises AddressTaken.
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
        _tell_former(user, former, {} if is_final else _way_back(user, former, email))


@transaction.atomic
def write_address(*, user: User, email: str) -> None:
    """Write both tables so that they agree; an address that waits to be confirmed goes on waiting."""
    EmailAddress.objects.filter(Q(verified=True) | Q(primary=True), user=user).exclude(email=email).delete()
    EmailAddress.objects.update_or_create(
        user=user, email=email, defaults={"verified": user.joined_at is not None, "primary": True}
    )
    user.email = email
    user.save(update_fields=["email"])


def end_sessions(*, user: User) -> None:
    """End all sessions of `user`, in whatever browser."""
    User.objects.filter(pk=user.pk).update(session_generation=F("session_generation") + 1)
    user.refresh_from_db(fields=["session_generation"])
    user.save(update_fields=["session_generation"])  # open tabs hear of it


def restoration_of(token: str) -> FormerAddress | None:
    """Return the change that the link with `token` takes back; None where it is used or too old."""
    try:
        pk = signing.loads(token, salt=SALT, max_age=RESTORABLE_FOR)
    except signing.BadSignature:
        return None
    return FormerAddress.objects.restorable().filter(pk=pk).select_related("user").first()


@transaction.atomic
def restore_address(*, former: FormerAddress) -> User:
    """Give the account its former address back, whatever its address is by now, and return the account.

    All sessions end, and the password is void, since whoever changed the address had to know it: the next step is a
    new one. Links sent to addresses that came later are void as well. Raises AddressTaken.
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


def delete_expired_former_addresses() -> int:
    """Forget the addresses that can no longer be restored; returns how many."""
    expired, _rows = FormerAddress.objects.filter(replaced_at__lte=timezone.now() - RESTORABLE_FOR).delete()
    return expired


def differing_accounts() -> "QuerySet[User]":
    """Return the accounts whose address is not the same in both tables, or not written as it is looked up."""
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


def _way_back(user: User, former: str, email: str) -> dict[str, Any]:
    """What the mail to the former address says of the new one, and of the link that takes the change back."""
    row = FormerAddress.objects.create(user=user, email=former)
    path = reverse("account_restore_address", args=[signing.dumps(row.pk, salt=SALT)])
    return {"to_email": email, "restore_url": f"{settings.SITE_URL}{path}", "days": RESTORABLE_FOR.days}


def _tell_former(user: User, former: str, way_back: dict[str, Any]) -> None:
    site = {"domain": urlsplit(settings.SITE_URL).netloc}
    context = {"user": user, "from_email": former, "site": site, **way_back}
    mail.send_template(to=former, template="account/email/email_changed", context=context)
