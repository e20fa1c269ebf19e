"""Cleans text of members: which characters are allowed, and how it is stored.

Unicode normalisation sorts the combining marks of a character, in a time that grows with the square of their number,
without releasing the GIL. So every function here first truncates text and runs of marks, and then normalises. For
comparison and sorting see core.text.folding.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# Joiners are part of the spelling in Arabic, Persian and the scripts of India, and misleading anywhere else.
JOINERS = {"\u200c", "\u200d"}
JOINING_SCRIPTS = (
    "ARABIC", "SYRIAC", "MONGOLIAN", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU",
    "KANNADA", "MALAYALAM", "SINHALA", "KHMER", "MYANMAR", "TIBETAN",
)  # fmt: skip
# Scripts with variation selectors, which select another form of a character; symbols have them, too.
VARYING_SCRIPTS = ("CJK", "MONGOLIAN", "MYANMAR", "PHAGS-PA")
# Invisible characters: Hangul fillers, the empty Braille cell, the grapheme joiner, inherent vowels of Khmer.
BLANKS = set("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
MOST_MARKS = 4
# The maximum for any text; forms have much lower limits.
LONGEST_TEXT = 64 * 1024
# Unicode's own limit (UAX 15, Stream-Safe Text Format): no language comes near it.
MAX_MARKS_IN_A_ROW = 30
# Invisible characters that pasting leaves at the ends of a line: direction marks, word joiners, soft hyphens. Direction
# overrides are not among them: they are intentional, and refused.
PASTED = "\u00ad\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u2060\u2066\u2067\u2068\u2069\ufeff"
# The flags of England, Scotland and Wales: each is a black flag with invisible tag characters.
FLAGS = re.compile(
    "\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074"
    "|\U000e0077\U000e006c\U000e0073)\U000e007f"
)

_control = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_blank_lines = re.compile(r"\n{4,}")
_not_storable = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def character_class(codes: Iterable[int]) -> str:
    """Return the inside of a regular expression's [...] for these sorted characters."""
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


@cache
def _mark_runs() -> re.Pattern[str]:
    """Return the pattern of too many combining marks in a row.

    They are the marks with a combining class, and three Tibetan vowels that decompose into such marks. Compiled at
    first use: the loop over all characters takes 5 % of the start of a command.
    """
    combining = character_class(
        code
        for code in range(0x300, 0x1F000)
        if unicodedata.combining(chr(code)) or code in {0xF73, 0xF75, 0xF81}
    )
    return re.compile(f"([{combining}]{{{MAX_MARKS_IN_A_ROW}}})[{combining}]+")


def _normalise(text: str) -> str:
    """Return NFC in linear time; text and marks beyond the limits are dropped."""
    text = text[:LONGEST_TEXT]
    if text.isascii():
        return text
    # Twice, since normalisation may decompose a mark into two.
    cut = _mark_runs().sub
    return cut(r"\1", unicodedata.normalize("NFC", cut(r"\1", text)))


def clean_line(text: str) -> str:
    """Return one line as it is stored: NFC, no line breaks, single spaces, trimmed."""
    return " ".join(_normalise(text).split()).strip(PASTED + " ")


def clean_parameter(raw: object, longest: int) -> str:
    """Return a request parameter that no form checks as one storable line of at most `longest` characters.

    Anything but a text becomes "".
    """
    text = raw if isinstance(raw, str) else ""
    return clean_line(_not_storable.sub("", text[: 4 * longest]))[:longest].rstrip()


def clean_block(text: str) -> str:
    """Return a text of many lines as it is stored.

    It has NFC, LF line ends, no control characters, at most two blank lines in a row, and no trailing blank lines.
    """
    text = text[: 2 * LONGEST_TEXT].replace("\r\n", "\n").replace("\r", "\n")
    text = _normalise(_control.sub("", text))
    return _blank_lines.sub("\n\n\n", text).strip("\n").rstrip()


def has_visible_text(text: str) -> bool:
    """Return whether `text` has a visible character."""
    # Not "Cn": future emoji are unassigned in the tables of this Python.
    invisible = {"Cc", "Cf", "Zs", "Zl", "Zp"}
    return any(char not in BLANKS and unicodedata.category(char) not in invisible for char in text)


def refuse_invisible(text: str) -> None:
    """Raise ValidationError for invisible and misleading characters (Unicode TR 36).

    These are control, format, private and unassigned characters, direction overrides, invisible blanks, and too many
    combining marks in a row.
    """
    text, mark_count = FLAGS.sub("\U0001f3f4", text[:LONGEST_TEXT]), 0
    for index, char in enumerate(text):
        mark_count = mark_count + 1 if unicodedata.category(char) == "Mn" else 0
        if mark_count > MOST_MARKS or _is_hidden(text, index):
            raise ValidationError(
                _(
                    "This contains an invisible or misleading character. Please type it again instead of pasting."
                ),
                code="invisible",
            )


def hides_joiner(text: str) -> bool:
    """Return whether `text` has a joiner where no script uses it."""
    return any(char in JOINERS and _is_hidden(text, index) for index, char in enumerate(text))


def _is_hidden(text: str, index: int) -> bool:
    char, before, after = text[index], text[max(index - 1, 0) : index], text[index + 1 : index + 2]
    if char in JOINERS:
        follows_emoji = _is_symbol(before) or before == "\ufe0f"
        return not (_is_in_script(before, JOINING_SCRIPTS) or (follows_emoji and _is_symbol(after)))
    if "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef" or "\u180b" <= char <= "\u180d":
        # A variation selector.
        return not (_is_in_script(before, VARYING_SCRIPTS) or _has_category(before, "S", "P", "N"))
    return char in BLANKS or (unicodedata.category(char) in HIDDEN and not _is_symbol(char))


def _has_category(char: str, *kinds: str) -> bool:
    return char != "" and unicodedata.category(char).startswith(kinds)


def _is_in_script(char: str, scripts: tuple[str, ...]) -> bool:
    return char != "" and any(script in unicodedata.name(char, "") for script in scripts)


def _is_symbol(char: str) -> bool:
    # The emoji blocks contain characters that are newer than the tables of this Python.
    return _has_category(char, "S") or "\U0001f300" <= char <= "\U0001faff"
