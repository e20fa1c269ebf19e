"""Which addresses get no mail: changes of the list, and the question before each mail."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from core.mail_headers import MailClass
from core.models import SOFT_FAILURE_DAYS, SuppressedAddress, SuppressedAddressQuerySet
from core.text.mail_addresses import LONGEST_EMAIL, fold_address

from .events import address_allowed, address_suppressed
from .status_codes import Severity, classify_status

logger = logging.getLogger(__name__)

COMPLAINT = "complaint"
# Soft failures on so many days of a month stop mail: a server that is away for a long weekend is on fewer, a
# mailbox that nobody empties reaches it within days of daily mail.
MOST_SOFT_DAYS = 5
FADES_AFTER = timedelta(days=SOFT_FAILURE_DAYS)


@transaction.atomic
def record_failure(*, address: str, status: str) -> None:
    """Count a failed delivery: a hard one stops mail to the address, a soft one counts once a day. Idempotent."""
    severity = classify_status(status)
    if severity is Severity.IGNORED:
        return
    row, now = _lock_row(address), timezone.now()
    row.last_report_at = now
    if severity is Severity.HARD:
        row.status = status
        _change_reason(row, SuppressedAddress.Reason.HARD, now)
    elif row.reason in {SuppressedAddress.Reason.HARD, SuppressedAddress.Reason.COMPLAINT}:
        row.save()
    else:
        row.status = status
        _count_soft_failure(row, now)


@transaction.atomic
def record_complaint(*, address: str) -> None:
    """Stop notifications and bulk mail to the address. Idempotent."""
    row, now = _lock_row(address), timezone.now()
    row.last_report_at = now
    is_dead = row.reason == SuppressedAddress.Reason.HARD
    _change_reason(row, SuppressedAddress.Reason.HARD if is_dead else SuppressedAddress.Reason.COMPLAINT, now)


def allow_address(*, address: str) -> bool:
    """Send all mail to the address again; return whether there was a report about it."""
    return _forget(SuppressedAddress.objects.all(), fold_address(address))


def forget_old_failures() -> int:
    """Delete soft failures that have faded, so that mail is tried again; return how many addresses that concerns."""
    old = SuppressedAddress.objects.faded()
    # Asked again with each deletion: a new report may have come meanwhile.
    return sum(_forget(old, address) for address in list(old.values_list("address", flat=True)))


@transaction.atomic
def _forget(rows: SuppressedAddressQuerySet, folded: str) -> bool:
    """Delete the row of the address if it is among `rows`; return whether it was."""
    deleted, _rows = rows.filter(address=folded).delete()
    if deleted:
        address_allowed.send(SuppressedAddress, address=folded)
    return bool(deleted)


def find_problem(address: str) -> str | None:
    """Return why the address gets less mail or none: a status code, or "complaint"; None when it gets all."""
    row = SuppressedAddress.objects.in_force().filter(address=fold_address(address)).first()
    return _problem_of(row) if row else None


def may_send(address: str, mail_class: MailClass, *, confirms_address: bool = False) -> bool:
    """Return whether a mail may be sent to the address.

    Where mail fails, only the mail is sent by which the owner confirms the address; after a complaint, only
    transactional mail.
    """
    if confirms_address:
        return True
    problem = find_problem(address)
    return problem is None or (problem == COMPLAINT and mail_class is MailClass.TRANSACTIONAL)


def _lock_row(address: str) -> SuppressedAddress:
    """Return the row of the address, locked until the end of the transaction; a new one counts nothing."""
    folded = fold_address(address)[:LONGEST_EMAIL]
    row, _is_new = SuppressedAddress.objects.select_for_update().get_or_create(address=folded)
    # What has faded and is not deleted yet must not count again.
    if SuppressedAddress.objects.faded().filter(pk=row.pk).exists():
        row.reason, row.status, row.failed_days = SuppressedAddress.Reason.COUNTING, "", []
        row.reports, row.since = 0, timezone.now()
        address_allowed.send(SuppressedAddress, address=folded)
    row.reports += 1
    return row


def _count_soft_failure(row: SuppressedAddress, now: datetime) -> None:
    """Add today to the days of soft failures; at MOST_SOFT_DAYS mail stops."""
    first = (now - FADES_AFTER).date().isoformat()
    days = {day for day in row.failed_days if day > first} | {now.date().isoformat()}
    row.failed_days = sorted(days)
    if len(days) >= MOST_SOFT_DAYS:
        _change_reason(row, SuppressedAddress.Reason.SOFT, now)
    else:
        row.save()


def _change_reason(row: SuppressedAddress, reason: SuppressedAddress.Reason, now: datetime) -> None:
    """Store the row with its reason; announce it if it is another than before."""
    if row.reason != reason:
        row.reason, row.since = reason, now
        logger.warning("mail to an address stopped: %s %s (row %d)", reason, row.status, row.pk)
        row.save()
        address_suppressed.send(SuppressedAddress, address=row.address, problem=_problem_of(row))
    else:
        row.save()


def _problem_of(row: SuppressedAddress) -> str:
    return COMPLAINT if row.reason == SuppressedAddress.Reason.COMPLAINT else row.status
