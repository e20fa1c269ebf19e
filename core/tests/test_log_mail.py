"""Mail to the administrators: what it says, what it never says, how many leave, and what a dead server costs (R9.7)."""

import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from email import message_from_bytes
from typing import Any

import pytest
from django.core import mail
from django.test import RequestFactory, override_settings
from pytest_django import Settings

from core.observability.log_mail import MAILS_PER_MINUTE, AdminMail, MailLimit
from core.observability.request_id import META_KEY, RequestContext, RequestInfo
from tests.cases import all_cases

ADMINS = [("Ada", "ada@example.org")]
SECRETS = ("hunter2-hunter2", "sessionvalue123", "posted-body-text", "header-token-42")


@pytest.fixture(autouse=True)
def _admins(settings: Settings) -> None:
    settings.ADMINS = ADMINS
    settings.SECRET_KEY = "a-key-that-must-stay-out-of-every-mail"


def make_handler() -> AdminMail:
    """As the settings of logging make it; it remembers no mail."""
    handler = AdminMail()
    handler.addFilter(RequestContext())
    return handler


def record_of(text: str = "it failed", error: Exception | None = None, **values: object) -> logging.LogRecord:
    record = logging.LogRecord("django.request", logging.ERROR, __file__, 1, text, (), None)
    record.__dict__.update(values)
    if error:
        try:
            raise error
        except Exception:  # noqa: BLE001 -- any will do
            record.exc_info = sys.exc_info()
    return record


def settle() -> None:
    """Wait until what is being sent has been sent."""
    for thread in threading.enumerate():
        if thread.name == "mail_admins":
            thread.join(timeout=30)


def it_has_the_line_and_the_trace(handler: AdminMail) -> None:
    handler.handle(record_of(error=ValueError("oops")))
    settle()
    (message,) = mail.outbox
    assert message.to == ["ada@example.org"]
    assert message.subject == "[Django] ERROR: it failed"
    assert message.message()["Auto-Submitted"] == "auto-generated"
    assert "django.request" in message.body
    assert "Traceback (most recent call last)" in message.body
    assert "ValueError: oops" in message.body


def it_contains_no_data_of_the_request_and_no_settings(handler: AdminMail) -> None:
    request = RequestFactory().post(
        "/accounts/login/?token=hunter2-hunter2",
        {"password": SECRETS[0], "body": SECRETS[2]},
        headers={"cookie": f"sessionid={SECRETS[1]}", "x-api-key": SECRETS[3]},
    )
    request.META[META_KEY] = RequestInfo("a1b2c3d4", "192.0.2.7")
    hunted = SECRETS[0]  # a local variable: Django's own mail shows those of each frame
    handler.handle(record_of("failed: password=" + hunted, RuntimeError(f"token={hunted}"), request=request))
    settle()
    whole = mail.outbox[0].message().as_bytes()
    text = str(message_from_bytes(whole)) + mail.outbox[0].body
    assert "a1b2c3d4" in text
    assert [
        secret for secret in (*SECRETS, "must-stay-out", "SECRET_KEY", "DATABASES") if secret in text
    ] == []
    assert not mail.outbox[0].message().is_multipart()


def a_line_break_in_the_message_adds_no_header(handler: AdminMail) -> None:
    handler.handle(record_of("x\r\nBcc: everyone@example.org"))
    settle()
    assert mail.outbox[0].subject == "[Django] ERROR: x\\r\\nBcc: everyone@example.org"
    assert mail.outbox[0].recipients() == ["ada@example.org"]


def without_admins_nothing_is_sent(handler: AdminMail) -> None:
    with override_settings(ADMINS=[]):
        handler.handle(record_of())
        settle()
    assert mail.outbox == []


def the_same_fault_is_mailed_once_a_minute_and_another_at_once(handler: AdminMail) -> None:
    for _ in range(20):
        handler.handle(record_of(error=ValueError("same place")))
    handler.handle(record_of(error=KeyError("another")))
    settle()
    assert len(mail.outbox) == 2
    assert "19 more since the last mail; see the logs." in mail.outbox[1].body


