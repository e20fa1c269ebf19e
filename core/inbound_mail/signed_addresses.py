"""Signed mail addresses of the server: `<kind>+<token>@<domain>`.

The token is base32 in lower case, since mail systems may change the case of an address. It contains the day of issue
(two bytes), whole numbers (LEB128) and the first ten bytes of an HMAC over kind, day and numbers.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.utils.crypto import salted_hmac

# RFC 5321 4.5.3.1.1 and 4.5.3.1.3.
LONGEST_LOCAL_PART = 64
LONGEST_ADDRESS = 254
DAY_BYTES = 2
# 80 bits: an attacker can only try by sending mail.
SIGNATURE_BYTES = 10
# Links and addresses in sent mail hold signatures with it: it stays, wherever the module is.
SALT = "core.inbound_mail.addresses"
FIRST_DAY = date(1970, 1, 1)

_address = re.compile(r"(?P<kind>[a-z]{1,16})\+(?P<token>[a-z2-7]{20,62})@(?P<domain>[a-z0-9.-]+)", re.ASCII)


class InvalidAddress(Exception):
    """The address has no signature of this server."""


@dataclass(frozen=True)
class InboundAddress:
    """What an address of the server says."""

    kind: str
    domain: str
    numbers: tuple[int, ...]
    issued: date

    def is_expired(self, valid_for: timedelta) -> bool:
        """Return whether more than `valid_for` has passed since the day of issue; a future day is expired, too."""
        age = datetime.now(UTC).date() - self.issued
        return not timedelta(days=-1) <= age <= valid_for


def make_address(kind: str, domain: str, *numbers: int, issued: date | None = None) -> str:
    """Return an address with `numbers` (each 0 or more), issued today unless the caller names a day.

    Raises ValueError when the local part would be longer than 64 characters: three numbers up to 2**49 always fit.
    """
    day = ((issued or datetime.now(UTC).date()) - FIRST_DAY).days
    payload = day.to_bytes(DAY_BYTES, "big") + b"".join(map(_encode_number, numbers))
    signature = _sign(kind, payload, settings.SECRET_KEY)
    token = base64.b32encode(payload + signature).decode("ascii").rstrip("=").lower()
    local_part = f"{kind}+{token}"
    if len(local_part) > LONGEST_LOCAL_PART:
        raise ValueError("the numbers are too large for an address")
    return f"{local_part}@{domain}"


def read_address(address: str) -> InboundAddress:
    """Return what the address says. Raises InvalidAddress unless this server has signed it, with this or an old key."""
    if len(address) > LONGEST_ADDRESS or not (match := _address.fullmatch(address.lower())):
        raise InvalidAddress
    kind, token, domain = match.group("kind", "token", "domain")
    try:
        content = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    except ValueError:
        raise InvalidAddress from None
    payload, signature = content[:-SIGNATURE_BYTES], content[-SIGNATURE_BYTES:]
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    # Compares with all keys, so that the duration does not depend on which key fits.
    if not sum(hmac.compare_digest(signature, _sign(kind, payload, key)) for key in keys):
        raise InvalidAddress
    issued = FIRST_DAY + timedelta(days=int.from_bytes(payload[:DAY_BYTES], "big"))
    return InboundAddress(kind, domain, _decode_numbers(payload[DAY_BYTES:]), issued)


def _sign(kind: str, payload: bytes, key: str | bytes) -> bytes:
    signed = kind.encode() + b"+" + payload
    return salted_hmac(SALT, signed, secret=key, algorithm="sha256").digest()[:SIGNATURE_BYTES]


def _encode_number(number: int) -> bytes:
    if number < 0:
        raise ValueError("an address contains no negative numbers")
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def _decode_numbers(encoded: bytes) -> tuple[int, ...]:
    numbers, number, shift = [], 0, 0
    for byte in encoded:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    return tuple(numbers)
