"""Finds what a member typed in a reply, and leaves out quotations, introductions of quotations and signatures.

The mark that LinkUp writes at the top of its mails decides where there is one. Above it, and in mails without it,
mail-parser-reply finds the lines with which mail programs introduce a quotation.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from mailparser_reply import EmailMessage

from .signatures import drop_signature, is_notice

# At both ends of the line above which members write, in any language; characters that no mail program changes.
MARK = "-=#=-"
# Beyond them the text is cut; an own text that reaches so far is too long for any form.
MAX_CHARACTERS = 64 * 1024
MAX_LINES = 2000
# The library's expressions take cubic time in the length of a line: they are given few and short lines.
LONGEST_LINE = 160
MAX_CANDIDATES = 30
# A quotation has at most so many lines above it: From, Sent, To, Cc, Subject and others.
INTRODUCTION_LINES = 8
LONGEST_FIELD = 500
LINES_ABOVE_MARK = 15
# Of this length, a mail program may have folded a quoted line, and the rest looks like the member's own line.
FOLDED_LENGTH = 62

# A mail in Swiss French may quote in English: all languages that the library knows.
_LANGUAGES = ["en", "de", "fr", "es", "nl", "it", "pl", "sv", "da", "cs", "ja", "ko", "zh"]
_introduction = EmailMessage("", languages=_LANGUAGES).HEADER_REGEX

_mark = re.compile(r"[\s>|:*_\\]*" + re.escape(MARK))
_quote = re.compile(r"[ \t]?>[> \t]*")
_address = re.compile(r"<[^<>]{0,500}>")
_blanks = re.compile(r"[^\S\n]+")
_separator = re.compile(r"[-_=*\s]{8,}|[-_=*]{4,} ?[^\W_][^-_=]{3,60}[-_=*]{4,}")
# "From: …", "Envoyé : …", in bold, too; in any language, so it needs others beside it.
_field = re.compile(r"\*?[^\W\d_][\w \u2019'-]{0,19}\*? ?:\*? *\S.*")


class UnclearReply(Exception):
    """The own words cannot be told from quoted ones."""


class TooLongReply(Exception):
    """The text goes on beyond what is read."""


@dataclass(frozen=True)
class _Line:
    text: str
    is_quoted: bool


def cut_reply(text: str) -> str:
    """Return the member's own words in `text`; "" when there is only a quotation.

    Answers between quoted lines are kept in their order, without the quoted lines. Raises UnclearReply and
    TooLongReply.
    """
    is_cut = len(text) > MAX_CHARACTERS
    raw = text[:MAX_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").split("\n")
    is_cut = is_cut or len(raw) > MAX_LINES
    lines = [_read_line(line) for line in raw[:MAX_LINES]]
    end = _find_end(lines)
    if end is None and is_cut and not any(line.is_quoted for line in lines[-20:]):
        raise TooLongReply
    is_above_mark = end is not None and bool(_mark.match(lines[end].text))
    return _join_own(lines[:end], is_above_mark=is_above_mark)


def _read_line(raw: str) -> _Line:
    text = raw.replace("\xa0", " ").replace("\u200b", "").replace("\ufeff", "")
    return _Line(text, bool(_quote.match(text)))


def _find_end(lines: Sequence[_Line]) -> int | None:
    """The index of the line at which a quotation without ">" begins: all that follows is quoted."""
    unquoted = [index for index, line in enumerate(lines) if not line.is_quoted]
    for index in unquoted:
        if _mark.match(lines[index].text):
            # HTML mails have a line above the mark, which is shown in lists of mails only.
            start = max(index - LINES_ABOVE_MARK, 0)
            found = _find_introduction([line.text for line in lines[start:index] if not line.is_quoted])
            return index if found is None else start + found
    first = next((index for index, line in enumerate(lines) if line.is_quoted), len(lines))
    found = _find_introduction([line.text for line in lines[:first]])
    if found is None or first == len(lines):
        return found
    # With ">" behind it, answers between the quoted lines may follow; with other text, the original follows.
    after = found
    while after < first and lines[after].text.strip():
        after += 1
    return found if any(line.text.strip() for line in lines[after:first]) else None


def _find_introduction(texts: Sequence[str]) -> int | None:
    """The index of the first line that introduces a quotation, by the library."""
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


def _join_own(lines: Sequence[_Line], *, is_above_mark: bool) -> str:
    """The lines that are not quoted, without signatures and what introduces the quotation below them."""
    passages: list[list[str]] = []
    folded: list[list[str]] = []
    groups = [
        (is_quoted, [line.text for line in group])
        for is_quoted, group in groupby(lines, lambda line: line.is_quoted)
    ]
    for index, (is_quoted, texts) in enumerate(groups):
        if is_quoted:
            continue
        is_last = index == len(groups) - 1
        is_introduction = index == 0 and (not is_last or is_above_mark)
        kept = drop_signature(_drop_introduction(texts) if is_introduction else _drop_separators(texts))
        if not any(line.strip() for line in kept) or (is_last and index and is_notice(kept)):
            continue
        is_folded = 0 < index < len(groups) - 1 and _may_be_folded(groups[index - 1][1], texts)
        (folded if is_folded else passages).append([*kept, ""])
    # Below an answer at the top, they are rests of quoted lines; elsewhere they may be answers.
    if folded and (len(passages) != 1 or groups[0][0]):
        raise UnclearReply
    return re.sub(
        r"\n{3,}", "\n\n", "\n".join(line.rstrip() for passage in passages for line in passage)
    ).strip("\n ")


def _may_be_folded(quoted: Sequence[str], texts: Sequence[str]) -> bool:
    """Whether `texts` may be the rest of the quoted line above, which a mail program has folded."""
    above = _quote.sub("", quoted[-1], count=1).strip()
    return len(texts) == 1 and len(quoted[-1].rstrip()) >= FOLDED_LENGTH and " " in above


def _drop_introduction(texts: Sequence[str]) -> list[str]:
    """The lines without those at the end that introduce a quotation."""
    kept = _drop_separators(texts)
    start = _find_last_introduction(kept)
    return kept if start is None else _drop_separators(kept[:start])


def _drop_separators(texts: Sequence[str]) -> list[str]:
    """The lines without empty ones and lines such as "-----Original Message-----" at the end."""
    kept = list(texts)
    while kept and (not kept[-1].strip() or _separator.fullmatch(kept[-1].strip()[:LONGEST_LINE])):
        kept.pop()
    return kept


def _find_last_introduction(texts: Sequence[str]) -> int | None:
    """Where the introduction at the end of `texts` begins: by the library, as fields, or as a line in any language."""
    first = max(len(texts) - INTRODUCTION_LINES, 0)
    last = texts[first:]
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
