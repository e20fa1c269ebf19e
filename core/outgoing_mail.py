"""The outbox: a table of messages that wait for the mail server, and their delivery.

A message is stored in the caller's transaction, so none is lost. A process claims a row by moving its next attempt into
the future, sends it and deletes it. When a process dies meanwhile, the next attempt is due soon after.
"""

import logging
import smtplib
import time
from collections.abc import Sequence
from datetime import timedelta
from email.utils import make_msgid
from urllib.parse import urlsplit

from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.cache import cache
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Count, F, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from .bounces.envelope import envelope_sender
from .bounces.status_codes import find_status
from .bounces.suppression import find_problem, record_failure
from .mail_signing import CannotSign, SignedMessage
from .models import OutgoingMail
from .observability import metrics
from .observability.metrics_views import database_metrics

logger = logging.getLogger(__name__)

# Longer than a task may take to send (core.mail.DELIVERY_SECONDS), and less than the minute after which mail has left.
CLAIM = timedelta(seconds=45)
# While the server is down: together with the interval of the task thread, mail is sent within a minute of its return.
SERVER_AWAY = timedelta(seconds=20)
# A server that hangs is left alone meanwhile: new mail would hold one worker after the other for EMAIL_TIMEOUT.
HANGING_KEY = "mail-server-hangs"
HANGING_SECONDS = 3.0
# A temporary refusal ("try again later", RFC 5321 4.2.1) concerns one message; the waits triple up to the longest.
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=4)
# RFC 5321 4.5.4.1: give up after four or five days.
GIVE_UP_AFTER = timedelta(days=4)
# Messages over one connection; other tasks run before the rest is sent.
MAX_BATCH = 100
# The last message of a batch may still take as long as the server does for it.
MAX_BATCH_SECONDS = 10.0

SHUTTING_DOWN = 421


class _ServerAway(Exception):
    """The mail server cannot be used at present, for any message."""


class _RefusedForNow(Exception):
    """The server refuses this message temporarily."""


def add_to_outbox(*, recipient: str, subject: str, text: str, html: str, headers: dict[str, str]) -> None:
    """Store one message; it is sent when the surrounding transaction has committed.

    Its Message-ID is the same in all attempts: when a message was sent twice, because a process died before it noted
    the first time, mail programs can tell (RFC 5322 3.6.4).
    """
    message_id = make_msgid(domain=urlsplit(settings.SITE_URL).hostname)
    OutgoingMail.objects.create(
        recipient=recipient,
        subject=subject,
        text=text,
        html=html,
        headers={"Message-ID": message_id, **headers},
    )


def deliver_due() -> bool:
    """Send the due messages to the mail server; return whether the batch was full, so that more may wait.

    While the server is down, all wait. Invalid and permanently refused messages are logged and deleted, and so are
    messages that have waited for GIVE_UP_AFTER.
    """
    connection: BaseEmailBackend | None = None
    end = time.monotonic() + MAX_BATCH_SECONDS
    try:
        for _ in range(MAX_BATCH):
            if time.monotonic() > end:
                return True
            mail = _claim_next()
            if mail is None:
                return False
            connection = connection or get_connection()
            if not _deliver_message(mail, connection):
                return False
        return True
    finally:
        if connection:
            try:
                connection.close()
            except (smtplib.SMTPException, OSError):
                logger.info("the connection to the mail server could not be closed")


def is_server_hanging() -> bool:
    """Return whether the mail server did not answer in time a moment ago."""
    return bool(cache.get(HANGING_KEY))


def _claim_next() -> OutgoingMail | None:
    """Claim the next due message for this process; None when none is due."""
    while True:
        now = timezone.now()
        mail = OutgoingMail.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk").first()
        if mail is None:
            return None
        claimed = OutgoingMail.objects.filter(pk=mail.pk, next_attempt_at=mail.next_attempt_at).update(
            next_attempt_at=now + CLAIM, attempts=F("attempts") + 1
        )
        if claimed:
            mail.attempts += 1
            return mail


