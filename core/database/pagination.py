"""Pages of lists by key, never by offset: each page costs the same, and nothing is counted."""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.core.exceptions import BadRequest
from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)

# The parameter that carries a cursor in every list's address.
CURSOR = "page"


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page: its rows, and the cursor of the next page or "" when this is the last."""

    rows: list[Row]
    next: str = ""


def cut(rows: list[Row], size: int, cursor_of: Callable[[Row], str]) -> Page[Row]:
    """A page from up to `size` + 1 fetched rows; the extra row only tells that there is more."""
    more = len(rows) > size
    rows = rows[:size]
    return Page(rows, cursor_of(rows[-1]) if more else "")


def id_cursor(raw: str | None) -> int | None:
    """The id in a cursor, or None where there is none. Raises BadRequest (400) for anything but an id."""
    if raw is None or raw == "":
        return None
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 18):
        raise BadRequest("not a cursor")
    return int(raw)


def newest_first(rows: "QuerySet[Row]", cursor: str | None, *, size: int) -> Page[Row]:
    """The page of `rows` below the id `cursor`, newest first."""
    before = id_cursor(cursor)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return cut(list(rows.order_by("-pk")[: size + 1]), size, lambda row: str(row.pk))


def oldest_first(rows: "QuerySet[Row]", cursor: str | None, *, size: int) -> Page[Row]:
    """The page of `rows` above the id `cursor`, oldest first."""
    after = id_cursor(cursor)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return cut(list(rows.order_by("pk")[: size + 1]), size, lambda row: str(row.pk))


def by_text_key(rows: "QuerySet[Row]", cursor: str | None, *, field: str, size: int) -> Page[Row]:
    """The page of `rows` after `cursor` in the order of (`field`, id); an index on both serves it.

    The cursor holds both values; a malformed one raises BadRequest (400).
    """
    if cursor:
        text, pk = _decode(cursor)
        # The first condition bounds the index scan; the second drops the ties already shown.
        rows = rows.filter(Q(**{f"{field}__gte": text}) & (Q(**{f"{field}__gt": text}) | Q(pk__gt=pk)))
    found = list(rows.order_by(field, "pk")[: size + 1])
    return cut(found, size, lambda row: _encode(getattr(row, field), row.pk))


def _encode(text: str, pk: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([text, pk]).encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[str, int]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text, pk = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not (isinstance(text, str) and type(pk) is int and "\x00" not in text and 0 <= pk < 10**18):
            raise ValueError
        text.encode()
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise BadRequest("not a cursor") from error
    return text, pk
