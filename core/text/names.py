"""Finds mentions ("@bob") and hashtags ("#django") in plain text of every script."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from .cleaning import JOINERS, character_class, hides_joiner

LONGEST_TAG = 64

# Characters that make a longer word of an adjacent name, URL or tag. Letters of scripts without capitals do not: in
# those scripts there is no space after "@bob".
_LATIN = r"A-Za-z0-9\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff\u0300-\u036f"
# A "/" before a name separates two names, or is part of a URL: find_mentions checks it.
MENTION = re.compile(
    rf"(?<![{_LATIN}_@#])@([A-Za-z0-9](?:[A-Za-z0-9._-]{{0,28}}[A-Za-z0-9])?)(?!@|[_-]*[{_LATIN}])"
)


@cache
def _hashtag_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of a hashtag in a text and of a single tag.

    Compiled at first use: the loop over all characters takes 5 % of the start of a command.
    """
    # Vowel signs, accents and the like, which many scripts need; without variation selectors.
    combining = character_class(
        code
        for code in (
            *range(0x300, 0x2000),
            *range(0x2C00, 0x3400),
            *range(0xA600, 0xAC00),
            *range(0x10000, 0x1F000),
        )
        if unicodedata.category(chr(code)) in {"Mn", "Mc"}
        and code not in {0x34F, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D}
    )
    tag = rf"\w(?:[\w{combining}]|[\u200c\u200d](?=\w)){{0,{LONGEST_TAG - 1}}}"
    return re.compile(rf"(?<![{_LATIN}_@#&/])#({tag})(?![\w{combining}])"), re.compile(tag)


def fold_tag(tag: str) -> str:
    """Return the key of a hashtag: case folded, without the marks that folding adds."""
    folded = ""
    for char in unicodedata.normalize("NFC", tag[: 4 * LONGEST_TAG]):
        parts = char.casefold()
        folded += parts if len(parts) == 1 else "".join(c for c in parts if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", folded)


def is_tag(key: str) -> bool:
    """Return whether a folded key is a valid hashtag."""
    if _hashtag_patterns()[1].fullmatch(key) is None:
        return False
    # A joiner where the script has none would make two tags that look the same.
    return JOINERS.isdisjoint(key) or not hides_joiner(key)


def find_mentions(content: str) -> Iterable[tuple[re.Match[str], str]]:
    """Yield each mention in a plain text, with the name in lower case."""
    end = -1
    for match in MENTION.finditer(content):
        start = match.start()
        if start and content[start - 1] == "/" and end != start - 1:
            continue
        end = match.end()
        yield match, match[1].lower()


def find_hashtags(content: str) -> Iterable[tuple[re.Match[str], str]]:
    """Yield each hashtag in a plain text, with the tag case folded.

    Folding may make a tag longer than LONGEST_TAG ("İ"), which is refused; so are digits only ("#1").
    """
    for match in _hashtag_patterns()[0].finditer(content):
        tag = fold_tag(match[1])
        if not tag.isdigit() and is_tag(tag):
            yield match, tag
