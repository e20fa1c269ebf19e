"""Which files the rows name, and which of those are not there: rows alone are half a network.

Pictures and documents are names in text columns (decision 6). What rows name is asked of the database in the state that
is carried over, and kept on the disk until the files have been listed.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from core.files.fields import file_field, file_fields

from .problems import Fault, TransferRefused
from .tables import Table, quoted

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
    # How many bytes the (first) file has, where the row says so.
    length: int | None

    @property
    def files(self) -> list[str]:
        return file_field(self.table, self.field).files_of(self.value)

    def gone(self, there: Mapping[str, int]) -> list[str]:
        """Those of the files that are not `there`, and one that has not as many bytes as the row says."""
        names = self.files
        other_length = self.length is not None and there.get(names[0], self.length) != self.length
        return [name for place, name in enumerate(names) if name not in there or (other_length and not place)]

    def fault(self, gone: list[str], there: Mapping[str, int]) -> Fault:
        missing = [name for name in gone if name not in there]
        cut = [
            f"{name}, which has {there[name]:,} bytes, {self.length:,} in the row"
            for name in gone
            if name in there
        ]
        told = [f"{', '.join(missing)}, not among the files"] if missing else []
        return Fault(self.table, self.row, self.field, f"names {' and '.join([*told, *cut])}")


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
    fields = file_fields()
    for table in rows.tables:
        columns = {column.name: quoted(column.column) for column in table.columns}
        keys = ", ".join(f"t.{quoted(table.columns[place].column)}" for place in table.key)
        for field in fields:
            if field.model._meta.label_lower != table.label or field.name not in columns:
                continue
            name, length = f"t.{columns[field.name]}", field.length_field
            bytes_of = f"t.{columns[length]}" if length in columns else "NULL"
            statement = f"SELECT {name}, {bytes_of}, {keys} FROM {quoted(table.name)} t "  # noqa: S608
            statement += f"WHERE {name} <> '' ORDER BY {keys}"
            for value, said, *key in rows.each(statement):
                # What is no text, or no number, is told of where rows are read.
                if isinstance(value, str):
                    known = said if isinstance(said, int) and said else None
                    yield Named(table.label, table.named(tuple(key)), field.name, value, known)


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

    def _gone(self, there: Mapping[str, int]) -> Iterator[tuple[Named, list[str]]]:
        self._lines.seek(0)
        for line in self._lines:
            one = Named(*json.loads(line))
            if gone := one.gone(there):
                yield one, gone

    def missing(self, there: Mapping[str, int], again: Callable[[], AbstractContextManager[Rows]]) -> Missing:
        """What is not among the files `there`, by their names and lengths.

        `again` opens the database as it is now: a picture that was deleted between rows and files is not missing, when
        its row does not name it any more.
        """
        count, faults, first = 0, [], {}
        for one, gone in self._gone(there):
            count += 1
            if count <= MOST_NAMED:
                faults.append(one.fault(gone, there))
            if count <= MOST_ASKED_AGAIN:
                first[one] = gone
        if 0 < count <= MOST_ASKED_AGAIN:
            with again() as rows:
                still = [one for one in named_by(rows) if one in first]
            count, faults = len(still), [one.fault(first[one], there) for one in still[:MOST_NAMED]]
        return Missing(count, faults)

    def check(
        self,
        there: Mapping[str, int],
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
