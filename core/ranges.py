"""The part of a file that a browser asks for (RFC 9110 14)."""

import re
from dataclasses import dataclass

from django.http import HttpRequest

_ONE = re.compile(r"bytes=(?:([0-9]{1,15})-([0-9]{0,15})|-([0-9]{1,15}))")


@dataclass(frozen=True)
class Span:
    """`length` bytes from `start` on; a length of 0 means that the file has none of them (416)."""

    start: int
    length: int


def asked_span(request: HttpRequest, size: int, etag: str) -> Span | None:
    """The one part of a file of `size` bytes that a GET asks for, or None for the whole of it.

    Several parts at once, other units and malformed headers get the whole file, as RFC 9110 14.2 allows; so does an
    If-Range that names another version.
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
