"""Reads reports of failed delivery: the standard ones (RFC 3464) here, the others by flufl.bounce."""

import binascii
import logging
import quopri
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_string
from email.message import Message

from flufl.bounce import all_failures

from core.text.mail_addresses import fold_address

from .status_codes import UNKNOWN_STATUS, Severity, classify_status, find_status

logger = logging.getLogger(__name__)
# It logs each detector that it runs.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)

MAX_BLOCKS = 100
# What heuristics look at; the text of a report comes before the returned message.
MAX_TEXT = 16 * 1024
MAX_SCANNED = 32 * 1024
# The expressions of flufl.bounce take cubic time for a line of "<", and quadratic time for other long lines.
MAX_LINE = 500
MAX_BRACKETS = 10
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "base64": binascii.a2b_base64,
    "quoted-printable": quopri.decodestring,
}


@dataclass(frozen=True)
class Failure:
    """One failed delivery: the address that the mail was sent to, and the status.

    Where the mail was forwarded, or the server has another name for the mailbox, the report names both addresses.
    """

    address: str
    status: str
    final_address: str = ""

    @property
    def severity(self) -> Severity:
        """What it says about the address."""
        return classify_status(self.status)


def read_failures(message: Message) -> list[Failure]:
    """Return the failed deliveries that the message reports; [] when it is no report, or about a delay."""
    blocks = [block for part in message.walk() for block in _status_blocks(part)][:MAX_BLOCKS]
    if any(block["Action"] for block in blocks):
        return [failure for block in blocks if (failure := _read_block(block))]
    return list(_detect_failures(message))


def header_text(message: Message, name: str) -> str:
    """Return a header as text, "" when it is missing; hostile bytes are replaced."""
    return str(message.get(name, "")).encode("ascii", "replace").decode("ascii")[:2000]


def _status_blocks(part: Message) -> list[Message]:
    """Return the header blocks of a `message/delivery-status` part, also of a part that is encoded against the rule."""
    if part.get_content_type() != "message/delivery-status" or not isinstance(part.get_payload(), list):
        return []
    blocks: list[Message] = part.get_payload()  # type: ignore[assignment]
    decode = ENCODINGS.get(header_text(part, "Content-Transfer-Encoding").strip().lower())
    if decode is None or any(block.keys() for block in blocks):
        return blocks
    encoded = "\n".join(str(block.get_payload()) for block in blocks)
    try:
        text = decode(encoded.encode("ascii", "replace")).decode("utf-8", "replace")[:MAX_SCANNED]
    except ValueError:
        return blocks
    paragraphs = text.replace("\r\n", "\n").split("\n\n")[:MAX_BLOCKS]
    return [message_from_string(paragraph.strip("\n") + "\n\n") for paragraph in paragraphs]


def _read_block(block: Message) -> Failure | None:
    """Return the failure of one recipient's block; None for a delay or a delivery (RFC 3464 2.3.3)."""
    action = header_text(block, "Action").lower().split(";")[0].split()
    # OpenSMTPD says "error".
    if not action or not action[0].startswith(("fail", "error")):
        return None
    names = ("Original-Recipient", "Final-Recipient")
    addresses = [address for name in names if (address := _read_recipient(header_text(block, name)))]
    status = find_status(header_text(block, "Status"))
    detail = find_status(header_text(block, "Diagnostic-Code"))
    if not status or status.endswith(".0.0") or classify_status(detail or status) is Severity.IGNORED:
        status = detail or status
    return Failure(addresses[0], status or UNKNOWN_STATUS, addresses[-1]) if addresses else None


def _read_recipient(value: str) -> str:
    """Return the address of `rfc822; user@example.org`, or "" when it is none."""
    address = fold_address(value.rpartition(";")[2].strip().strip("<>"))
    return address if "@" in address else ""


def _detect_failures(message: Message) -> Iterator[Failure]:
    """Yield what flufl.bounce finds, for mail servers that do not write standard reports."""
    _shorten_parts(message)
    try:
        temporary, permanent = all_failures(message)
    except Exception as error:  # noqa: BLE001 -- its detectors expect well-formed mail
        logger.info("a report cannot be read: %s", type(error).__name__)
        return
    text = next(_texts(message), "")
    permanent_status, temporary_status = find_status(text) or UNKNOWN_STATUS, "4.0.0"
    if not permanent_status.startswith("5."):
        permanent_status = UNKNOWN_STATUS
    for addresses, status in ((permanent, permanent_status), (temporary - permanent, temporary_status)):
        for address in addresses:
            yield Failure(fold_address(address.decode("ascii", "replace")), status)


def _texts(message: Message) -> Iterator[str]:
    """Yield the beginning of each text part, decoded."""
    for part in message.walk():
        if part.get_content_maintype() == "text":
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                yield content[:MAX_TEXT].decode("utf-8", "replace")


def _shorten_parts(message: Message) -> None:
    """Replace each part by its decoded beginning, with short lines, MAX_SCANNED in all."""
    left = MAX_SCANNED
    for part in message.walk():
        if not part.is_multipart():
            content = part.get_payload(decode=True)
            text = (content if isinstance(content, bytes) else b"")[:left].decode("utf-8", "replace")
            left -= len(text)
            del part["Content-Transfer-Encoding"]
            part.set_payload("\n".join(map(_shorten_line, text.split("\n"))))


def _shorten_line(line: str) -> str:
    return "<".join(line[:MAX_LINE].split("<", MAX_BRACKETS)[:MAX_BRACKETS])
