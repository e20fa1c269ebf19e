"""Cleans text that members type: which characters are allowed, and how it is stored.

Unicode's normal forms sort the marks of a letter, in a time that grows with the square of their number, and nothing
else runs meanwhile. So every function here cuts what is too long and what is piled up first, and normalises then.
How texts are compared and sorted is in core.text.folding.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

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
# No text is longer, whoever cleans it; forms refuse far below.
LONGEST_TEXT = 64 * 1024
# Unicode's own bound for marks in a row (UAX 15, Stream-Safe Text Format): no language comes near it.
LONGEST_PILE = 30
# What pasting leaves at the ends of a line: marks of direction, joiners of words, soft hyphens, no letters. An override
# of direction is not among them: it was meant.
PASTED = "\u00ad\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u2060\u2066\u2067\u2068\u2069\ufeff"
# The flags of England, Scotland and Wales, each a black flag with invisible letters: the only ones of their kind.
FLAGS = re.compile(
    "\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074"
    "|\U000e0077\U000e006c\U000e0073)\U000e007f"
)

_control = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_blank_lines = re.compile(r"\n{4,}")
_not_storable = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def character_class(codes: Iterable[int]) -> str:
    """The inside of a regular expression's [...] that holds these characters, given in order."""
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


@cache
def _piles() -> re.Pattern[str]:
    """Return the pattern of too many marks in a row: those that normalisation sorts.

    They are the marks with a combining class, and three Tibetan vowels that decompose into such marks. Compiled at
    first use: the loop over all characters takes 5 % of the start of a command.
    """
    marks = character_class(
        code
        for code in range(0x300, 0x1F000)
        if unicodedata.combining(chr(code)) or code in {0xF73, 0xF75, 0xF81}
    )
    return re.compile(f"([{marks}]{{{LONGEST_PILE}}})[{marks}]+")


def _normal(text: str) -> str:
    """NFC, in a time that grows with the length alone: what is beyond the bounds is left out."""
    text = text[:LONGEST_TEXT]
    if text.isascii():
        return text
    # Twice, since a mark may come apart into two.
    cut = _piles().sub
    return cut(r"\1", unicodedata.normalize("NFC", cut(r"\1", text)))


def clean_line(text: str) -> str:
    """One line as it is stored: NFC, no line breaks, single spaces, trimmed of blanks and of what pasting leaves."""
    return " ".join(_normal(text).split()).strip(PASTED + " ")


def clean_parameter(raw: object, longest: int) -> str:
    """One line of what came in a request without a form that checks it: a text that can be stored and looked for, with
    at most `longest` characters. What is no text counts as none."""
    text = raw if isinstance(raw, str) else ""
    return clean_line(_not_storable.sub("", text[: 4 * longest]))[:longest].rstrip()


def clean_block(text: str) -> str:
    """A text of many lines as it is stored: NFC, LF line ends, no control characters, at most two blank lines
    in a row, no trailing blank lines. Everything else stays as it was typed."""
    text = text[: 2 * LONGEST_TEXT].replace("\r\n", "\n").replace("\r", "\n")
    text = _normal(_control.sub("", text))
    return _blank_lines.sub("\n\n\n", text).strip("\n").rstrip()


def says_something(text: str) -> bool:
    """Whether there is anything to see in `text`: blanks and characters without a shape say nothing."""
    # Not "Cn": the emoji of next year are unassigned in the tables of this Python.
    unseen = {"Cc", "Cf", "Zs", "Zl", "Zp"}
    return any(char not in BLANKS and unicodedata.category(char) not in unseen for char in text)


def refuse_invisible(text: str) -> None:
    """Raise ValidationError where `text` hides something: control, format, private or unassigned characters,
    direction overrides, blanks that look like nothing, or piles of combining marks (Unicode TR 36)."""
    text, marks = FLAGS.sub("\U0001f3f4", text[:LONGEST_TEXT]), 0
    for index, char in enumerate(text):
        marks = marks + 1 if unicodedata.category(char) == "Mn" else 0
        if marks > MOST_MARKS or _hides(text, index):
            raise ValidationError(
                _(
                    "This holds an invisible or misleading character. Please type it again instead of pasting."
                ),
                code="invisible",
            )


def hides_joiner(text: str) -> bool:
    """Whether a joiner stands in `text` where no script spells with it."""
    return any(char in JOINERS and _hides(text, index) for index, char in enumerate(text))


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
