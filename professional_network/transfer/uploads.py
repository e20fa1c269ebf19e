"""Which files the rows name, and which of those are not there: rows alone are half a network.

Pictures and documents are names in text columns (decision 6). What rows name is asked of the database in the state that
is carried over, and kept on the disk until the files have been listed.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from feed.models.post import IMAGE_SIZES
from messaging.models.entry import PICTURE_SIZES
from users.models.user import PHOTO_SIZES
from users.services import COVER_SIZE

from .faults import Fault, TransferRefused
from .tables import Table, quoted

# The columns, and the sizes of a picture: its column holds what the names of all sizes begin with.
COLUMNS: dict[str, dict[str, tuple[int, ...]]] = {
    "feed.post": {"document": ()},
    "feed.postimage": {"file": IMAGE_SIZES},
    "messaging.attachment": {"stored": PICTURE_SIZES},
    "users.profile": {"cover": COVER_SIZE[:1]},
    "users.user": {"photo": PHOTO_SIZES},
}
# So many are named; the rest is counted.
MOST_NAMED = 100
# More than so many do not go because members delete pictures meanwhile.
MOST_ASKED_AGAIN = 1000


class Rows(Protocol):
    """A state of a database, and its tables: those of the code, or of an older state."""

    @property
    def tables(self) -> list[Table]: ...

    def each(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a SELECT, few at a time."""


class Named(NamedTuple):
    """What one row names: the whole name of a file, or what the names of a picture's sizes begin with."""

    table: str
    row: str
    field: str
    value: str

    @property
    def files(self) -> list[str]:
        if "." in self.value.rpartition("/")[2]:
            return [self.value]
        return [f"{self.value}-{size}.webp" for size in COLUMNS[self.table][self.field]]

    def fault(self, gone: list[str]) -> Fault:
        return Fault(self.table, self.row, self.field, f"names {', '.join(gone)}, not among the files")


@dataclass(frozen=True)
class Missing:
    """How many rows name a file that is not there; `faults` are the first of them."""

    rows: int
    faults: list[Fault]

    def tell(self, note: Callable[[str], None]) -> None:
        """Name them."""
        for fault in self.faults:
            note(str(fault))
        if self.rows > len(self.faults):
            note(f"{self.rows - len(self.faults):,} more rows name files that are not there.")


def named_by(rows: Rows) -> Iterator[Named]:
    """What the rows name, in the order of tables and keys. A column that an older state has not is left out."""
    for table in rows.tables:
        columns = {column.name: quoted(column.column) for column in table.columns}
        keys = ", ".join(f"t.{quoted(table.columns[place].column)}" for place in table.key)
        for field in COLUMNS.get(table.label, {}):
            if field not in columns:
                continue
            name = f"t.{columns[field]}"
            statement = (
                f"SELECT {name}, {keys} FROM {quoted(table.name)} t WHERE {name} <> '' ORDER BY {keys}"  # noqa: S608
            )
            for value, *key in rows.each(statement):
                # What is no text is told of where rows are read.
                if isinstance(value, str):
                    yield Named(table.label, table.named(tuple(key)), field, value)


class NamedFiles:
    """The files that the rows of one state name. On the disk: there may be more than memory has room for."""

    def __init__(self, rows: Rows) -> None:
        self._lines = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 -- `close` closes it
        self.count = 0
        for one in named_by(rows):
            self._lines.write(json.dumps(one) + "\n")
            self.count += 1

    def close(self) -> None:
        self._lines.close()

    def _gone(self, there: set[str]) -> Iterator[tuple[Named, list[str]]]:
        self._lines.seek(0)
        for line in self._lines:
            one = Named(*json.loads(line))
            if gone := [name for name in one.files if name not in there]:
                yield one, gone

    def missing(self, there: set[str], again: Callable[[], AbstractContextManager[Rows]]) -> Missing:
        """What is not among the files `there`. `again` opens the database as it is now: a picture that was deleted
        between rows and files is not missing, when its row does not name it any more.
        """
        count, faults, first = 0, [], {}
        for one, gone in self._gone(there):
            count += 1
            if count <= MOST_NAMED:
                faults.append(one.fault(gone))
            if count <= MOST_ASKED_AGAIN:
                first[one] = gone
        if 0 < count <= MOST_ASKED_AGAIN:
            with again() as rows:
                still = [one for one in named_by(rows) if one in first]
            count, faults = len(still), [one.fault(first[one]) for one in still[:MOST_NAMED]]
        return Missing(count, faults)

    def check(
        self,
        there: set[str],
        again: Callable[[], AbstractContextManager[Rows]],
        *,
        place: str,
        allowed: int = 0,
    ) -> Missing:
        """The same; TransferRefused when rows name files and there is none at all in `place`.

        As many as are `allowed` are known to the operator, even when that is all of them.
        """
        missing = self.missing(there, again)
        if missing.rows > allowed and not there:
            raise TransferRefused(
                f"{missing.rows:,} rows name uploaded files, and not one file is in {place}. Is its disk mounted, and "
                "is it the right place (--media, MEDIA_ROOT, DATA_DIR, AWS_STORAGE_BUCKET_NAME)? Mend that and run it "
                f"again. Should the files be lost for good, say that you know it: --missing-files {missing.rows}.",
                missing.faults[:5],
            )
        return missing
