"""The text of a mail: decoded, unfolded, and from HTML where there is no other."""

import re
from collections.abc import Iterator
from email.message import Message

from .html_text import html_to_text

# Of all parts together. A quoted thread is long, a picture in HTML longer; the own words are at the top.
MAX_BYTES = 256 * 1024
# Parts that are looked at; a mail program writes fewer than ten.
MAX_PARTS = 50
# Of a picture in a signature, in base64.
MAX_PICTURE_CHARACTERS = 130 * 1024
# Signatures, keys and cards that programs add to each mail.
MACHINE_PARTS = {
    "application/pgp-keys",
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "application/ms-tnef",
    "text/vcard",
    "text/x-vcard",
}

# Codecs as mail programs name them. Python's others (punycode, UTF-7, escapes) are slow or hide text.
_ASCII_NAMES = {"", "us-ascii", "ascii", "utf-8", "utf8", "unknown-8bit", "x-unknown", "default"}
# Declared as Latin-1, written as windows-1252: browsers read it so, too (WHATWG Encoding Standard).
_LATIN_NAMES = {"iso-8859-1", "latin1", "latin-1", "iso8859-1", "iso_8859-1", "windows-1252", "cp1252"}
_OTHER_NAMES = re.compile(
    r"iso-8859-(?:[2-9]|1[0-6])|windows-125[0-8]|koi8-[ru]|utf-16(?:le|be)?|gbk?|gb2312|gb18030|big5"
    r"|shift_jis|iso-2022-jp|euc-jp|euc-kr|macintosh"
)
_CODECS = {"macintosh": "mac_roman"}


def find_text(message: Message) -> str:
    """Return the text that the sender typed with all that is quoted, or "" where the mail has none.

    Plain text is preferred; without it, HTML is turned into text in which quotations begin with ">".
    """
    parts = list(_text_parts(message))
    texts, left = [], MAX_BYTES
    # Apple Mail begins another part behind a picture.
    for part in parts:
        if part.get_content_type() == "text/plain" and left:
            data = _read_bytes(part)[:left]
            left -= len(data)
            texts.append(_unfold(part, _decode(part, data, is_cut=not left)))
    text = "\n".join(texts)
    if text.strip():
        return text
    html = next((part for part in parts if part.get_content_type() == "text/html"), None)
    if html is None:
        return ""
    data = _read_bytes(html)
    return html_to_text(_decode(html, data[:MAX_BYTES], is_cut=len(data) > MAX_BYTES))


def has_attachments(message: Message) -> bool:
    """Return whether the sender attached files.

    Small pictures inside the text are none, since signatures have them, nor are signatures and keys of programs.
    """
    return not all(map(_belongs_to_text, _leaf_parts(message)))


def _belongs_to_text(part: Message) -> bool:
    kind = part.get_content_type()
    if kind in MACHINE_PARTS:
        return True
    if part.get_content_disposition() == "attachment":
        return False
    payload = part.get_payload()
    is_small = isinstance(payload, str) and len(payload) <= MAX_PICTURE_CHARACTERS
    return kind in {"text/plain", "text/html"} or (part.get_content_maintype() == "image" and is_small)


def _leaf_parts(message: Message) -> Iterator[Message]:
    """The first parts that hold no others; an attached mail is one, not what is in it."""
    waiting, seen = [message], 0
    while waiting and seen < MAX_PARTS:
        part, seen = waiting.pop(0), seen + 1
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting[:0] = [each for each in payload[:MAX_PARTS] if isinstance(each, Message)]
        else:
            yield part


def _text_parts(message: Message) -> Iterator[Message]:
    for part in _leaf_parts(message):
        if part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment":
            yield part


def _read_bytes(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _decode(part: Message, data: bytes, *, is_cut: bool) -> str:
    """The text `data` of one part, by the charset that it names or the one that fits."""
    try:
        charset = (part.get_content_charset() or "").lower()
    except (ValueError, LookupError):
        charset = ""
    for codec in _codecs_of(charset):
        try:
            return data.decode(codec)
        except (UnicodeDecodeError, LookupError):
            continue
    # The cut may be inside a character.
    return data.decode("utf-8" if is_cut and charset in _ASCII_NAMES else "cp1252", "replace")


def _codecs_of(charset: str) -> list[str]:
    if charset in _LATIN_NAMES:
        return ["cp1252"]
    if charset in _ASCII_NAMES or not _OTHER_NAMES.fullmatch(charset):
        return ["utf-8"]
    return [_CODECS.get(charset, charset), "utf-8"]


def _unfold(part: Message, text: str) -> str:
    """Join the lines that format=flowed folded (RFC 3676); other text is returned as it is."""
    if str(part.get_param("format", "")).lower() != "flowed":
        return text
    deletes_space = str(part.get_param("delsp", "")).lower() == "yes"
    # The fragments of each line: adding to a long line again and again takes quadratic time.
    lines: list[list[str]] = []
    last_depth, is_open = 0, False
    for raw in text.splitlines():
        line = raw.lstrip(">")
        depth = len(raw) - len(line)
        line = line.removeprefix(" ")
        is_signature = line == "-- "
        if is_open and depth == last_depth and not is_signature:
            lines[-1].append(line)
        else:
            lines.append([">" * depth + (" " if depth else "") + line])
        is_open = line.endswith(" ") and not is_signature
        if is_open and deletes_space:
            lines[-1][-1] = lines[-1][-1][:-1]
        last_depth = depth
    return "\n".join(map("".join, lines))
