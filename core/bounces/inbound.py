"""Receives reports and complaints as mail. Imported in CoreConfig.ready, which registers the kinds of addresses."""

import logging
from datetime import timedelta
from email.message import Message

from django.conf import settings

from core.inbound_mail import (
    ACCEPTED,
    InboundAddress,
    InvalidAddress,
    Outcome,
    inbound_recipient,
    make_address,
    read_address,
)

from .complaints import Complaint, read_complaint
from .envelope import KIND, is_recipient
from .reports import read_failures
from .suppression import record_complaint, record_failure

logger = logging.getLogger(__name__)

# Mail servers give up after five days; providers send complaints for weeks.
VALID_FOR = timedelta(days=30)
COMPLAINT_KIND = "complaint"
# The operator gives this address to providers, once.
COMPLAINT_VALID_FOR = timedelta(days=20 * 365)


@inbound_recipient(KIND, domain_setting="BOUNCE_DOMAIN", valid_for=VALID_FOR)
def receive_report(message: Message, address: InboundAddress) -> Outcome:
    """Receive what returned to the envelope sender of one mail; a report about another address is forged.

    It is always accepted: a report has no sender that could be informed of a refusal.
    """
    digest = address.numbers[0] if address.numbers else -1
    if complaint := read_complaint(message):
        _receive_complaint(complaint, [digest])
        return ACCEPTED
    failures = read_failures(message)
    ours = {
        recipient: failure
        for failure in failures
        for recipient in (failure.address, failure.final_address)
        if is_recipient(recipient, digest)
    }
    # The mail had one recipient, however often the report names it.
    for recipient, failure in ours.items():
        record_failure(address=recipient, status=failure.status)
        logger.info("a mail could not be delivered: %s (%s)", failure.status, failure.severity)
    if failures and not ours:
        logger.warning("a report was ignored: it names another address than the mail was sent to")
    elif not failures:
        logger.info("a mail to an envelope sender was ignored: it reports no failure")
    return ACCEPTED


@inbound_recipient(COMPLAINT_KIND, domain_setting="BOUNCE_DOMAIN", valid_for=COMPLAINT_VALID_FOR)
def receive_complaint(message: Message, address: InboundAddress) -> Outcome:
    """Receive a complaint at the address that providers have; it contains the envelope sender of our mail."""
    complaint = read_complaint(message)
    if complaint is None:
        logger.info("a mail to the address of complaints was ignored: it is none")
    else:
        digests = [digest for sender in complaint.senders if (digest := _read_digest(sender)) is not None]
        _receive_complaint(complaint, digests)
    return ACCEPTED


def complaint_address() -> str:
    """Return the address that the operator gives to the feedback loops of mailbox providers."""
    return make_address(COMPLAINT_KIND, settings.BOUNCE_DOMAIN)


def _receive_complaint(complaint: Complaint, digests: list[int]) -> None:
    """Count the complaint for the address that one of our mails was sent to."""
    for recipient in sorted(complaint.addresses):
        if any(is_recipient(recipient, digest) for digest in digests):
            record_complaint(address=recipient)
            logger.info("a receiver has complained about a mail")
            return
    logger.warning("a complaint was ignored: it is about no mail that was sent to the address in it")


def _read_digest(sender: str) -> int | None:
    """Return the digest of an envelope sender of ours that is still valid."""
    try:
        address = read_address(sender)
    except InvalidAddress:
        return None
    is_valid = address.kind == KIND and not address.is_expired(VALID_FOR) and address.numbers
    return address.numbers[0] if is_valid else None
