"""Parses a message of a stranger within limits: bytes, lines, headers, parts and depth.

Python's parser has no limits of this kind, and some of its methods take quadratic time for long headers, or time
proportional to lines times depth. The limits hold while it parses, so that the cost of a message is bounded.
"""

from email.message import Message
from email.parser import BytesFeedParser
from email.policy import Compat32
from typing import Any

# Large providers accept 25 MB, of which a bounce or a reply needs little.
MAX_BYTES = 20 * 1024 * 1024
# 20 MB of base64 have 270,000.
MAX_LINES = 400_000
MAX_HEADERS = 1000
MAX_HEADER_CHARACTERS = 32 * 1024
MAX_HEADERS_CHARACTERS = 256 * 1024
# Their parameters take quadratic time each time that one is read.
MAX_CONTENT_HEADER_CHARACTERS = 2048
MAX_PARTS = 200
MAX_DEPTH = 20
CHUNK = 64 * 1024


class UnreadableMessage(Exception):
    """The message exceeds a limit, or is no message."""


class _Counts:
    """The number of parts and headers of one message so far."""

    def __init__(self) -> None:
        self.parts = self.headers = self.characters = 0

    def add_part(self) -> None:
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise UnreadableMessage("too many parts")

    def add_header(self, name: str, length: int) -> None:
        self.headers += 1
        self.characters += length
        is_content = name.lower().startswith("content-")
        most = MAX_CONTENT_HEADER_CHARACTERS if is_content else MAX_HEADER_CHARACTERS
        if length > most or self.characters > MAX_HEADERS_CHARACTERS:
            raise UnreadableMessage("headers too long")
        if self.headers > MAX_HEADERS:
            raise UnreadableMessage("too many headers")


class BoundedMessage(Message):
    """A message whose parts and headers count towards the limits of the whole."""

    def __init__(self, policy: Any = None, *, counts: _Counts | None = None) -> None:
        super().__init__(policy or Compat32())
        self.depth = 1
        self._counts = counts or _Counts()
        self._counts.add_part()

    def set_raw(self, name: str, value: str) -> None:
        """Store a header as the parser has found it."""
        self._counts.add_header(name, len(name) + len(value))
        super().set_raw(name, value)

    def get_payload(self, i: Any = None, decode: Any = False) -> Any:
        """Return the parts, the bytes (`decode`), or the text as it was received, with surrogates for other bytes.

        Python decodes such text with any codec that the sender names: "punycode" takes hours, "undefined" raises.
        """
        if i is None and not decode:
            return self.__dict__["_payload"]
        return super().get_payload(i, decode)

    def attach(self, payload: Any) -> None:
        """Add a part, which the parser does before it reads the part."""
        payload.depth = self.depth + 1
        if payload.depth > MAX_DEPTH:
            raise UnreadableMessage("nested too deep")
        super().attach(payload)


def parse_message(content: bytes) -> Message:
    """Return the parsed message. Raises UnreadableMessage beyond the limits, or without any header."""
    if len(content) > MAX_BYTES:
        raise UnreadableMessage("too large")
    if content.count(b"\n") + content.count(b"\r") > 2 * MAX_LINES:
        raise UnreadableMessage("too many lines")
    counts = _Counts()

    def make_part(policy: Any = None) -> BoundedMessage:
        return BoundedMessage(policy, counts=counts)

    parser = BytesFeedParser(make_part, policy=Compat32())
    try:
        for start in range(0, len(content), CHUNK):
            parser.feed(content[start : start + CHUNK])
        message = parser.close()
    except UnreadableMessage:
        raise
    except Exception as error:
        raise UnreadableMessage(type(error).__name__) from error
    if not message.keys():
        raise UnreadableMessage("no headers")
    return message