def different_faults_are_mailed_up_to_a_number_a_minute(handler: AdminMail) -> None:
    for number in range(50):
        handler.handle(record_of(f"fault {number}"))
    settle()
    assert len(mail.outbox) == MAILS_PER_MINUTE


MAILS = (
    it_has_the_line_and_the_trace,
    it_contains_no_data_of_the_request_and_no_settings,
    a_line_break_in_the_message_adds_no_header,
    without_admins_nothing_is_sent,
    the_same_fault_is_mailed_once_a_minute_and_another_at_once,
    different_faults_are_mailed_up_to_a_number_a_minute,
)


def test_a_mail_says_what_failed_where_and_no_secret() -> None:
    with all_cases() as case:
        for check in MAILS:
            mail.outbox.clear()
            with case(check.__name__):
                check(make_handler())


def test_after_a_minute_they_are_mailed_again_and_threads_share_the_limit() -> None:
    with all_cases() as case:
        with case("after a minute they are mailed again"):
            now = [0.0]
            limit = MailLimit(most=2, clock=lambda: now[0])
            assert [limit.admit_mail(fault) for fault in ("a", "a", "b", "c")] == [0, None, 1, None]
            now[0] = 59.9
            assert limit.admit_mail("a") is None
            now[0] = 60.0
            assert [limit.admit_mail(fault) for fault in ("a", "c", "d")] == [2, 0, None]
        with case("many threads together send no more than the limit"):
            limit = MailLimit(most=10)
            admitted: list[Any] = []
            threads = [
                threading.Thread(target=lambda n=n: admitted.append(limit.admit_mail(n))) for n in range(40)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sum(answer is not None for answer in admitted) == 10


def use_smtp(settings: Settings, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port


@pytest.fixture
def silent_server() -> Iterator[int]:
    """A mail server that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def a_server_that_hangs_holds_up_nobody(
    handler: AdminMail, settings: Settings, silent_server: int, capsys: pytest.CaptureFixture[str]
) -> None:
    use_smtp(settings, silent_server)
    settings.EMAIL_TIMEOUT = 2
    started = time.monotonic()
    handler.handle(record_of())
    assert time.monotonic() - started < 1.5
    settle()
    assert "Traceback" not in capsys.readouterr().err


def a_server_that_is_down_breaks_nothing(
    handler: AdminMail, settings: Settings, silent_server: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        use_smtp(settings, holder.getsockname()[1])
        handler.handle(record_of())
        settle()
    assert "Traceback" not in capsys.readouterr().err


def a_backend_that_cannot_be_loaded_is_named_by_its_error_alone(
    handler: AdminMail, settings: Settings, silent_server: int, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = "no.such.Backend"
    handler.handle(record_of("password=hunter2-hunter2"))
    settle()
    assert capsys.readouterr().err == "Mail to ADMINS failed (ModuleNotFoundError)\n"


def admins_that_are_no_pairs_break_nothing(
    handler: AdminMail, settings: Settings, silent_server: int, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.ADMINS = ["ada@example.org"]
    handler.handle(record_of())
    settle()
    assert "ValueError" in capsys.readouterr().err


FAILURES = (
    a_server_that_hangs_holds_up_nobody,
    a_server_that_is_down_breaks_nothing,
    a_backend_that_cannot_be_loaded_is_named_by_its_error_alone,
    admins_that_are_no_pairs_break_nothing,
)


def test_a_server_or_setting_that_fails_holds_up_and_breaks_nothing(
    settings: Settings, silent_server: int, capsys: pytest.CaptureFixture[str]
) -> None:
    backend = settings.EMAIL_BACKEND
    with all_cases() as case:
        for check in FAILURES:
            settings.ADMINS, settings.EMAIL_BACKEND = ADMINS, backend
            with case(check.__name__):
                check(make_handler(), settings, silent_server, capsys)
