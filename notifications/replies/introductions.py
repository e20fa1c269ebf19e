"""Finds the lines with which mail programs introduce a quotation, such as "On 30 November Ana wrote:".

Introductions contain the address of the reply, or are among those that mail-parser-reply knows, or are fields of a
header in any language.
"""

import re
from collections.abc import Sequence

from mailparser_reply import EmailMessage

# The library's expressions take cubic time in the length of a line: they are given few and short lines.
LONGEST_LINE = 160
MAX_CANDIDATES = 30
# A quotation has at most so many lines above it: From, Sent, To, Cc, Subject and others.
INTRODUCTION_LINES = 8
LONGEST_FIELD = 500

# A mail in Swiss French may quote in English: all languages that the library knows.
_LANGUAGES = ["en", "de", "fr", "es", "nl", "it", "pl", "sv", "da", "cs", "ja", "ko", "zh"]
_introduction = EmailMessage("", languages=_LANGUAGES).HEADER_REGEX

# The address to which the mail is sent, which introductions in any language contain.
_reply_address = re.compile(r"<?(?:mailto:)?reply\+[a-z2-7]{20,62}@[a-z0-9.-]+>?", re.IGNORECASE)
_address = re.compile(r"<[^<>]{0,500}>")
_blanks = re.compile(r"[^\S\n]+")
_separator = re.compile(r"[-_=*\s]{8,}|[-_=*]{4,} ?[^\W_][^-_=]{3,60}[-_=*]{4,}")
# "From: …", "Envoyé : …", in bold, too; in any language, so it needs others beside it.
_field = re.compile(r"\*?[^\W\d_][\w \u2019'-]{0,19}\*? ?:\*? *\S.*")


def find_introduction(texts: Sequence[str]) -> int | None:
    """Return the index of the first line that introduces a quotation, or None."""
    found = _find_reply_address(texts)
    if found is not None:
        return found
    candidates = 0
    for index, text in enumerate(texts):
        if ":" not in text and not _separator.fullmatch(text.strip()[:LONGEST_LINE]):
            continue
        candidates += 1
        if candidates > MAX_CANDIDATES:
            return None
        # A program may have folded the line once.
        start = max(index - 1, 0)
        if _are_fields(texts[index : index + 3]):
            return index
        for found, _end in _match_introductions(texts[start : index + INTRODUCTION_LINES]):
            return start + found
    return None


def drop_introduction(texts: Sequence[str]) -> list[str]:
    """Return the lines without those at the end that introduce a quotation."""
    kept = drop_separators(texts)
    start = _find_last_introduction(kept)
    return kept if start is None else drop_separators(kept[:start])


def drop_separators(texts: Sequence[str]) -> list[str]:
    """Return the lines without empty ones and lines such as "-----Original Message-----" at the end."""
    kept = list(texts)
    while kept and (not kept[-1].strip() or _separator.fullmatch(kept[-1].strip()[:LONGEST_LINE])):
        kept.pop()
    return kept


def _find_reply_address(texts: Sequence[str]) -> int | None:
    """The index of the line at which the introduction with the address of the reply begins."""
    index = next((index for index, text in enumerate(texts) if _reply_address.search(text)), None)
    if index is None:
        return None
    start, line = index, texts[index].strip()[:LONGEST_FIELD]
    is_field = bool(_field.fullmatch(line)) and not _reply_address.match(line)
    while is_field and start > 0 and _field.fullmatch(texts[start - 1].strip()[:LONGEST_FIELD]):
        start -= 1
    rest = _reply_address.sub("", line)
    is_folded = not is_field and (_reply_address.match(line) or not any(map(str.isdigit, rest)))
    # The date is on the line above then, or the name of the field.
    return start - 1 if is_folded and start > 0 and texts[start - 1].strip() else start


def _are_fields(texts: Sequence[str]) -> bool:
    """Whether these are three fields of a header, in any language, with an address among them."""
    are_fields = [bool(_field.fullmatch(text.strip()[:LONGEST_FIELD])) for text in texts]
    return len(texts) == 3 and all(are_fields) and "@" in "".join(texts)


def _match_introductions(texts: Sequence[str]) -> list[tuple[int, int]]:
    """The first line of each introduction that the library finds, and the line behind it.

    An introduction names a date or an address; a member may write "Date: …" and "To: …", too.
    """
    short = [_blanks.sub(" ", _address.sub("<a@b>", text))[:LONGEST_LINE].strip() for text in texts]
    found = []
    for match in _introduction.finditer("\n".join(short)):
        words = match.group().strip("\n")
        is_dated = any(char.isdigit() for char in words) and (words.count("\n") != 1 or words.endswith(":"))
        if is_dated or "@" in words:
            skipped = len(match.group()) - len(match.group().lstrip("\n"))
            start = match.string.count("\n", 0, match.start() + skipped)
            found.append((start, start + words.count("\n") + 1))
    return found


def _find_last_introduction(texts: Sequence[str]) -> int | None:
    """Where the introduction at the end of `texts` begins: by the library, as fields, or as a line in any language."""
    first = max(len(texts) - INTRODUCTION_LINES, 0)
    last = texts[first:]
    addressed = _find_reply_address(last)
    if addressed is not None:
        return first + addressed
    for found, end in _match_introductions(last):
        if end == len(last):
            return first + found
    fields = len(texts)
    while fields > first and _field.fullmatch(texts[fields - 1].strip()[:LONGEST_FIELD]):
        fields -= 1
    if len(texts) - fields >= 3 or (len(texts) - fields == 2 and "@" in "".join(texts[fields:])):
        return fields
    return _find_sentence(texts)


def _find_sentence(texts: Sequence[str]) -> int | None:
    """Where a sentence such as "Em seg., 30 de nov. de 2026, Ana <…> escreveu:" begins, which may be folded."""
    if not texts or not texts[-1].rstrip().endswith((":", "：")):
        return None
    start = len(texts) - 1
    while start > 0 and len(texts) - start < 3 and texts[start - 1].strip():
        start -= 1
    sentence = " ".join(texts[start:])
    if start > 0 and texts[start - 1].strip():
        # A longer paragraph: only its last line can be meant.
        start, sentence = len(texts) - 1, texts[-1]
    has_date = re.search(r"\d{4}|\d:\d\d|\d[./]\d", sentence)
    return start if has_date or "@" in sentence else None
