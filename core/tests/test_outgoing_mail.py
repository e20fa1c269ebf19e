"""Mail that waits in its table: each answer of a real mail server, and that no message is lost or doubled."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.core.cache import cache
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connections, transaction
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from core import mail, outgoing_mail
from core.models import OutgoingMail
from core.observability import metrics
from core.tasks.thread import task_thread

from .mail_server import MailServer, mail_goes_to, mail_server

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine that refuses connections: bound, and nothing listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def send(subject: str = "Hello", to: str = "bob@example.org") -> None:
    mail.send_mail(to=to, subject=subject, text="How are you?", mail_class=mail.MailClass.TRANSACTIONAL)


def wait_for_next_attempt() -> None:
    """Move the clock of the table to where everything that waits is due."""
    OutgoingMail.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(hours=5))


def seconds_until_due(waiting: OutgoingMail) -> float:
    return (waiting.next_attempt_at - timezone.now()).total_seconds()


def test_a_message_that_was_taken_waits_no_longer(server: MailServer) -> None:
    send()
    assert server.subjects == ["Hello"]
    assert not OutgoingMail.objects.exists()


def test_each_answer_of_the_server_has_its_consequence(server: MailServer) -> None:
    # step, answer, seconds to wait (None: the message is given up)
    table: list[tuple[str, str, tuple[float, float] | None]] = [
        ("to_recipient", "450 busy", (50, 60)),
        ("to_recipient", "452 too many", (50, 60)),
        ("to_recipient", "550 unknown", None),
        ("to_recipient", "421 closing", (10, 25)),
        ("to_data", "451 later", (50, 60)),
        ("to_data", "552 full", None),
        ("to_data", "554 spam", None),
        ("to_data", "421 closing", (10, 25)),
        ("to_sender", "550 not you", (10, 25)),
        ("to_sender", "451 later", (10, 25)),
    ]
    wrong = []
    for step, answer, expected in table:
        setattr(server, step, answer)
        send()
        setattr(server, step, "250 OK")
        waiting = OutgoingMail.objects.first()
        got = seconds_until_due(waiting) if waiting else None
        good = got is None if expected is None else got is not None and expected[0] < got <= expected[1]
        if not good or server.subjects:
            wrong.append((step, answer, got, server.subjects))
        server.subjects.clear()
        OutgoingMail.objects.all().delete()
    assert wrong == []


def test_mail_leaves_when_the_server_is_back(closed_port: int, caplog: pytest.LogCaptureFixture) -> None:
    with mail_goes_to(closed_port):
        send("first")
        send("second")
    assert OutgoingMail.objects.count() == 2
    assert "does not take mail (ConnectionRefusedError)" in caplog.text
    assert "bob@example.org" not in caplog.text
    assert all(seconds_until_due(waiting) < 30 for waiting in OutgoingMail.objects.all())
    wait_for_next_attempt()
    with mail_server() as server:
        outgoing_mail.deliver_due()
    assert sorted(server.subjects) == ["first", "second"]


def test_waits_for_one_message_grow_up_to_a_longest(server: MailServer) -> None:
    server.to_recipient = "450 greylisted"
    send()
    waits = []
    for _ in range(8):
        waiting = OutgoingMail.objects.get()
        waits.append(round(seconds_until_due(waiting) / 60))
        wait_for_next_attempt()
        outgoing_mail.deliver_due()
    assert waits == [1, 3, 9, 27, 81, 240, 240, 240]
    server.to_recipient = "250 OK"
    wait_for_next_attempt()
    outgoing_mail.deliver_due()
    assert server.subjects == ["Hello"]


def test_all_attempts_have_the_same_message_id(server: MailServer) -> None:
    server.to_data = "451 later"
    send()
    first = OutgoingMail.objects.get().headers["Message-ID"]
    assert first.endswith("@localhost>")
    server.to_data = "250 OK"
    wait_for_next_attempt()
    outgoing_mail.deliver_due()
    assert server.message_ids == [first]


def test_a_message_is_given_up_after_four_days(server: MailServer, caplog: pytest.LogCaptureFixture) -> None:
    server.to_recipient = "450 greylisted"
    send()
    OutgoingMail.objects.update(created_at=timezone.now() - timedelta(days=4, minutes=1))
    wait_for_next_attempt()
    outgoing_mail.deliver_due()
    assert not OutgoingMail.objects.exists()
    assert "given up" in caplog.text


def test_a_message_at_which_the_server_hangs_up_keeps_no_other_waiting(server: MailServer) -> None:
    server.hangs_up_at = {"poison@example.org"}
    with transaction.atomic():
        send("poison", to="poison@example.org")
        send("honest")
    assert server.subjects == []
    OutgoingMail.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(seconds=30))
    outgoing_mail.deliver_due()
    assert server.subjects == ["honest"]


def test_what_a_process_took_that_died_is_sent_later(server: MailServer) -> None:
    with transaction.atomic():
        send()
        taken_at = timezone.now() + outgoing_mail.CLAIM
        OutgoingMail.objects.update(next_attempt_at=taken_at, attempts=1)
    assert server.subjects == []
    OutgoingMail.objects.update(next_attempt_at=F("next_attempt_at") - outgoing_mail.CLAIM)
    outgoing_mail.deliver_due()
    assert server.subjects == ["Hello"]


def test_processes_that_send_at_once_send_each_message_once(server: MailServer, settings: Settings) -> None:
    settings.TASK_EXECUTOR = "thread"
    names = [f"number {number}" for number in range(20)]
    for name in names:
        outgoing_mail.add_to_outbox(recipient="bob@example.org", subject=name, text="x", html="", headers={})

    def deliver(_: int) -> None:
        try:
            outgoing_mail.deliver_due()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(deliver, range(4)))
    assert sorted(server.subjects) == sorted(names)


def test_what_does_not_fit_into_a_batch_leaves_with_the_next(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing_mail, "MAX_BATCH", 2)
    with transaction.atomic():
        for number in range(5):
            send(f"number {number}")
    assert len(server.subjects) == 5


def test_a_slow_server_ends_a_batch_early(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction.atomic():
        for number in range(3):
            send(f"number {number}")
        monkeypatch.setattr(outgoing_mail, "MAX_BATCH_SECONDS", 0.0)
        assert outgoing_mail.deliver_due()
        assert server.subjects == []
        monkeypatch.undo()
    assert len(server.subjects) == 3


def test_a_message_waits_when_the_time_of_the_task_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class SlowConnection(BaseEmailBackend):
        def open(self) -> bool:
            raise SoftTimeLimitExceeded

    monkeypatch.setattr(outgoing_mail, "get_connection", SlowConnection)
    send()
    assert 15 < seconds_until_due(OutgoingMail.objects.get()) < 30


def test_the_caller_does_not_wait_for_a_server_that_hangs(server: MailServer, settings: Settings) -> None:
    settings.TASK_EXECUTOR = "thread"
    server.hold()
    try:
        send()
        assert server.reached.wait(10)
        assert server.subjects == []
        server.released.set()
    finally:
        task_thread.stop(10)
    assert server.subjects == ["Hello"]
    assert not OutgoingMail.objects.exists()


def test_a_server_that_hangs_is_left_alone_for_a_moment(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each new message would hold one more worker for as long as the timeout."""
    monkeypatch.setattr(outgoing_mail, "HANGING_SECONDS", 0.0)
    server.to_data = "421 closing"
    send("first")
    server.to_data = "250 OK"
    send("second")
    assert server.subjects == []
    cache.delete(outgoing_mail.HANGING_KEY)
    mail.deliver_mail()
    assert server.subjects == ["second"]


def test_outcomes_are_counted(server: MailServer) -> None:
    def counted(outcome: str) -> float:
        return metrics.registry.get_sample_value("linkup_mail_total", {"outcome": outcome}) or 0.0

    before = counted("sent"), counted("failed")
    send()
    server.to_data = "554 spam"
    send()
    assert (counted("sent"), counted("failed")) == (before[0] + 1, before[1] + 1)
