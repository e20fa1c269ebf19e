"""Folds text for search and sorting: without case, accents and differences of Unicode form.

Stored keys are made here (User.sort_name, Entry.search_text): a change needs a migration that recomputes the keys of
all rows.
"""

import re
import unicodedata

# Letters that Unicode does not decompose, with the usual spelling on keyboards without them.
REPLACEMENTS = str.maketrans(
    {
        "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ŋ": "n", "ə": "e", "ı": "i", "ȷ": "j", "ƿ": "w",
        # Arabic, Persian and Urdu keyboards write the same letter in different ways.
        "ٱ": "ا", "ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه", "ہ": "ه", "ھ": "ه", "ـ": "",
        "ґ": "г", "ӏ": "і",
        # Apostrophes, and letters used as one in Hawaiian, Ukrainian, Hebrew or Arabic names.
        **dict.fromkeys("‘’‛′ʹʼʻʽʾʿˈꞌ׳", "'"),
    }
)  # fmt: skip
WITH_A_SIGN = re.compile(r"LATIN SMALL LETTER ([A-Z]) WITH ")
# Characters below this are cached: the letters of all living alphabets.
FIRST_UNCACHED = 0x3000


class _Folded(dict[int, str]):
    """The folded form of each character, for str.translate: one by one, so that marks are never sorted."""

    def __missing__(self, code: int) -> str:
        parts = unicodedata.normalize("NFKD", chr(code))
        base = "".join(part for part in parts if not _is_mark(part)).casefold()
        parts = "".join(part for part in unicodedata.normalize("NFKD", base) if not _is_mark(part))
        folded = ""
        for char in parts.translate(REPLACEMENTS):
            kind = unicodedata.category(char)
            if kind == "Nd":
                folded += str(unicodedata.decimal(char))
            elif kind == "Pd":
                folded += "-"
            else:
                # The Latin letter without stroke or hook ("ł", "ø", "ɗ").
                signed = WITH_A_SIGN.match(unicodedata.name(char, ""))
                folded += signed[1].lower() if signed else char
        if code < FIRST_UNCACHED:
            self[code] = folded
        return folded


def _is_mark(char: str) -> bool:
    """Return whether the character modifies another one: accents, vowel signs, joiners, variation selectors."""
    if unicodedata.combining(char) or unicodedata.category(char) in {"Cf", "Me"}:
        return True
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


class _Words(dict[int, str]):
    """The form of each character of a search key in a name: a part of a word, or a space."""

    def __missing__(self, code: int) -> str:
        kind = unicodedata.category(chr(code))
        part = " " if kind[0] in "PZC" or kind == "Sk" else chr(code)
        if code < FIRST_UNCACHED:
            self[code] = part
        return part


_folded, _words = _Folded(), _Words()


def search_key(text: str) -> str:
    """Return text for comparison without case and accents ("Émile" → "emile", "Łódź" → "lodz")."""
    return text.translate(_folded)


def name_key(text: str) -> str:
    """Return the words of a name for sorting and search ("Anne-Marie O’Brien" → "anne marie o brien")."""
    return " ".join(search_key(text).translate(_words).split())
