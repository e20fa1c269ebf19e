"""What may stand in a text that a member types, and how it is stored."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# Joiners are spelling in Arabic, Persian and the scripts of India, and a trick anywhere else.
JOINERS = {"\u200c", "\u200d"}
JOINING_SCRIPTS = (
    "ARABIC", "SYRIAC", "MONGOLIAN", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU",
    "KANNADA", "MALAYALAM", "SINHALA", "KHMER", "MYANMAR", "TIBETAN",
)  # fmt: skip
# Those that a variation selector may follow: it picks another form of a character of theirs, or of a symbol.
VARYING_SCRIPTS = ("CJK", "MONGOLIAN", "MYANMAR", "PHAGS-PA")
# Hangul fillers, the empty Braille cell, the grapheme joiner, Khmer's unwritten vowels: assigned, and seen by nobody.
BLANKS = set("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
MOST_MARKS = 4

_control = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_blank_lines = re.compile(r"\n{4,}")


def clean_line(text: str) -> str:
    """One line as it is stored: NFC, no line breaks, single spaces, trimmed."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def clean_block(text: str) -> str:
    """A text of many lines as it is stored: NFC, LF line ends, no control characters, at most two blank lines
    in a row, no trailing blank lines. Everything else stays as it was typed."""
    text = _control.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = unicodedata.normalize("NFC", text)
    return _blank_lines.sub("\n\n\n", text).strip("\n").rstrip()


def says_something(text: str) -> bool:
    """Whether there is anything to see in `text`: blanks and characters without a shape say nothing."""
    # Not "Cn": the emoji of next year are unassigned in the tables of this Python.
    unseen = {"Cc", "Cf", "Zs", "Zl", "Zp"}
    return any(char not in BLANKS and unicodedata.category(char) not in unseen for char in text)


def search_key(text: str) -> str:
    """Text for sorting and comparing without regard to case or accents ("Émile" → "emile")."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(char))


def refuse_invisible(text: str) -> None:
    """Raise ValidationError where `text` hides something: control, format, private or unassigned characters,
    direction overrides, blanks that look like nothing, or piles of combining marks (Unicode TR 36)."""
    marks = 0
    for index, char in enumerate(text):
        marks = marks + 1 if unicodedata.category(char) == "Mn" else 0
        if marks > MOST_MARKS or _hides(text, index):
            raise ValidationError(
                _(
                    "This holds an invisible or misleading character. Please type it again instead of pasting."
                ),
                code="invisible",
            )


def _hides(text: str, index: int) -> bool:
    char, before, after = text[index], text[max(index - 1, 0) : index], text[index + 1 : index + 2]
    if char in JOINERS:
        return not (_is_of(before, JOINING_SCRIPTS) or (_ends_emoji(before) and _is_symbol(after)))
    if _is_variation_selector(char):
        return not (_is_of(before, VARYING_SCRIPTS) or _starts(before, "S", "P", "N"))
    return char in BLANKS or (unicodedata.category(char) in HIDDEN and not _is_symbol(char))


def _starts(char: str, *kinds: str) -> bool:
    return char != "" and unicodedata.category(char).startswith(kinds)


def _is_of(char: str, scripts: tuple[str, ...]) -> bool:
    return char != "" and any(script in unicodedata.name(char, "") for script in scripts)


def _is_symbol(char: str) -> bool:
    # The emoji blocks hold characters that are newer than the tables of this Python.
    return _starts(char, "S") or "\U0001f300" <= char <= "\U0001faff"


def _ends_emoji(char: str) -> bool:
    return _is_symbol(char) or char == "\ufe0f"


def _is_variation_selector(char: str) -> bool:
    return (
        "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef" or "\u180b" <= char <= "\u180d"
    )
