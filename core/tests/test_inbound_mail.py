"""Receiving a message: its recipient, the limits of what is parsed, and what the mail server is answered."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import override_settings

from core.inbound_mail import (
    ACCEPTED,
    InboundAddress,
    Outcome,
    inbound_recipient,
    make_address,
    receive_message,
    refuse,
    registry,
)
from core.inbound_mail.maildir import receive_maildir
from tests.cases import all_cases

DOMAIN = "in.example.org"
PLAIN = b"From: a@b.example\r\nSubject: hello\r\n\r\ntext\r\n"

pytestmark = pytest.mark.django_db


class Received:
    """What the function of the kind "test" has received, and what it answers."""

    def __init__(self) -> None:
        self.messages: list[tuple[Message, tuple[int, ...]]] = []
        self.answer: Outcome | Exception = ACCEPTED

    def receive(self, message: Message, address: InboundAddress) -> Outcome:
        self.messages.append((message, address.numbers))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    monkeypatch.setattr(registry, "_recipients", {})
    received = Received()
    inbound_recipient("test", domain_setting="TEST_DOMAIN", valid_for=timedelta(days=30))(received.receive)
    with override_settings(TEST_DOMAIN=DOMAIN):
        yield received


def address(*numbers: int, days: int = 0) -> str:
    return make_address("test", DOMAIN, *numbers, issued=datetime.now(UTC).date() - timedelta(days=days))


def test_a_message_reaches_the_function_of_its_kind(received: Received) -> None:
    assert receive_message(recipient=address(5, 6).upper(), content=PLAIN) == ACCEPTED
    [(message, numbers)] = received.messages
    assert (message["Subject"], message.get_payload(), numbers) == ("hello", "text\r\n", (5, 6))


def test_a_recipient_that_is_not_valid_is_refused_before_parsing(received: Received) -> None:
    refused = {
        "": 550,
        "test@in.example.org": 550,
        address()[:-1]: 550,  # another domain
        make_address("other", DOMAIN): 550,
        address(days=31): 550,
    }
    with all_cases() as case:
        for recipient, code in refused.items():
            with case(recipient):
                assert receive_message(recipient=recipient, content=PLAIN).code == code
    with override_settings(TEST_DOMAIN=""):
        assert not receive_message(recipient=address(), content=PLAIN).is_accepted
    assert not received.messages


def nested(depth: int) -> bytes:
    """A message with so many multiparts inside each other."""
    head = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level)
        for level in range(depth)
    )
    return b"From: a@b.example\r\n" + head + b"\r\ntext\r\n"


HOSTILE = {
    "empty": (b"", 554),
    "only a line break": (b"\r\n", 554),
    "no headers": (b"\r\ntext", 554),
    "bytes": (bytes(range(256)) * 100, 554),
    "20 MB and one byte": (PLAIN + b"a" * 20 * 1024 * 1024, 552),
    "20 MB of lines": (PLAIN + b"\r\n" * 10_000_000, 554),
    "100,000 headers": (b"X: y\r\n" * 100_000 + b"\r\n", 554),
    "one header of 1 MB": (b"Subject: " + b"a" * 1_000_000 + b"\r\n\r\n", 554),
    "long parameters": (b"Content-Type: multipart/mixed; " + b'";' * 500_000 + b"\r\n\r\n", 554),
    "100 deep": (nested(100), 554),
    "5000 deep": (nested(5000), 554),
    "10,000 parts": (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\ntext\r\n" * 10_000, 554,
    ),
    "five deep": (nested(5), 250),
    "no content type": (PLAIN, 250),
    "NUL bytes": (b"Subject: a\0b\r\n\r\n\0\0\0text", 250),
    "an unknown charset": (b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xff\xfe", 250),
    "UTF-7": (b"Content-Type: text/plain; charset=utf-7\r\n\r\n+AGEAYg-", 250),
    "base64 that is none": (b"Content-Transfer-Encoding: base64\r\nX: y\r\n\r\n====a", 250),
    "a boundary that is missing": (b"Content-Type: multipart/mixed\r\n\r\ntext", 250),
    "a long type": (b"Content-Type: text/plain; x=\"" + b";" * 32_000 + b"\r\n\r\n", 554),
    "19 MB": (PLAIN + b"a" * 19 * 1024 * 1024, 250),
}  # fmt: skip


def test_hostile_messages_cost_little_and_never_fail(received: Received) -> None:
    with all_cases() as case:
        for name, (content, code) in HOSTILE.items():
            with case(name):
                begun = time.process_time()
                outcome = receive_message(recipient=address(), content=content)
                assert outcome.code == code, outcome
                assert time.process_time() - begun < 3


def test_the_answer_follows_from_the_function(received: Received, caplog: pytest.LogCaptureFixture) -> None:
    received.answer = refuse("Not\r\nyours: ü")
    assert str(receive_message(recipient=address(), content=PLAIN)) == "550 5.7.1 Not yours: ?"
    received.answer = OperationalError("the connection was closed")
    assert receive_message(recipient=address(), content=PLAIN).is_temporary
    received.answer = KeyError("a defect")
    assert receive_message(recipient=address(), content=PLAIN).is_temporary
    assert "mail to test was not received" in caplog.text


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_a_maildir_is_emptied_and_what_fails_for_now_stays(received: Received, maildir: Path) -> None:
    head = f"Return-Path: <>\r\nX-Original-To: {address(3)}\r\nDelivered-To: linkup@localhost\r\n".encode()
    (maildir / "new" / "1.host").write_bytes(head + PLAIN)
    (maildir / "new" / "2.host").write_bytes(b"Delivered-To: nobody@localhost\r\n" + PLAIN)
    (maildir / "new" / "3.host:2,").write_bytes(b"")
    (maildir / "new" / "4.host").symlink_to("/etc/passwd")
    os.mkfifo(maildir / "new" / "5.host")
    assert receive_maildir(maildir) == {"accepted": 1, "refused": 2, "left": 2}
    assert sorted(file.name for file in (maildir / "cur").iterdir()) == [
        "1.host:2,S",
        "2.host:2,S",
        "3.host:2,S",
    ]
    assert [numbers for _message, numbers in received.messages] == [(3,)]
    (maildir / "new" / "6.host").write_bytes(PLAIN)
    received.answer = OperationalError("the connection was closed")
    assert receive_maildir(maildir, address(4))["left"] == 3
    received.answer = ACCEPTED
    assert receive_maildir(maildir, address(4)) == {"accepted": 1, "refused": 0, "left": 2}
    with pytest.raises(FileNotFoundError):
        receive_maildir(maildir / "cur")
