"""Finds what a member typed in a reply, and leaves out quotations, introductions of quotations and signatures.

The mark that LinkUp writes at the top of its mails decides where there is one. Above it, and in mails without it, the
quotation begins with its introduction (introductions.py) or with the first line behind ">".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from .introductions import drop_introduction, drop_separators, find_introduction
from .signatures import drop_signature, is_notice

# At both ends of the line above which members write, in any language; characters that no mail program changes.
MARK = "-=#=-"
# Beyond them the text is cut; an own text that reaches so far is too long for any form.
MAX_CHARACTERS = 64 * 1024
MAX_LINES = 2000
LINES_ABOVE_MARK = 15
# Of this length, a mail program may have folded a quoted line, and the rest looks like the member's own line.
FOLDED_LENGTH = 62

_mark = re.compile(r"[\s>|:*_\\]*" + re.escape(MARK))
_quote = re.compile(r"[ \t]?>[> \t]*")


class UnclearReply(Exception):
    """The own words cannot be distinguished from quoted ones."""


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
    start = 0
    for index, line in enumerate(lines):
        if line.is_quoted:
            start = index + 1
        elif _mark.match(line.text):
            # HTML mails have a line above the mark, which is shown in lists of mails only.
            start = max(index - LINES_ABOVE_MARK, start)
            found = find_introduction([line.text for line in lines[start:index]])
            return index if found is None else start + found
    first = next((index for index, line in enumerate(lines) if line.is_quoted), len(lines))
    found = find_introduction([line.text for line in lines[:first]])
    if found is None or first == len(lines):
        return found
    # With ">" behind it, answers between the quoted lines may follow; with other text, the original follows.
    after = found
    while after < first and lines[after].text.strip():
        after += 1
    return found if any(line.text.strip() for line in lines[after:first]) else None


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
        above = drop_introduction(texts) if is_introduction else drop_separators(texts)
        kept = drop_separators(drop_signature(above))
        is_below_answer = is_last and len(passages) == 1 and not groups[0][0]
        if not kept or (is_below_answer and is_notice(kept)):
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
