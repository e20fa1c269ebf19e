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
MOST_MARKS = 4

_control = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_blank_lines = re.compile(r"\n{4,}")


def clean_line(text: str) -> str:
    """One line as it is stored: NFC, no line breaks, single spaces, trimmed."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def clean_block(text: str) -> str:
    """A text of many lines as it is stored: NFC, LF line ends, no control characters, at most two blank lines
    in a row, no trailing blank lines. Everything else stays as it was typed."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _control.sub("", text)
    return _blank_lines.sub("\n\n\n", text).strip("\n").rstrip()


def search_key(text: str) -> str:
    """Text for sorting and comparing without regard to case or accents ("Émile" → "emile")."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def refuse_invisible(text: str) -> None:
    """Raise ValidationError where `text` hides something: control, format, private or unassigned characters,
    direction overrides, blanks that look like nothing, or piles of combining marks (Unicode TR 36)."""
    marks = 0
    for index, char in enumerate(text):
        category = unicodedata.category(char)
        marks = marks + 1 if category == "Mn" else 0
        if category == "Cf" and char in JOINERS and _joins(text, index):
            continue
        if category in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} or marks > MOST_MARKS or char in "\u115f\u1160\u3164\uffa0\u2800":
            raise ValidationError(
                _("This holds an invisible or misleading character. Please type it again instead of pasting."),
                code="invisible",
            )


def _joins(text: str, index: int) -> bool:
    return 0 < index and any(script in unicodedata.name(text[index - 1], "") for script in JOINING_SCRIPTS)
