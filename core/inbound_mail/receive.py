"""Receives one message for one recipient."""

import logging

from django.db import transaction

from core.database.db_errors import is_outage

from .bounded_parser import MAX_BYTES, UnreadableMessage, parse_message
from .outcomes import EXPIRED, MALFORMED, NO_SUCH_ADDRESS, TOO_LARGE, TRY_LATER, Outcome
from .registry import InboundRecipient, find_recipient
from .signed_addresses import InboundAddress, InvalidAddress, read_address

__all__ = ["MAX_BYTES", "check_recipient", "receive_message"]

logger = logging.getLogger(__name__)


def check_recipient(address: str) -> Outcome | tuple[InboundRecipient, InboundAddress]:
    """Return the recipient and the verified address, or the refusal; without a query."""
    try:
        verified = read_address(address)
    except InvalidAddress:
        return NO_SUCH_ADDRESS
    recipient = find_recipient(verified.kind)
    if recipient is None or not recipient.domain or verified.domain != recipient.domain:
        return NO_SUCH_ADDRESS
    return EXPIRED if verified.is_expired(recipient.valid_for) else (recipient, verified)


def receive_message(*, recipient: str, content: bytes) -> Outcome:
    """Give the message to the function of its recipient's kind, and return what the mail server is answered.

    The signature of the address is checked before the message is parsed, and limits hold while it is. A message that
    cannot be read is refused; when the function fails, the mail server is asked to try again later.
    """
    checked = check_recipient(recipient)
    if isinstance(checked, Outcome):
        logger.warning("mail refused: %s", checked)
        return checked
    found, address = checked
    if len(content) > MAX_BYTES:
        logger.warning("mail to %s refused: %s", found.kind, TOO_LARGE)
        return TOO_LARGE
    try:
        message = parse_message(content)
    except UnreadableMessage as error:
        logger.warning("mail to %s refused: %s", found.kind, error)
        return MALFORMED
    try:
        with transaction.atomic():
            outcome = found.function(message, address)
    except Exception as error:
        if is_outage(error):
            logger.warning("mail to %s waits for the database", found.kind)
        else:
            logger.exception("mail to %s was not received", found.kind)
        return TRY_LATER
    logger.info("mail to %s: %s", found.kind, outcome)
    return outcome