def _deliver_message(mail: OutgoingMail, connection: BaseEmailBackend) -> bool:
    """Send one message over `connection`; return False when the server is down."""
    outcome, started = "failed", time.monotonic()
    try:
        if _is_suppressed(mail):
            outcome = "suppressed"
        else:
            _send_message(mail, connection)
            outcome = "sent"
        mail.delete()
    except _RefusedForNow as refusal:
        wait = min(FIRST_WAIT * 3 ** min(mail.attempts - 1, 10), LONGEST_WAIT)
        _postpone(mail, wait, str(refusal))
    # Each response of the server may take EMAIL_TIMEOUT, all together more than the task may take.
    except (_ServerAway, SoftTimeLimitExceeded) as error:
        _hang_up(connection)
        if time.monotonic() - started >= HANGING_SECONDS:
            cache.set(HANGING_KEY, True, SERVER_AWAY.total_seconds())
        # Postpone all due messages, and this one last, in case it is the cause.
        now = timezone.now()
        due = OutgoingMail.objects.filter(next_attempt_at__lte=now)
        waiting = due.update(next_attempt_at=now + SERVER_AWAY) + 1
        logger.warning(
            "the mail server %s:%s does not take mail (%s); %d messages wait",
            settings.EMAIL_HOST, settings.EMAIL_PORT, error, waiting,
        )  # fmt: skip
        _postpone(mail, SERVER_AWAY + timedelta(seconds=min(mail.attempts, 20)), str(error))
        return False
    except Exception as error:
        # The server would refuse it again.
        logger.exception("mail %d was not sent, and is not tried again", mail.pk)
        _record_refusal(mail, error)
        mail.delete()
    finally:
        metrics.mail.labels(outcome).inc()
    return True


def _is_suppressed(mail: OutgoingMail) -> bool:
    """Return whether mail to the recipient has stopped since the message was stored; not for mail of the account."""
    return "List-Unsubscribe" in mail.headers and find_problem(mail.recipient) is not None


def _hang_up(connection: BaseEmailBackend) -> None:
    """Close the connection without QUIT, for whose response the server may let us wait."""
    client = getattr(connection, "connection", None)
    if client is not None:
        client.close()


def build_message(mail: OutgoingMail, connection: BaseEmailBackend | None = None) -> SignedMessage:
    """Return the message of a row as it is sent."""
    message = SignedMessage(
        subject=mail.subject,
        body=mail.text,
        # The sender of the envelope, to which undeliverable mail returns (RFC 5321 4.4); members see the other one.
        from_email=envelope_sender(mail.recipient),
        to=[mail.recipient],
        headers={"From": settings.DEFAULT_FROM_EMAIL, **mail.headers},
        connection=connection,
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    return message


def _send_message(mail: OutgoingMail, connection: BaseEmailBackend) -> None:
    """Send the message. Raises _ServerAway or _RefusedForNow for temporary errors; all others are permanent."""
    message = build_message(mail, connection)
    # Raises for an invalid message, before the server is contacted. Without its key no message is sent, nor lost.
    try:
        message.message()
    except CannotSign as error:
        raise _ServerAway(str(error)) from error
    try:
        connection.open()
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        _raise_refusal([code for code, _ in error.recipients.values()], error)
    except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
        _raise_refusal([error.smtp_code], error)
    except (smtplib.SMTPException, OSError) as error:
        raise _ServerAway(_describe_error(error)) from error


def _raise_refusal(codes: Sequence[int], error: smtplib.SMTPException) -> None:
    """Raise the exception for the server's codes (RFC 5321 4.2.1): 4xx is temporary, 5xx permanent.

    A refused sender address is an error of the configuration, which concerns all messages.
    """
    if SHUTTING_DOWN in codes or isinstance(error, smtplib.SMTPSenderRefused):
        raise _ServerAway(_describe_error(error)) from error
    if all(400 <= code < 500 for code in codes):
        raise _RefusedForNow(_describe_error(error)) from error
    raise error


def _record_refusal(mail: OutgoingMail, error: Exception) -> None:
    """Count a refused recipient as a failed delivery if the server says that the address is at fault (RFC 3463 X.1.X).

    A server that refuses every recipient, since it is configured wrongly, says something else.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        status = find_status(" ".join(str(text) for _code, text in error.recipients.values()))
        if status.startswith("5.1."):
            record_failure(address=mail.recipient, status=status)


def _describe_error(error: Exception) -> str:
    """Return class and code; the server's text may contain the address or text of the member."""
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def _postpone(mail: OutgoingMail, wait: timedelta, reason: str) -> None:
    now = timezone.now()
    if mail.created_at < now - GIVE_UP_AFTER:
        logger.error("mail %d was not sent in %s (%s): given up", mail.pk, GIVE_UP_AFTER, reason)
        mail.delete()
    else:
        OutgoingMail.objects.filter(pk=mail.pk).update(next_attempt_at=now + wait)


@database_metrics.add_query
def count_outgoing_mail() -> list[Metric]:
    """Return the number of messages that wait for the mail server, and the age of the oldest."""
    waiting = OutgoingMail.objects.aggregate(number=Count("pk"), since=Min("created_at"))
    waited = (timezone.now() - waiting["since"]).total_seconds() if waiting["since"] else 0.0
    return [
        GaugeMetricFamily(
            "linkup_mail_outgoing", "Messages that wait for the mail server.", value=waiting["number"]
        ),
        GaugeMetricFamily(
            "linkup_mail_outgoing_oldest_seconds", "How long the oldest of them waits.", value=waited
        ),
    ]
