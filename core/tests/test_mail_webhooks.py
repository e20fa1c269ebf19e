"""Webhooks of mail providers: signatures, age, repetition and what the events do."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.cache import cache
from django.test import Client, override_settings

from core.bounces import views
from core.models import SuppressedAddress
from tests.cases import all_cases, rolled_back

pytestmark = pytest.mark.django_db

KEY = "key-of-mailgun"
PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
MAILGUN, SENDGRID = "/mail-reports/mailgun/", "/mail-reports/sendgrid/"
PREFIX = "X-Twilio-Email-Event-Webhook-"
BOB = "bob@example.net"
HARD = {
    "event": "failed",
    "severity": "permanent",
    "recipient": BOB,
    "delivery-status": {"message": "550 5.1.1 no"},
}


@pytest.fixture(autouse=True)
def keys() -> Iterator[None]:
    with override_settings(MAILGUN_WEBHOOK_KEY=KEY, SENDGRID_WEBHOOK_KEY=base64.b64encode(PUBLIC).decode()):
        yield


def mailgun(event: object, *, token: str = "t" * 50, age: float = 0, key: str = KEY, **more: Any) -> int:
    """Post an event as Mailgun does, and return the status."""
    timestamp = str(int(time.time() - age))
    signature = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    signed = {"signature": {"timestamp": timestamp, "token": token, "signature": signature}}
    return post(MAILGUN, json.dumps({**signed, "event-data": event, **more}).encode())


def sendgrid(
    events: object, *, age: float = 0, changed: bytes = b"", key: ec.EllipticCurvePrivateKey = PRIVATE
) -> int:
    """Post events as SendGrid does, and return the status."""
    body, timestamp = json.dumps(events).encode(), str(int(time.time() - age))
    signature = base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    return post(SENDGRID, body + changed, {f"{PREFIX}Signature": signature, f"{PREFIX}Timestamp": timestamp})


def post(path: str, body: bytes, headers: dict[str, str] | None = None) -> int:
    client = Client(enforce_csrf_checks=True)
    return client.post(path, body, content_type="application/json", headers=headers or {}).status_code


def reason() -> str:
    """Why mail to Bob is stopped."""
    row = SuppressedAddress.objects.filter(address=BOB).first()
    return row.reason if row else ""


def test_events_of_mailgun_count_by_their_status() -> None:
    events = {
        "permanent": (HARD, "hard"),
        "policy": ({**HARD, "delivery-status": {"message": "550 5.7.1 spam"}}, ""),
        "without status": ({**HARD, "delivery-status": {"code": 605}}, "hard"),
        "temporary": ({**HARD, "severity": "temporary"}, "counting"),
        "complaint": ({"event": "complained", "recipient": "Bob@example.net"}, "complaint"),
        "delivered": ({"event": "delivered", "recipient": BOB}, ""),
        "no address": ({**HARD, "recipient": ["x"]}, ""),
        "a long address": ({**HARD, "recipient": "b" * 300 + "@example.net"}, ""),
        "a line break": ({**HARD, "recipient": f"{BOB}\r\nx"}, ""),
    }
    with all_cases() as case:
        for name, (event, expected) in events.items():
            with case(name), rolled_back():
                assert mailgun(event) == 200
                assert reason() == expected
                assert SuppressedAddress.objects.count() == bool(expected)


def test_events_of_sendgrid_count_by_their_status() -> None:
    bounce = {"event": "bounce", "email": BOB, "type": "bounce", "status": "5.1.1", "reason": "550 no"}
    events = {
        "bounce": ([{"event": "processed"}, bounce], "hard"),
        "blocked": ([{**bounce, "type": "blocked", "status": "5.2.2"}], "counting"),
        "blocked by policy": ([{**bounce, "type": "blocked", "status": "5.7.1"}], ""),
        "policy in the reason": ([{**bounce, "reason": "550 5.7.26 no DMARC"}], ""),
        "complaint": ([{"event": "spamreport", "email": BOB}], "complaint"),
        "dropped": ([{"event": "dropped", "email": BOB, "reason": "Bounced Address"}], ""),
    }
    with all_cases() as case:
        for name, (event, expected) in events.items():
            with case(name), rolled_back():
                assert sendgrid(event) == 200
                assert reason() == expected


def test_a_report_with_a_wrong_or_old_signature_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    body = json.dumps({"event-data": HARD}).encode()
    forged = json.dumps(
        {"signature": {"timestamp": [], "token": {}, "signature": 1}, "event-data": HARD}
    ).encode()
    surrogate = b'{"signature":{"timestamp":"1","token":"\\ud800","signature":"x"},"event-data":{}}'
    refused: dict[str, Callable[[], int]] = {
        "half a character": lambda: post(MAILGUN, surrogate),
        "another key": lambda: mailgun(HARD, key="other"),
        "two days old": lambda: mailgun(HARD, age=2 * 86_400),
        "from tomorrow": lambda: mailgun(HARD, age=-86_400),
        "without signature": lambda: post(MAILGUN, body),
        "of other types": lambda: post(MAILGUN, forged),
        "no JSON": lambda: post(MAILGUN, b"\xff\x00{"),
        "nested deep": lambda: post(MAILGUN, b"[" * 60_000),
        "signed nonsense": lambda: mailgun("x"),
        "SendGrid: another key": lambda: sendgrid([], key=other),
        "SendGrid: changed": lambda: sendgrid([], changed=b" "),
        "SendGrid: old": lambda: sendgrid([], age=2 * 86_400),
        "SendGrid: no headers": lambda: post(SENDGRID, b"[]"),
        "SendGrid: no base64": lambda: post(
            SENDGRID, b"[]", {f"{PREFIX}Signature": "é", f"{PREFIX}Timestamp": str(int(time.time()))}
        ),
        "SendGrid: no list": lambda: sendgrid({"event": "bounce", "email": BOB}),
        "SendGrid: list of numbers": lambda: sendgrid([1]),
    }  # fmt: skip
    with all_cases() as case:
        for name, send in refused.items():
            with case(name), rolled_back():
                assert send() == 403
                assert not SuppressedAddress.objects.exists()
        with case("a key that is none"), override_settings(SENDGRID_WEBHOOK_KEY="bm9uZQ=="):
            assert sendgrid([]) == 403


def test_a_request_counts_once() -> None:
    assert mailgun(HARD) == 200
    SuppressedAddress.objects.all().delete()
    assert mailgun(HARD) == 200
    assert reason() == ""
    assert mailgun(HARD, token="u" * 50) == 200
    assert reason() == "hard"


def test_a_webhook_is_off_without_its_key_and_takes_only_post() -> None:
    assert Client().get(MAILGUN).status_code == 405
    with override_settings(MAILGUN_WEBHOOK_KEY="", SENDGRID_WEBHOOK_KEY=""):
        assert mailgun(HARD, key="") == 404
        assert sendgrid([]) == 404
    assert not SuppressedAddress.objects.exists()


def test_a_batch_has_a_limit_of_its_own_and_a_client_sends_so_many_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sendgrid([{"event": "delivered", "email": BOB, "text": "x" * 300_000}]) == 200
    assert sendgrid([{"event": "delivered", "text": "x" * 1_100_000}]) == 413
    cache.clear()
    monkeypatch.setattr(views, "MOST_PER_MINUTE", 2)
    assert [mailgun(HARD, token=str(number) * 50) for number in range(3)] == [200, 200, 429]
