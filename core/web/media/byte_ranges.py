"""Parses the Range header for partial downloads (RFC 9110 14)."""

import re
from dataclasses import dataclass
from typing import IO

from django.http import HttpRequest

_ONE = re.compile(r"bytes=(?:([0-9]{1,15})-([0-9]{0,15})|-([0-9]{1,15}))")


@dataclass(frozen=True)
class Span:
    """`length` bytes from `start` on; a length of 0 means that the range is beyond the file (416)."""

    start: int
    length: int


class Part:
    """The bytes of `span` in `file`, for a FileResponse, which reads and closes it."""

    def __init__(self, file: IO[bytes], span: Span) -> None:
        file.seek(span.start)
        self._file = file
        self._left = span.length

    def read(self, size: int) -> bytes:
        """Return up to `size` further bytes of the part; b"" at its end."""
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._file.close()


def requested_span(request: HttpRequest, size: int, etag: str) -> Span | None:
    """Return the part of a file of `size` bytes that a GET requests, or None for the whole file.

    Several ranges, other units and malformed headers get the whole file, as RFC 9110 14.2 allows; so does an If-Range
    with another version.
    """
    match = _ONE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if match is None or request.method != "GET" or request.headers.get("If-Range", etag) != etag:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        length = min(int(suffix), size)
        return Span(size - length, length)
    start = int(first)
    end = min(int(last) if last else size - 1, size - 1)
    if last and int(last) < start:
        return None
    return Span(start, max(end - start + 1, 0))
