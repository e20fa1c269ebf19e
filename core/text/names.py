"""Finds mentions ("@bob") and hashtags ("#django") in plain text of every script."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from .cleaning import JOINERS, character_class, hides_joiner

LONGEST_TAG = 64

# What makes another word of a name, an address or a tag when it stands beside it. Letters of scripts without capitals
# do not: nobody puts a space between "@bob" and them.
_LATIN = r"A-Za-z0-9\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff\u0300-\u036f"
# A "/" before a name is one between two names, or a part of an address: find_mentions looks.
MENTION = re.compile(
    rf"(?<![{_LATIN}_@#])@([A-Za-z0-9](?:[A-Za-z0-9._-]{{0,28}}[A-Za-z0-9])?)(?!@|[_-]*[{_LATIN}])"
)


@cache
def _hashtags() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of a hashtag in a text and of a whole tag.

    Compiled at first use: the loop over all characters takes 5 % of the start of a command.
    """
    # Signs of vowels, accents and the like, by which most of the world writes; not those that only change a picture.
    marks = character_class(
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
    tag = rf"\w(?:[\w{marks}]|[\u200c\u200d](?=\w)){{0,{LONGEST_TAG - 1}}}"
    return re.compile(rf"(?<![{_LATIN}_@#&/])#({tag})(?![\w{marks}])"), re.compile(tag)


def fold_tag(tag: str) -> str:
    """The key of a hashtag, however it was typed: case folded, without the marks that folding leaves behind."""
    folded = "".join(_folded(char) for char in unicodedata.normalize("NFC", tag[: 4 * LONGEST_TAG]))
    return unicodedata.normalize("NFC", folded)


def is_tag(key: str) -> bool:
    """Whether a folded key is one that a hashtag can have."""
    return _hashtags()[1].fullmatch(key) is not None and not _misleads(key)


def find_mentions(content: str) -> Iterable[tuple[re.Match[str], str]]:
    """Each mention in a plain text, with the name in lower case."""
    end = -1
    for match in MENTION.finditer(content):
        start = match.start()
        if start and content[start - 1] == "/" and end != start - 1:
            continue
        end = match.end()
        yield match, match[1].lower()


def find_hashtags(content: str) -> Iterable[tuple[re.Match[str], str]]:
    """Each hashtag in a plain text, with the tag case folded.

    Folding makes some letters two, or a letter and a mark ("İ"); what is no longer 64 letters at most is no tag. Nor
    are digits alone ("#1").
    """
    for match in _hashtags()[0].finditer(content):
        tag = fold_tag(match[1])
        if not tag.isdigit() and is_tag(tag):
            yield match, tag


def _folded(char: str) -> str:
    folded = char.casefold()
    return folded if len(folded) == 1 else "".join(c for c in folded if not unicodedata.combining(c))


def _misleads(tag: str) -> bool:
    """Whether two tags that look alike would be two: by a joiner where the script has none."""
    return not JOINERS.isdisjoint(tag) and hides_joiner(tag)
