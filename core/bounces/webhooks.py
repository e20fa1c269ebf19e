"""Reports of mail providers by webhook: Mailgun and SendGrid.

The signature is verified before the JSON is parsed. A signature is accepted once, while it is not older than MAX_AGE.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from core.text.mail_addresses import LONGEST_EMAIL

from .status_codes import POLICY, UNKNOWN_STATUS, find_status
from .suppression import COMPLAINT, record_complaint, record_failure

# Providers repeat what was not accepted for hours.
MAX_AGE = 24 * 3600
# Clocks differ.
MAX_AHEAD = 300
SOFT_STATUS = "4.0.0"

_mailgun_signature = re.compile(rb'"signature"\s{0,9}:\s{0,9}(\{[^{}]{1,500}\})')


class RefusedReport(Exception):
    """The signature is wrong or too old, or the body is no report."""


@dataclass(frozen=True)
class Report:
    """One failed delivery, or with COMPLAINT in place of a status a complaint."""

    address: str
    status: str


@dataclass(frozen=True)
class Provider:
    """The format of one provider. `verify` returns what is unique to the request, or raises RefusedReport."""

    key_setting: str
    verify: Callable[[str, Mapping[str, str], bytes], str]
    read: Callable[[Any], Iterator[Report | None]]

    @property
    def key(self) -> str:
        """The key from the settings; "" while the webhook is off."""
        key: str = getattr(settings, self.key_setting)
        return key


def receive_webhook(provider: Provider, headers: Mapping[str, str], body: bytes) -> int:
    """Count the failures and complaints of a request and return how many; 0 for a request that was received before.

    Raises RefusedReport.
    """
    unique = provider.verify(provider.key, headers, body)
    cache_key = f"mail-report:{hashlib.sha256(unique.encode()).hexdigest()}"
    if cache.get(cache_key):
        return 0
    try:
        reports = [report for report in provider.read(json.loads(body)) if report]
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise RefusedReport("malformed") from error
    with transaction.atomic():
        for report in reports:
            _record(report)
    # Only now: what was not stored is sent again, and to store it twice changes nothing.
    cache.set(cache_key, 1, timeout=MAX_AGE + MAX_AHEAD)
    return len(reports)


def _record(report: Report) -> None:
    if report.status == COMPLAINT:
        record_complaint(address=report.address)
    else:
        record_failure(address=report.address, status=report.status)


def _make_report(address: object, status: str) -> Report | None:
    is_address = isinstance(address, str) and "@" in address and len(address) <= LONGEST_EMAIL
    return Report(str(address), status) if is_address and str(address).isprintable() else None


def _check_age(timestamp: str) -> None:
    """Raise RefusedReport for a time that is too long ago, or ahead."""
    if not re.fullmatch(r"[0-9]{1,12}", timestamp, re.ASCII):
        raise RefusedReport("no timestamp")
    if not -MAX_AHEAD <= time.time() - int(timestamp) <= MAX_AGE:
        raise RefusedReport("too old")


def _verify_mailgun(key: str, headers: Mapping[str, str], body: bytes) -> str:
    """Verify the HMAC over timestamp and token, which the body contains (Mailgun: Securing Webhooks)."""
    for found in _mailgun_signature.findall(body)[:3]:
        try:
            fields = json.loads(found)
        except ValueError:
            continue
        timestamp, token, signature = (
            str(fields.get(name, "")) for name in ("timestamp", "token", "signature")
        )
        if not f"{timestamp}{token}{signature}".isascii():
            continue
        expected = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
        if hmac.compare_digest(expected.encode(), signature.encode()):
            _check_age(timestamp)
            return token
    raise RefusedReport("wrong signature")


def _read_mailgun(content: Any) -> Iterator[Report | None]:
    event = content["event-data"]
    if event["event"] == "complained":
        yield _make_report(event.get("recipient"), COMPLAINT)
    elif event["event"] == "failed":
        delivery = event.get("delivery-status") or {}
        text = " ".join(
            str(delivery.get(name, ""))[:1000] for name in ("enhanced-code", "message", "description")
        )
        status = find_status(text)
        if event.get("severity") == "permanent":
            yield _make_report(event.get("recipient"), status or UNKNOWN_STATUS)
        else:
            yield _make_report(event.get("recipient"), status if status.startswith("4.") else SOFT_STATUS)


def _verify_sendgrid(key: str, headers: Mapping[str, str], body: bytes) -> str:
    """Verify the ECDSA signature over timestamp and body (SendGrid: Event Webhook Security Features)."""
    prefix = "X-Twilio-Email-Event-Webhook-"
    signature, timestamp = headers.get(f"{prefix}Signature", ""), headers.get(f"{prefix}Timestamp", "")
    _check_age(timestamp)
    try:
        public_key = load_der_public_key(base64.b64decode(key))
        if not isinstance(public_key, EllipticCurvePublicKey):
            raise RefusedReport("no ECDSA key")
        public_key.verify(
            base64.b64decode(signature[:500], validate=True), timestamp.encode() + body, ECDSA(SHA256())
        )
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, binascii.Error) as error:
        raise RefusedReport("wrong signature") from error
    # The signature is not unique to the request (there are several for one message), the signed content is.
    return timestamp + hashlib.sha256(body).hexdigest()


def _read_sendgrid(content: Any) -> Iterator[Report | None]:
    if not isinstance(content, list):
        raise RefusedReport("no list of events")
    for event in content:
        kind, address = event.get("event"), event.get("email")
        status = find_status(f"{str(event.get('status', ''))[:20]} {str(event.get('reason', ''))[:1000]}")
        if kind == "spamreport":
            yield _make_report(address, COMPLAINT)
        elif kind == "bounce":
            # "blocked" is about the sender, the message or the moment.
            if event.get("type") == "blocked" and not POLICY.fullmatch(status):
                status = SOFT_STATUS
            yield _make_report(address, status or UNKNOWN_STATUS)


MAILGUN = Provider("MAILGUN_WEBHOOK_KEY", _verify_mailgun, _read_mailgun)
SENDGRID = Provider("SENDGRID_WEBHOOK_KEY", _verify_sendgrid, _read_sendgrid)
