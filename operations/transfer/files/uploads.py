"""Which files the rows refer to, and which of those are missing: rows alone are half a network.

Pictures and documents are names in text columns (decision 6). The references are read in the database state that is
transferred, and kept on the disk until the files have been listed.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from core.files.row_files import file_field, file_fields

from ..problems import Problem, TransferRefused
from ..tables import Table, quote_name

# Most references that are named; the rest is counted.
MAX_NAMED = 100
# With more missing files than this, the cause is not that members delete pictures meanwhile.
MAX_RECHECKED = 1000


class RowSource(Protocol):
    """One state of a database, with its tables: those of the code, or of an older state."""

    @property
    def tables(self) -> list[Table]: ...

    def stream_rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a SELECT, few at a time."""


class FileReference(NamedTuple):
    """A reference of one row: the name of a file, or the common beginning of the names of a picture's sizes."""

    table: str
    row: str
    field: str
    value: str
    # How many bytes the (first) file has, where the row says so.
    length: int | None

    @property
    def files(self) -> list[str]:
        return file_field(self.table, self.field).files_of(self.value)

    def missing_names(self, present: Mapping[str, int]) -> list[str]:
        """Return the files that are not `present`, and one whose size is not that of the row."""
        names = self.files
        other_length = self.length is not None and present.get(names[0], self.length) != self.length
        return [
            name for index, name in enumerate(names) if name not in present or (other_length and not index)
        ]

    def describe_problem(self, missing_names: list[str], present: Mapping[str, int]) -> Problem:
        missing = [name for name in missing_names if name not in present]
        cut = [
            f"{name}, which has {present[name]:,} bytes, {self.length:,} in the row"
            for name in missing_names
            if name in present
        ]
        absent = [f"{', '.join(missing)}, not among the files"] if missing else []
        return Problem(self.table, self.row, self.field, f"names {' and '.join([*absent, *cut])}")


@dataclass(frozen=True)
class MissingFiles:
    """The number of rows that name a missing file; `problems` are the first of them."""

    rows: int
    problems: list[Problem]

    def write_notes(self, add_note: Callable[[str], None]) -> None:
        """Write a note for each problem."""
        for problem in self.problems:
            add_note(str(problem))
        if self.rows > len(self.problems):
            add_note(f"{self.rows - len(self.problems):,} more rows name files that are not there.")


def file_references(rows: RowSource) -> Iterator[FileReference]:
    """Yield the references in the order of tables and keys. Columns that an older state does not have are skipped."""
    fields = file_fields()
    for table in rows.tables:
        columns = {column.name: quote_name(column.name) for column in table.columns}
        keys = table.key_list
        for field in fields:
            if field.model._meta.db_table != table.name or field.column not in columns:
                continue
            name, length_field = f"t.{columns[field.column]}", field.length_field
            size_column = f"t.{columns[length_field]}" if length_field in columns else "NULL"
            statement = f"SELECT {name}, {size_column}, {keys} FROM {quote_name(table.name)} t "  # noqa: S608
            statement += f"WHERE {name} <> '' ORDER BY {keys}"
            for value, size, *key in rows.stream_rows(statement):
                # Values of other types are reported where rows are read.
                if isinstance(value, str):
                    length = size if isinstance(size, int) and size else None
                    yield FileReference(table.label, table.format_key(tuple(key)), field.name, value, length)


class ReferencedFiles:
    """The files that the rows of one state refer to, kept on the disk: there may be too many for memory."""

    def __init__(self, rows: RowSource) -> None:
        self._lines = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 -- `close` closes it
        self.count = 0
        for reference in file_references(rows):
            self._lines.write(json.dumps(reference) + "\n")
            self.count += 1

    def close(self) -> None:
        self._lines.close()

    def find_missing(
        self, present: Mapping[str, int], reopen: Callable[[], AbstractContextManager[RowSource]]
    ) -> MissingFiles:
        """Return what is not among the files `present`, which are given by names and sizes.

        `reopen` opens the database in its present state: a picture that was deleted between rows and files is not
        missing when its row does not name it any more.
        """
        count, problems, first = 0, [], {}
        self._lines.seek(0)
        for line in self._lines:
            reference = FileReference(*json.loads(line))
            missing = reference.missing_names(present)
            if not missing:
                continue
            count += 1
            if count <= MAX_NAMED:
                problems.append(reference.describe_problem(missing, present))
            if count <= MAX_RECHECKED:
                first[reference] = missing
        if 0 < count <= MAX_RECHECKED:
            with reopen() as rows:
                still = [reference for reference in file_references(rows) if reference in first]
            count = len(still)
            problems = [
                reference.describe_problem(first[reference], present) for reference in still[:MAX_NAMED]
            ]
        return MissingFiles(count, problems)

    def check_files(
        self,
        present: Mapping[str, int],
        reopen: Callable[[], AbstractContextManager[RowSource]],
        *,
        location: str,
        allowed: int = 0,
    ) -> MissingFiles:
        """Return the same; TransferRefused when rows name files and there is none at all in `location`.

        The operator knows of as many missing files as are `allowed`, even when that is all of them.
        """
        missing = self.find_missing(present, reopen)
        if missing.rows > allowed and not present:
            raise TransferRefused(
                f"{missing.rows:,} rows name uploaded files, and not one file is in {location}. Is its disk mounted, "
                "and is it the right place (--media, MEDIA_ROOT, DATA_DIR, AWS_STORAGE_BUCKET_NAME)? Mend that and run "
                f"it again. Should the files be lost for good, say that you know it: --missing-files {missing.rows}.",
                missing.problems[:5],
            )
        return missing
