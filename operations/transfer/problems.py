"""Problems of a transfer, named so that an operator can find them."""

import errno
from collections.abc import Iterable
from dataclasses import dataclass

MAX_CHARACTERS = 40
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def shorten_value(value: object) -> str:
    """Return `value` for a message: quoted, in one line, at most 40 characters."""
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…")


@dataclass(frozen=True)
class Problem:
    """One problem and its location. `row` is the primary key, `field` the model's name of the column."""

    table: str
    row: str
    field: str
    what: str

    def __str__(self) -> str:
        where = (
            self.table
            + (f" {self.row}" if self.row else "")
            + (f", field {self.field}" if self.field else "")
        )
        return f"{where}: {self.what}" if where else self.what


class TransferRefused(Exception):
    """The transfer is impossible, or was undone; `problems` names everything that was found."""

    def __init__(self, summary: str, problems: Iterable[Problem] = ()) -> None:
        self.summary = summary
        self.problems = list(problems)
        super().__init__("\n".join([summary, *(f"  - {problem}" for problem in self.problems)]))


def describe_os_error(error: OSError, fallback: object = "") -> str:
    """Describe an OSError for an operator: a full disk is named, with the path that was written.

    Of the two paths of a copy Python names the one that was read first. A failed write names none: `fallback` is used.
    """
    if error.errno in NO_ROOM:
        path, reason = error.filename2 or error.filename or fallback, "the disk is full"
    else:
        path, reason = error.filename, error.strerror or type(error).__name__
    return f"{reason} ({path})" if path else reason
