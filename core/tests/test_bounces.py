"""Reports that come back as mail: which stop mail to an address, and which are ignored."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail as outgoing
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from core.bounces import suppression
from core.bounces.envelope import KIND, envelope_sender
from core.bounces.inbound import COMPLAINT_KIND
from core.bounces.monitoring import count_suppressed
from core.bounces.status_codes import Severity, classify_status, find_status
from core.inbound_mail import ACCEPTED, make_address, read_address, receive_message
from core.mail import MailClass, Subscription, send_mail
from core.models import OutgoingMail, SuppressedAddress
from core.outgoing_mail import deliver_due
from tests.cases import all_cases, rolled_back

from .mail_server import mail_server
from .reports import DOMAIN, complaint, failure_report, multipart, sender_for

pytestmark = pytest.mark.django_db

BOB = "bob@example.net"
EVE = "eve@example.net"
SUBSCRIPTION = Subscription("digest", "https://network.example.org/stop/")
Reason = SuppressedAddress.Reason


@pytest.fixture(autouse=True)
def bounce_domain() -> Iterator[None]:
    with override_settings(BOUNCE_DOMAIN=DOMAIN):
        yield


def reason_of(address: str) -> str:
    row = SuppressedAddress.objects.filter(address=address).first()
    return row.reason if row else ""


def test_a_status_says_whether_the_address_is_at_fault() -> None:
    table = {
        "5.1.1": Severity.HARD, "5.0.0": Severity.HARD, "5.2.1": Severity.HARD, "5.4.4": Severity.HARD,
        "5.7.1": Severity.IGNORED, "5.7.26": Severity.IGNORED, "4.7.0": Severity.IGNORED, "2.0.0": Severity.IGNORED,
        "4.2.2": Severity.SOFT, "4.4.7": Severity.SOFT, "5.2.2": Severity.SOFT, "5.3.4": Severity.SOFT,
        "5.6.1": Severity.SOFT, "5.1.8": Severity.SOFT,
    }  # fmt: skip
    with all_cases() as case:
        for status, severity in table.items():
            with case(status):
                assert classify_status(status) is severity
        for text, status in {
            "smtp; 550 5.0.0 later 5.1.10 no": "5.1.10",
            "550-5.1.1 x 550 5.7.1 y": "5.7.1",
            "version 15.1.1.2 and 10.5.1.1": "",
            "#5.2.2": "5.2.2",
        }.items():
            with case(text):
                assert find_status(text) == status


QMAIL = b"""From: MAILER-DAEMON@mx.example.net
Subject: failure notice

Hi. This is the qmail-send program at mx.
I'm afraid I wasn't able to deliver your message to the following addresses.

