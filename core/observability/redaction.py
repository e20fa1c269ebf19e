"""Masks passwords, keys, session ids, tokens and credentials in URLs before a line is logged (R9)."""

import logging
import re
import traceback
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from django.conf import settings

MASK = "[masked]"
# Shorter ones would mask ordinary words.
SHORTEST_SECRET = 6
SHORTEST_KEY_IN_PATH = 20

_NAMES = (
    r"[\w-]{0,40}(?:passw(?:or)?d|secret|token|session_?id|session_key|csrf|api[_-]?key|access[_-]?key|credential"
    r"|signature|__host-session)[\w-]{0,40}"
)
_headers = re.compile(r"(?im)(?<![\w-])((?:proxy-)?authorization|(?:set-)?cookie|x-csrftoken)(:\s*)[^\n]+")
_pairs = re.compile(rf"(?i)(?<![\w-])({_NAMES}=)(\"[^\"\n]*\"|'[^'\n]*'|[^\s&;,)\]}}\"']+)")
_quoted = re.compile(
    rf"(?i)((?:\"{_NAMES}\"|'{_NAMES}')\s*:\s*b?)(\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[^\s,}}]+)"
)
_spoken = re.compile(r"(?<![\w.])((?:password|passwd|secret|token|session key|api key): )(\S+)")
_in_address = re.compile(r"(://[^\s/:@]*:)[^\s/]+(?=@)")
_bearer = re.compile(r"(?i)\b(bearer|basic) [\w.~+/=-]{16,}")
_bad_signature = re.compile(r"(Signature )\"[^\"\n]*\"")
# django.core.signing: value, seconds in base 62, signature in base 64.
_signed = re.compile(r"(?<![\w.=-])[\w.=-]+:[0-9A-Za-z]{6}:[\w-]{27,}")
# PostgreSQL repeats rows and values in the details of an error.
_failing_row = re.compile(r"(Failing row contains ).*")
# Up to the last bracket before a word, or to the end of the line; neither needs backtracking.
_failing_key = re.compile(r"(Key \([^\n]{0,200}?\)=)\((?:.*\)(?= )|.*)")
_after_key_word = re.compile(
    r"(/(?:key|confirm-email|token|unsubscribe)/)(?!\d+-set-password/)([^/\s?#\"']{8,})"
)
_long_segment = re.compile(rf"(?<=/)[^/\s?#\"']{{{SHORTEST_KEY_IN_PATH},}}")
_token = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{24,}(?![A-Za-z0-9])")


def _mask_segment(match: re.Match[str]) -> str:
    """Mask a path segment that looks like a key: signed, or with a long run of letters and digits."""
    segment = match[0]
    if MASK in segment:
        return segment
    pieces = re.split(r"[-:._%=]", segment)
    long_piece = any(
        len(piece) >= SHORTEST_KEY_IN_PATH and _has_letters_and_digits(piece) for piece in pieces
    )
    return MASK if long_piece or (segment.count(":") >= 2 and _has_letters_and_digits(segment)) else segment


def _has_letters_and_digits(text: str) -> bool:
    return any(char.isdigit() for char in text) and any(char.isalpha() for char in text)


_STEPS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (_in_address, rf"\g<1>{MASK}"),
    (_headers, rf"\g<1>\g<2>{MASK}"),
    (_pairs, rf"\g<1>{MASK}"),
    (_quoted, rf"\g<1>{MASK}"),
    (_spoken, rf"\g<1>{MASK}"),
    (_bearer, rf"\g<1> {MASK}"),
    (_bad_signature, rf"\g<1>{MASK}"),
    (_failing_row, rf"\g<1>{MASK}"),
    (_failing_key, rf"\g<1>{MASK}"),
    (_signed, MASK),
    (_after_key_word, rf"\g<1>{MASK}"),
    (_long_segment, _mask_segment),
    (_token, MASK),
)


def redact(text: str) -> str:
    """Return `text` with everything masked that looks like a secret, and all secrets of the settings.

    It masks too much rather than too little: random names of files in a path become `[masked]` as well.
    """
    if settings.configured:
        for secret in _secrets_to_mask(
            str(getattr(settings, "REDIS_URL", "")),
            settings.SECRET_KEY,
            settings.EMAIL_HOST_PASSWORD,
            *(str(database.get("PASSWORD") or "") for database in settings.DATABASES.values()),
            str(settings.STORAGES["default"].get("OPTIONS", {}).get("secret_key") or ""),
        ):
            text = text.replace(secret, MASK)
    for pattern, replacement in _STEPS:
        text = pattern.sub(replacement, text)
    return text


class Redaction(logging.Filter):
    """Masks the records of third-party loggers and handlers, such as a server's access log.

    The formatters of core.observability.log_lines mask already.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = ()
        if record.exc_info and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True


@lru_cache(maxsize=16)
def _secrets_to_mask(redis_url: str, *secrets: str) -> tuple[str, ...]:
    """Return the `secrets` and the password in `redis_url`, as written and without percent-encoding.

    Short ones are left out. The longest comes first: one secret may be a part of another.
    """
    try:
        password = urlsplit(redis_url).password or ""
    except ValueError:
        password = ""
    found = {s for s in (*secrets, password, unquote(password)) if len(s) >= SHORTEST_SECRET}
    return tuple(sorted(found, key=len, reverse=True))
