"""The table of messages that wait for the mail server, and how they leave it.

A message is a row from the caller's transaction on, so none is lost. A process takes a row by moving its next attempt
into the future, sends it and deletes it. When a process dies meanwhile, the next attempt is due soon after.
"""

import logging
import smtplib
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Count, F, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from .models import OutgoingMail
from .observability import metrics
from .observability.metrics_views import database

logger = logging.getLogger(__name__)

# Longer than sending takes: each answer of the server is waited for EMAIL_TIMEOUT at the most.
CLAIM = timedelta(seconds=30)
# While the server is away: together with the thread's own waiting, mail leaves within a minute of its return.
SERVER_AWAY = timedelta(seconds=20)
# A refusal for now ("try again later", RFC 5321 4.2.1) concerns one message; the waits triple up to the longest.
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=4)
# RFC 5321 4.5.4.1: give up after four or five days.
GIVE_UP_AFTER = timedelta(days=4)
# Messages over one connection; other tasks have their turn before the rest.
MAX_BATCH = 100

SHUTTING_DOWN = 421


class _ServerAway(Exception):
    """The mail server cannot be used now, whatever the message."""


class _RefusedForNow(Exception):
    """The server asks to send this message later."""


def add_to_outbox(*, recipient: str, subject: str, text: str, html: str, headers: dict[str, str]) -> None:
    """Store one message; it is sent when the surrounding transaction has committed."""
    OutgoingMail.objects.create(recipient=recipient, subject=subject, text=text, html=html, headers=headers)


def deliver_due() -> bool:
    """Hand the messages that are due to the mail server; True when the batch was full and more may wait.

    A server that is away keeps all of them waiting. A message that the server refuses for good, or that is no valid
    message, is logged and deleted, and so is one that has waited for GIVE_UP_AFTER.
    """
    connection: BaseEmailBackend | None = None
    try:
        for _ in range(MAX_BATCH):
            mail = _claim_next()
            if mail is None:
                return False
            connection = connection or get_connection()
            if not _deliver(mail, connection):
                return False
        return True
    finally:
        if connection:
            _close(connection)


def _claim_next() -> OutgoingMail | None:
    """The message whose turn it is, taken so that no other process takes it; None when none is due."""
    while True:
        now = timezone.now()
        mail = OutgoingMail.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk").first()
        if mail is None:
            return None
        taken = OutgoingMail.objects.filter(pk=mail.pk, next_attempt_at=mail.next_attempt_at).update(
            next_attempt_at=now + CLAIM, attempts=F("attempts") + 1
        )
        if taken:
            mail.attempts += 1
            return mail


def _deliver(mail: OutgoingMail, connection: BaseEmailBackend) -> bool:
    """Send one message over `connection`; False when the server is away."""
    outcome = "failed"
    try:
        _send(mail, connection)
        outcome = "sent"
        mail.delete()
    except _RefusedForNow as refusal:
        wait = min(FIRST_WAIT * 3 ** min(mail.attempts - 1, 10), LONGEST_WAIT)
        _postpone(mail, wait, str(refusal))
    except _ServerAway as fault:
        _note_server_away(mail, fault)
        return False
    except Exception:
        # Nothing that comes later would make it a message that the server takes.
        logger.exception("mail %d was not sent, and is not tried again", mail.pk)
        mail.delete()
    finally:
        metrics.mail.labels(outcome).inc()
    return True


def _send(mail: OutgoingMail, connection: BaseEmailBackend) -> None:
    """Raise _ServerAway or _RefusedForNow for what passes; anything else is for good."""
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mail.recipient],
        headers=mail.headers,
        connection=connection,
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    # Faults of the message itself show here, before the server is asked.
    message.message()
    try:
        connection.open()
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        _judge([code for code, _ in error.recipients.values()], error)
    except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
        _judge([error.smtp_code], error)
    except (smtplib.SMTPException, OSError) as error:
        raise _ServerAway(_describe(error)) from error


def _judge(codes: Sequence[int], error: smtplib.SMTPException) -> None:
    """Raise what the server's codes mean (RFC 5321 4.2.1): 4 passes, 5 stays; the sender's address is our fault."""
    if SHUTTING_DOWN in codes or isinstance(error, smtplib.SMTPSenderRefused):
        raise _ServerAway(_describe(error)) from error
    if all(400 <= code < 500 for code in codes):
        raise _RefusedForNow(_describe(error)) from error
    raise error


def _describe(error: Exception) -> str:
    """The class and the code: the server's words may hold the address or what the member typed."""
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def _note_server_away(mail: OutgoingMail, fault: _ServerAway) -> None:
    """Let everything that is due wait; the message that was tried comes last, in case that it is the cause."""
    now = timezone.now()
    due = OutgoingMail.objects.filter(next_attempt_at__lte=now)
    waiting = due.update(next_attempt_at=now + SERVER_AWAY) + 1
    logger.warning(
        "the mail server %s:%s does not take mail (%s); %d messages wait",
        settings.EMAIL_HOST, settings.EMAIL_PORT, fault, waiting,
    )  # fmt: skip
    _postpone(mail, SERVER_AWAY + timedelta(seconds=min(mail.attempts, 20)), str(fault))


def _postpone(mail: OutgoingMail, wait: timedelta, reason: str) -> None:
    now = timezone.now()
    if mail.created_at < now - GIVE_UP_AFTER:
        logger.error("mail %d was not sent in %s (%s): given up", mail.pk, GIVE_UP_AFTER, reason)
        mail.delete()
    else:
        OutgoingMail.objects.filter(pk=mail.pk).update(next_attempt_at=now + wait)


@database.add
def outgoing_mail() -> list[Metric]:
    """How many messages wait for the mail server, and for how long the oldest one."""
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


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (smtplib.SMTPException, OSError):
        logger.info("the mail server did not say goodbye")
