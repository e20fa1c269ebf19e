"""Folds text for search and sorting: without case, accents and differences of Unicode form.

Stored keys are made here (User.sort_name, Entry.search_text): who changes what a key is writes a migration that makes
those of all rows again.
"""

import re
import unicodedata

# Letters that Unicode does not take apart, as people write them who do not have them on their keyboards.
LETTERS = str.maketrans(
    {
        "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ŋ": "n", "ə": "e", "ı": "i", "ȷ": "j", "ƿ": "w",
        # Arabic, Persian and Urdu keyboards write the same letter in different ways.
        "ٱ": "ا", "ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه", "ہ": "ه", "ھ": "ه", "ـ": "",
        "ґ": "г", "ӏ": "і",
        # Apostrophes, and the letters that stand for one in Hawaiian, Ukrainian, Hebrew or Arabic names.
        **dict.fromkeys("‘’‛′ʹʼʻʽʾʿˈꞌ׳", "'"),
    }
)  # fmt: skip
WITH_A_SIGN = re.compile(r"LATIN SMALL LETTER ([A-Z]) WITH ")
# What is kept for the next text: the letters of all living alphabets, and not all that somebody could send.
MOST_KEPT = 0x3000


class _Folded(dict[int, str]):
    """What each character comes to, for str.translate: one by one, so that marks are never sorted."""

    def __missing__(self, code: int) -> str:
        folded = _fold(chr(code))
        if code < MOST_KEPT:
            self[code] = folded
        return folded


def _fold(char: str) -> str:
    bare = "".join(part for part in unicodedata.normalize("NFKD", char) if not _is_mark(part)).casefold()
    parts = "".join(part for part in unicodedata.normalize("NFKD", bare) if not _is_mark(part))
    return "".join(_plain(part) for part in parts.translate(LETTERS))


def _is_mark(char: str) -> bool:
    """Whether the character only changes another one: accents, points, signs of short vowels, joiners, selectors."""
    if unicodedata.combining(char) or unicodedata.category(char) in {"Cf", "Me"}:
        return True
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _plain(char: str) -> str:
    """The Latin letter under a stroke or a hook ("ł", "ø", "ɗ"), any decimal digit as 0 to 9, any dash as "-"."""
    kind = unicodedata.category(char)
    if kind == "Nd":
        return str(unicodedata.decimal(char))
    if kind == "Pd":
        return "-"
    signed = WITH_A_SIGN.match(unicodedata.name(char, ""))
    return signed[1].lower() if signed else char


class _Words(dict[int, str]):
    """What each character of a search key is in a name: a part of a word, or the space between two."""

    def __missing__(self, code: int) -> str:
        kind = unicodedata.category(chr(code))
        part = " " if kind[0] in "PZC" or kind == "Sk" else chr(code)
        if code < MOST_KEPT:
            self[code] = part
        return part


_folded, _words = _Folded(), _Words()


def search_key(text: str) -> str:
    """Text for comparing without regard to case or accents ("Émile" → "emile", "Łódź" → "lodz")."""
    return text.translate(_folded)


def name_key(text: str) -> str:
    """A name for sorting and finding: the words of its search key, which begin at anything that is no letter
    ("Anne-Marie O’Brien" → "anne marie o brien")."""
    return " ".join(search_key(text).translate(_words).split())
