"""Status codes of failed deliveries (RFC 3463), and what they say about the address."""

import re
from enum import StrEnum

UNKNOWN_STATUS = "5.0.0"
# Of the class 5 (permanent), but about the sender, a full mailbox, a large message or its content.
NOT_THE_ADDRESS = re.compile(r"5\.(?:1\.[78]|2\.[23]|3\.4|6\.\d{1,3})")
POLICY = re.compile(r"[245]\.7\.\d{1,3}")

_status = re.compile(r"(?<![\d.])([245]\.\d\.\d{1,3})(?![\d.])", re.ASCII)


class Severity(StrEnum):
    """What one failure says about the address."""

    # The address cannot be reached.
    HARD = "hard"
    # Not now: a full mailbox, a server that does not answer.
    SOFT = "soft"
    # The receiver refuses this message or this sender, which says nothing about the address.
    IGNORED = "ignored"


def classify_status(status: str) -> Severity:
    """Return what a status says: 5.7.x (policy) never counts, another 5.x.x is hard unless it is not the address."""
    if POLICY.fullmatch(status) or status.startswith("2."):
        return Severity.IGNORED
    if status.startswith("4.") or NOT_THE_ADDRESS.fullmatch(status):
        return Severity.SOFT
    return Severity.HARD


def find_status(text: str) -> str:
    """Return the status in a text of a mail server, or "": policy before others, specific codes before x.0.0."""
    found: list[str] = _status.findall(text)
    return next(
        (status for status in found if POLICY.fullmatch(status)),
        next((status for status in found if not status.endswith(".0.0")), found[0] if found else ""),
    )
