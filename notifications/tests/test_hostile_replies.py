"""Answers by mail that are made to cost much, sent to a valid address."""

import time

import pytest
from django.test import override_settings

from core.inbound_mail import receive_message
from messaging.services import start_direct
from notifications.replies.reply_addresses import ReplyTarget, TargetKind, make_reply_address
from tests.cases import all_cases
from users.models import User

pytestmark = pytest.mark.django_db

HOSTILE = {
    "punycode": b"Content-Type: text/plain; charset=punycode\r\n\r\n\xff-" + b"a" * 400_000,
    "a codec that refuses": b"Content-Type: text/plain; charset=undefined\r\n\r\n\xff",
    "a charset with NUL": b'Content-Type: text/plain; charset="a\0b"\r\n\r\n\xff',
    "a charset by RFC 2231": b"Content-Type: text/plain; charset*=utf-8''utf-8\r\n\r\n\xff",
    "comments in comments": b"",
    "many senders": b"From: alice@example.org\r\n" * 900 + b"\r\ntext",
    "flowed parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + (b"--b\r\nContent-Type: text/plain; format=flowed\r\n\r\n" + b"a \r\n" * 60_000) * 40,
}


def test_hostile_answers_cost_little_and_are_answered_for_good(alice: User, bob: User) -> None:
    chat = start_direct(by=bob, other=alice)
    with override_settings(REPLY_DOMAIN="reply.example.org"), all_cases() as case:
        address = make_reply_address(ReplyTarget(alice.pk, TargetKind.CONVERSATION, chat.pk, 1))
        for number, (name, rest) in enumerate(HOSTILE.items()):
            sender = b"(" * 900 if name == "comments in comments" else b"alice@example.org"
            head = b"From: " + sender + f"\r\nMessage-ID: <h{number}@example.org>\r\n".encode()
            with case(name):
                begun = time.process_time()
                outcome = receive_message(recipient=address, content=head + (rest or b"\r\ntext"))
                assert not outcome.is_temporary, outcome
                assert time.process_time() - begun < 3
