"""Reads complaints that mailbox providers send when a receiver marks a mail as unwanted (ARF, RFC 5965)."""

from dataclasses import dataclass
from email.message import Message

from core.text.mail_addresses import fold_address

from .reports import header_text

# A report of another kind, such as "not-spam", is no complaint.
COMPLAINTS = {"abuse", "fraud", "opt-out", "opt-out-list"}


@dataclass(frozen=True)
class Complaint:
    """Who complained, by each address that the report names, and the envelope senders of the mail."""

    addresses: frozenset[str]
    senders: tuple[str, ...]


def read_complaint(message: Message) -> Complaint | None:
    """Return the complaint that the message is, or None."""
    parts = list(message.walk())
    reports = [part for part in parts if part.get_content_type() == "message/feedback-report"]
    if not reports:
        return None
    fields = _inner_message(reports[0])
    if header_text(fields, "Feedback-Type").strip().lower() not in COMPLAINTS:
        return None
    originals = [
        _inner_message(part)
        for part in parts
        if part.get_content_type() in {"message/rfc822", "text/rfc822-headers"}
    ]
    recipients = [
        *map(str, fields.get_all("Original-Rcpt-To", [])),
        *(header_text(original, name) for original in originals for name in ("To", "Delivered-To")),
    ]
    senders = [
        header_text(fields, "Original-Mail-From"),
        *(header_text(original, "Return-Path") for original in originals),
    ]
    return Complaint(frozenset(_read_addresses(recipients)), tuple(_read_addresses(senders)))


def _inner_message(part: Message) -> Message:
    """Return the message or the header block that a part contains."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return payload[0] if payload and isinstance(payload[0], Message) else part
    from_text = Message()
    for line in str(payload)[:20_000].splitlines():
        name, colon, value = line.partition(":")
        if colon and name and not name[0].isspace():
            from_text[name] = value.strip()
    return from_text


def _read_addresses(values: list[str]) -> list[str]:
    """Return the values that are one address; our mail has one recipient, without a name."""
    stripped = (value.strip().strip("<>") for value in values[:20])
    return [fold_address(value) for value in stripped if "@" in value and not set(value) & set(" ,;\t\r\n")]
