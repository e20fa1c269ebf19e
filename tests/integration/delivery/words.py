"""Messages that can be found again wherever they turn up: each carries a mark that no other one has."""

import re
from typing import NamedTuple

FILLER = (
    "short",
    "a little longer, with *marks*",
    "grüße · 你好 · 🙂",
    "two\nlines",
    "https://example.org/a?b=c",
)
MARK = re.compile(r"w(\d+)a(\d+)n(\d+)v(\d+)z")


class Mark(NamedTuple):
    """What a mark tells: the conversation, the author, the author's own count, and 0 or the version of an edit."""

    conversation: int
    author: int
    number: int
    version: int = 0

    def __str__(self) -> str:
        return f"w{self.conversation}a{self.author}n{self.number}v{self.version}z"

    @property
    def original(self) -> "Mark":
        return self._replace(version=0)


def text_of(mark: Mark) -> str:
    """The words of a message."""
    return f"{mark} {FILLER[mark.number % len(FILLER)]}"


def marks_in(text: str) -> set[Mark]:
    """All marks that stand anywhere in `text`, such as a frame or a page."""
    return {Mark(*map(int, found)) for found in MARK.findall(text)}


def mark_of(text: str) -> Mark | None:
    """The mark that `text` begins with; None for an empty text and for one of nobody's."""
    found = MARK.match(text)
    return Mark(*map(int, found.groups())) if found else None
