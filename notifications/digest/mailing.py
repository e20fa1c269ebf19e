"""Sends the digests that are due: one member after the other, each in a transaction that moves the due time on."""

import logging
import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.urls import reverse
from django.utils import timezone

from core.bounces.suppression import may_send as may_send_to
from core.database.compiled_queries import CompiledQuery
from core.mail import MailClass, Subscription, declare_mail, send_template, start_delivery
from core.models import OutgoingMail
from network.models import Member, MemberQuerySet, available_to, viewer_of
from users.models import User

from ..mailing import absolute_url
from ..models import DigestSchedule
from ..preferences.deliveries import mail_times
from ..preferences.unsubscribe_tokens import digest_token_for
from .content import Digest, DigestSources, build_digest, load_sources
from .schedule import Frequency

logger = logging.getLogger(__name__)

TEMPLATE = declare_mail("notifications/mail/digest", MailClass.BULK)

# Digests of one task, and seconds after which it leaves the rest to the next one.
BATCH = 100
BATCH_SECONDS = 10.0
# Above this number of messages in the outbox digests wait, so that other mail need not.
MAX_OUTBOX = 500
# The first digest covers one period; one after a long time covers no more than this.
LONGEST = timedelta(days=14)
PERIODS = {Frequency.DAILY: timedelta(days=1), Frequency.WEEKLY: timedelta(days=7)}
# A digest that cannot be built is tried again after this.
RETRY = timedelta(hours=1)


def is_any_due(now: datetime) -> bool:
    """Whether a digest is due."""
    return DigestSchedule.objects.filter(next_at__lte=now).exists()


def may_send() -> bool:
    """Whether the mail server keeps up: else digests wait in the table, and are up to date when they are sent."""
    return OutgoingMail.objects.values("pk")[: MAX_OUTBOX + 1].count() <= MAX_OUTBOX


def send_batch(now: datetime | None = None) -> bool:
    """Send at most BATCH digests that are due; return whether more may be due. Concurrent calls send each one once."""
    now = now or timezone.now()
    if not is_any_due(now):
        return False
    sources, end = load_sources(now - LONGEST), time.monotonic() + BATCH_SECONDS
    is_full = True
    for _number in range(BATCH):
        is_full = _send_next(now, sources)
        if not is_full or time.monotonic() > end:
            break
    start_delivery()
    return is_full


@transaction.atomic
def _send_next(now: datetime, sources: DigestSources) -> bool:
    """Send the digest that has been due longest; return False when none is due.

    The message is stored, and the due time moved on, in one transaction that holds the row: a killed process leaves
    both or neither.
    """
    due = DigestSchedule.objects.filter(next_at__lte=now).order_by("next_at", "pk")
    row = due.select_for_update(skip_locked=True).first()
    if row is None:
        return False
    try:
        with transaction.atomic():
            _cover_period(row, now, sources)
    except Exception:
        # One failure must not stop the digests of other members.
        logger.exception("the digest of member %d could not be sent", row.member_id)
        DigestSchedule.objects.filter(pk=row.pk).update(next_at=now + RETRY)
    return True


def _cover_period(row: DigestSchedule, now: datetime, sources: DigestSources) -> None:
    """Send the digest of one member, unless there is no news, and schedule the next one."""
    quiet_end = mail_times([row.member_id], now)[row.member_id]
    if quiet_end > now:
        DigestSchedule.objects.filter(pk=row.pk).update(next_at=quiet_end)
        return
    member = find_recipient(row.member_id)
    if member:
        earliest = now - LONGEST
        since = row.covered_until or now - PERIODS.get(Frequency(row.frequency), LONGEST)
        digest = build_digest(member, sources, max(since, earliest))
        if digest.has_news:
            send_digest(member=member, digest=digest, frequency=Frequency(row.frequency))
            row.mailed_at = now
    row.note_covered(now)
    row.save(update_fields=["next_at", "last_day", "covered_until", "mailed_at"])


def find_recipient(member_id: int) -> User | None:
    """Return the member if it may get bulk mail: neither suspended nor deactivated, with an address that takes it."""
    member = next(iter(_RECIPIENT.fetch(member=member_id)), None)
    return member if member and may_send_to(member.email, MailClass.BULK) else None


def _recipient_query(member: int) -> MemberQuerySet:
    confirmed = User.objects.filter(
        pk=OuterRef("pk"),
        emailaddress__email=F("email"),
        emailaddress__verified=True,
        emailaddress__primary=True,
    )
    return Member.objects.filter(available_to(viewer_of(None)), Exists(confirmed), pk=member)


_RECIPIENT = CompiledQuery(_recipient_query)


def send_digest(*, member: User, digest: Digest, frequency: Frequency) -> None:
    """Store the mail."""
    stop = absolute_url(reverse("notifications:unsubscribe", args=[digest_token_for(member.pk)]))
    first = digest.sections[0]
    context = {
        "member": member,
        "sections": digest.sections,
        "subject": digest.write_subject(),
        "preview": f"{first.title}: {', '.join(row.title for row in first.rows)}",
        "is_daily": frequency is Frequency.DAILY,
        "stop_url": stop,
        "preferences_url": absolute_url(reverse("notifications:preferences")),
    }
    send_template(
        to=member.email,
        template=TEMPLATE,
        context=context,
        subscription=Subscription("digest", stop),
        starts_delivery=False,
    )
