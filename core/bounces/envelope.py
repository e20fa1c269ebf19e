"""The envelope sender of each mail: an address of its recipient's own, to which reports return (VERP).

It contains a keyed digest of the recipient's address. So a report is tied to one recipient without a table of all that
ever got mail, and a report that names another address is recognised as forged.
"""

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from core.inbound_mail import make_address
from core.text.mail_addresses import fold_address

KIND = "bounce"
# It is in sent mail: it stays, wherever the module is.
SALT = "core.bounces.envelope"
DIGEST_BYTES = 6


def envelope_sender(recipient: str) -> str:
    """Return the envelope sender of a mail to `recipient`: signed, or without BOUNCE_DOMAIN the same for all."""
    if not settings.BOUNCE_DOMAIN:
        sender: str = settings.MAIL_ENVELOPE_SENDER
        return sender
    return make_address(KIND, settings.BOUNCE_DOMAIN, _digest(recipient, settings.SECRET_KEY))


def envelope_domain() -> str:
    """Return the domain of all envelope senders, for which SPF is checked."""
    domain: str = settings.BOUNCE_DOMAIN or settings.MAIL_ENVELOPE_SENDER.rpartition("@")[2].lower()
    return domain


def is_recipient(address: str, digest: int) -> bool:
    """Return whether an envelope sender with this digest was made for `address`, with this or an old key."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(constant_time_compare(str(_digest(address, key)), str(digest)) for key in keys)


def _digest(address: str, key: str | bytes) -> int:
    digest = salted_hmac(SALT, fold_address(address), secret=key, algorithm="sha256").digest()
    return int.from_bytes(digest[:DIGEST_BYTES], "big")