<bob@example.net>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.
"""
REPORTS = {
    "unknown user": (failure_report(BOB), Reason.HARD),
    "as upper case": (failure_report(BOB.upper()), Reason.HARD),
    "forwarded": (failure_report("bob@elsewhere.example", original=BOB), Reason.HARD),
    "another name of the mailbox": (failure_report(BOB, original="b@example.net"), Reason.HARD),
    "status only in the diagnostic": (
        failure_report(BOB, status="5.0.0", diagnostic="smtp; 550 #5.1.1 unknown"), Reason.HARD,
    ),
    "base64": (failure_report(BOB, encoding="base64"), Reason.HARD),
    "policy": (failure_report(BOB, status="5.7.1", diagnostic="smtp; 550 5.7.1 spam"), ""),
    "policy only in the diagnostic": (
        failure_report(BOB, status="5.1.1", diagnostic="smtp; 550 5.7.606 banned"), "",
    ),
    "a full mailbox": (failure_report(BOB, status="5.2.2", diagnostic=""), Reason.COUNTING),
    "for now": (failure_report(BOB, status="4.4.7", diagnostic=""), Reason.COUNTING),
    "delayed": (failure_report(BOB, status="4.4.7", action="delayed"), ""),
    "delivered": (failure_report(BOB, status="2.0.0", action="delivered"), ""),
    "another address": (failure_report(EVE), ""),
    "qmail": (QMAIL, Reason.HARD),
    "a vacation notice": (b"From: bob@example.net\nAuto-Submitted: auto-replied\nSubject: away\n\nback in May\n", ""),
    "no content type": (b"From: a@b.example\n\n550 5.1.1 bob@example.net\n", ""),
    "empty": (b"", ""),
    "NUL bytes": (failure_report(BOB).replace(b"Report", b"Re\0port"), Reason.HARD),
    "UTF-7": (
        failure_report(BOB).replace(b"text/plain", b"text/plain; charset=utf-7", 1), Reason.HARD,
    ),
    "100,000 headers": (b"X: y\n" * 100_000 + failure_report(BOB), ""),
    "20 MB": (failure_report(BOB) + b"a" * 20 * 1024 * 1024, ""),
    "a long text": (multipart("delivery-status", "Content-Type: text/plain\n\nx\n", ["550 5.1.1\n" * 300_000]), ""),
    "a recipient of 300 characters": (failure_report("b" * 300 + "@example.net"), ""),
    "a list of recipients": (failure_report(f"{EVE}, {BOB}"), ""),
}  # fmt: skip


def test_a_report_counts_by_its_status_and_its_recipient() -> None:
    with all_cases() as case:
        for name, (content, reason) in REPORTS.items():
            with case(name), rolled_back():
                for _twice in range(1 if len(content) > 100_000 else 2):
                    receive_message(recipient=sender_for(BOB), content=content)
                assert reason_of(BOB) == reason
                assert SuppressedAddress.objects.count() == bool(reason)


def test_a_report_nested_five_deep_is_read() -> None:
    content = failure_report(BOB)
    for level in range(5):
        content = b'Content-Type: multipart/mixed; boundary="l%d"\n\n--l%d\n%s\n--l%d--\n' % (
            level,
            level,
            content,
            level,
        )
    receive_message(recipient=sender_for(BOB), content=content)
    assert reason_of(BOB) == Reason.HARD


def test_a_report_without_a_valid_token_is_refused() -> None:
    digest = read_address(sender_for(BOB)).numbers[0]
    old = make_address(KIND, DOMAIN, digest, issued=datetime.now(UTC).date() - timedelta(days=31))
    forged = sender_for(BOB).replace("+", "+a", 1)
    other_domain = sender_for(BOB).replace(DOMAIN, "elsewhere.example")
    for recipient in (old, forged, other_domain, f"bounce@{DOMAIN}", ""):
        assert not receive_message(recipient=recipient, content=failure_report(BOB)).is_accepted
    assert receive_message(recipient=make_address(KIND, DOMAIN), content=failure_report(BOB)).is_accepted
    assert not SuppressedAddress.objects.exists()


def test_soft_failures_count_once_a_day_and_fade(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = timezone.now()

    def fail_on(day: float) -> None:
        monkeypatch.setattr(timezone, "now", lambda: begun + timedelta(days=day))
        suppression.record_failure(address=BOB, status="4.2.2")

    for day in (0, 0, 1, 2, 3):
        fail_on(day)
    assert reason_of(BOB) == Reason.COUNTING
    fail_on(31)  # by now the first two have faded
    assert len(SuppressedAddress.objects.get().failed_days) == 3
    for day in (33, 34):
        fail_on(day)
    assert (reason_of(BOB), suppression.find_problem(BOB)) == (Reason.COUNTING, None)
    for day in (34, 35, 36):
        fail_on(day)
    assert (reason_of(BOB), suppression.find_problem(BOB)) == (Reason.SOFT, "4.2.2")
    assert not suppression.forget_old_failures()
    fail_on(66.1)  # it has faded, though nothing has deleted it
    assert (reason_of(BOB), suppression.find_problem(BOB)) == (Reason.COUNTING, None)
    monkeypatch.setattr(timezone, "now", lambda: begun + timedelta(days=97))
    assert suppression.forget_old_failures() == 1
    assert not SuppressedAddress.objects.exists()


def test_a_hard_failure_outlives_time_and_soft_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    suppression.record_failure(address=BOB, status="5.1.1")
    suppression.record_failure(address=BOB, status="4.2.2")
    suppression.record_complaint(address=BOB)
    later = timezone.now() + timedelta(days=400)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert not suppression.forget_old_failures()
    row = SuppressedAddress.objects.get()
    assert (row.reason, row.status, row.reports) == (Reason.HARD, "5.1.1", 3)
    assert count_suppressed().by_reason == {"counting": 0, "soft": 0, "complaint": 0, "hard": 1}


def test_a_complaint_is_bound_to_a_mail_of_ours() -> None:
    ours = make_address(COMPLAINT_KIND, DOMAIN)
    table = {
        "to the envelope sender": (sender_for(BOB), complaint(BOB), True),
        "to the address of providers": (ours, complaint(BOB, sender=sender_for(BOB)), True),
        "with the mail of another": (ours, complaint(BOB, sender=sender_for(EVE)), False),
        "without a mail": (ours, complaint(BOB), False),
        "about another": (sender_for(EVE), complaint(BOB), False),
        "of no spam": (sender_for(BOB), complaint(BOB, kind="not-spam"), False),
        "with a list": (sender_for(BOB), complaint(f"{EVE}, {BOB}"), False),
    }
    with all_cases() as case:
        for name, (recipient, content, counts) in table.items():
            with case(name), rolled_back():
                assert receive_message(recipient=recipient, content=content).is_accepted
                assert reason_of(BOB) == (Reason.COMPLAINT if counts else "")
                assert SuppressedAddress.objects.count() == counts


def sent_classes(to: str) -> list[str]:
    """The classes of mail that reach the outbox."""
    outgoing.outbox.clear()
    for mail_class in MailClass:
        subscription = None if mail_class is MailClass.TRANSACTIONAL else SUBSCRIPTION
        send_mail(to=to, subject=mail_class, text="x", mail_class=mail_class, subscription=subscription)
    send_mail(to=to, subject="confirm", text="x", mail_class=MailClass.TRANSACTIONAL, is_confirmation=True)
    return [str(message.subject) for message in outgoing.outbox]


@pytest.mark.django_db(transaction=True)
def test_what_is_still_sent_depends_on_the_reason() -> None:
    everything = ["transactional", "notification", "bulk", "confirm"]
    assert sent_classes(BOB) == everything
    suppression.record_complaint(address=BOB)
    assert sent_classes("Bob@EXAMPLE.net") == ["transactional", "confirm"]
    suppression.record_failure(address=BOB, status="5.1.1")
    assert sent_classes(BOB) == ["confirm"]
    assert sent_classes(EVE) == everything
    # Both spellings of a domain are one mailbox.
    suppression.record_failure(address="nina@köln.example", status="5.1.1")
    assert sent_classes("Nina@XN--KLN-SNA.example") == ["confirm"]
    assert suppression.allow_address(address=BOB)
    assert sent_classes(BOB) == everything


@pytest.mark.django_db(transaction=True)
def test_each_mail_has_an_envelope_sender_of_its_recipient() -> None:
    with mail_server() as server:
        for to in (BOB, EVE):
            send_mail(to=to, subject="x", text="x", mail_class=MailClass.TRANSACTIONAL)
        with override_settings(BOUNCE_DOMAIN="", MAIL_ENVELOPE_SENDER="net@example.org"):
            send_mail(to=BOB, subject="x", text="x", mail_class=MailClass.TRANSACTIONAL)
        assert server.senders == [envelope_sender(BOB), envelope_sender(EVE), "net@example.org"]
        assert len(set(server.senders)) == 3


@pytest.mark.django_db(transaction=True)
def test_a_recipient_that_the_mail_server_refuses_counts_if_the_address_is_at_fault() -> None:
    with mail_server() as server, all_cases() as case:
        for answer, reason in {
            "550 5.1.1 no such user": Reason.HARD,
            "554 5.7.1 relay access denied": "",
            "550 no": "",
        }.items():
            with case(answer):
                SuppressedAddress.objects.all().delete()
                server.to_recipient = answer
                send_mail(to=BOB, subject="x", text="x", mail_class=MailClass.TRANSACTIONAL)
                assert reason_of(BOB) == reason


def test_hostile_reports_cost_little() -> None:
    part = b"Content-Type: text/plain\r\n\r\n%s\r\n--b\r\nContent-Type: text/plain\r\n\r\ntext\r\n--b--\r\n"
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + part
    texts = {
        "brackets": head % (b"<" * 200_000),
        "brackets in lines": head % ((b"<" * 490 + b"\r\n") * 400),
        "commas": head % (b"," * 200_000),
        "one word": head % (b"a" * 200_000),
        "punycode": b"Content-Type: text/plain; charset=punycode\r\n\r\n\xff-" + b"a" * 400_000,
    }
    with all_cases() as case:
        for name, content in texts.items():
            with case(name):
                begun = time.process_time()
                assert receive_message(recipient=envelope_sender(BOB), content=content) == ACCEPTED
                assert time.process_time() - begun < 3


def test_mail_that_waits_is_not_sent_after_a_report() -> None:
    with mail_server() as server:
        with transaction.atomic():
            for subject, subscription in (("bulk", SUBSCRIPTION), ("account", None)):
                mail_class = MailClass.BULK if subscription else MailClass.TRANSACTIONAL
                send_mail(
                    to=BOB, subject=subject, text="text", mail_class=mail_class, subscription=subscription
                )
            suppression.record_complaint(address=BOB)
        deliver_due()
        assert server.subjects == ["account"]
    assert not OutgoingMail.objects.exists()


def test_a_report_that_comes_while_old_ones_are_forgotten_counts() -> None:
    suppression.record_failure(address=BOB, status="4.2.1")
    SuppressedAddress.objects.update(last_report_at=timezone.now() - timedelta(days=40))
    suppression.record_failure(address=BOB, status="5.1.1")
    assert suppression.forget_old_failures() == 0
    assert reason_of(BOB) == Reason.HARD
