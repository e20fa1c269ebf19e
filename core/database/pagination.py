"""Keyset pagination of lists: each page costs the same, and nothing is counted."""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.core.exceptions import BadRequest
from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)

# The query parameter of every list that contains the cursor.
CURSOR = "page"
# Above all ids: the first page of a list whose newest rows come first is that before it.
MAX_ID = 2**63 - 1


@dataclass(frozen=True)
class Page(Generic[Row]):
    """The rows of one page, and the cursor of the next page or "" on the last page."""

    rows: list[Row]
    next: str = ""


def make_page(rows: list[Row], size: int, cursor_of: Callable[[Row], str]) -> Page[Row]:
    """Return a page of up to `size` + 1 fetched rows; the extra row only shows that there is a next page."""
    more = len(rows) > size
    rows = rows[:size]
    return Page(rows, cursor_of(rows[-1]) if more else "")


def id_cursor(raw: str | None) -> int | None:
    """Return the id in a cursor, or None for an empty one. Raises BadRequest (400) for anything but an id."""
    if raw is None or raw == "":
        return None
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 18):
        raise BadRequest("not a cursor")
    return int(raw)


def newest_first(rows: "QuerySet[Row]", cursor: str | None, *, size: int) -> Page[Row]:
    """Return the page of `rows` below the id `cursor`, newest first."""
    before = id_cursor(cursor)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return make_id_page(list(rows.order_by("-pk")[: size + 1]), size=size)


def oldest_first(rows: "QuerySet[Row]", cursor: str | None, *, size: int) -> Page[Row]:
    """Return the page of `rows` above the id `cursor`, oldest first."""
    after = id_cursor(cursor)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return make_id_page(list(rows.order_by("pk")[: size + 1]), size=size)


def make_id_page(rows: list[Row], *, size: int) -> Page[Row]:
    """Return a page of up to `size` + 1 fetched rows, which come in the order of their ids or against it."""
    return make_page(rows, size, lambda row: str(row.pk))


def by_text_key(rows: "QuerySet[Row]", cursor: str | None, *, field: str, size: int) -> Page[Row]:
    """Return the page of `rows` after `cursor`, ordered by (`field`, id), which needs an index on both.

    The cursor contains both values; a malformed one raises BadRequest (400).
    """
    if cursor:
        rows = rows.filter(after_text_key(field, *read_text_cursor(cursor)))
    return make_text_page(list(rows.order_by(field, "pk")[: size + 1]), field=field, size=size)


def read_text_cursor(cursor: str | None) -> tuple[str, int]:
    """Return the text and the id after which the page begins: ("", 0) is the first one. Raises BadRequest (400)."""
    return _decode_cursor(cursor) if cursor else ("", 0)


def after_text_key(field: str, text: str, pk: int) -> Q:
    """The condition that a row comes after these values in the order of (`field`, id)."""
    # The first condition bounds the index scan; the second excludes equal values of earlier pages.
    return Q(**{f"{field}__gte": text}) & (Q(**{f"{field}__gt": text}) | Q(pk__gt=pk))


def make_text_page(rows: list[Row], *, field: str, size: int) -> Page[Row]:
    """Return a page of up to `size` + 1 fetched rows, which come in the order of (`field`, id)."""
    return make_page(rows, size, lambda row: _encode_cursor(getattr(row, field), row.pk))


def _encode_cursor(text: str, pk: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([text, pk]).encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> tuple[str, int]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text, pk = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not (isinstance(text, str) and type(pk) is int and "\x00" not in text and 0 <= pk < 10**18):
            raise ValueError
        text.encode()
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise BadRequest("not a cursor") from error
    return text, pk
