"""The file of one table in an export: `tables/feed.post.jsonl.gz`.

The first line names the table and its columns, each further one is a row, the last one has the number of rows and the
hash: a truncated file has no such end.
"""

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .manifest import TableFacts
from .problems import Problem, TransferRefused
from .rows import Row, TableHash, decode_values, row_hash
from .tables import Table

COMPRESSION = 3
FOLDER = "tables"
SUFFIX = ".jsonl.gz"


class TableFile:
    """The file of one table in the folder of an export."""

    def __init__(self, folder: Path, table: Table) -> None:
        self.path = folder / FOLDER / f"{table.label}{SUFFIX}"
        self._table = table

    @property
    def _header(self) -> dict[str, Any]:
        return {"table": self._table.label, "columns": self._table.fields}

    def write_rows(self, rows: Iterator[Row], sequence: int) -> TableFacts:
        """Write all rows; returns the table's facts for the manifest."""
        total = TableHash()
        with self.path.open("wb") as raw:
            # Without name and time, so that equal tables give equal files.
            with gzip.GzipFile("", "wb", COMPRESSION, raw, mtime=0) as file:
                file.write(json.dumps(self._header).encode() + b"\n")
                for row in rows:
                    total.add_row(row_hash(row.line))
                    file.write(row.line + b"\n")
                file.write(json.dumps({"rows": total.rows, "hash": total.text}).encode() + b"\n")
            raw.flush()
            os.fsync(raw.fileno())
        return TableFacts(total.rows, total.text, self._hash_file(), sequence)

    def _hash_file(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def find_problem(self, facts: TableFacts) -> Problem | None:
        """Return the problem of the file, None when it is the one of the manifest."""
        try:
            if self._hash_file() == facts.sha256:
                return None
        except FileNotFoundError:
            return Problem(self._table.label, "", "", f"{self.path.name} is missing")
        except OSError as error:
            return Problem(self._table.label, "", "", f"{self.path.name} cannot be read: {error.strerror}")
        # Read it to find the first damaged row.
        try:
            for _ in self.read_rows():
                pass
        except TransferRefused as refused:
            return refused.problems[0]
        return Problem(
            self._table.label, "", "", f"{self.path.name} is not the file that the manifest tells of"
        )

    def read_rows(self) -> Iterator[Row]:
        """Yield the rows. Raises TransferRefused where the file is damaged, truncated, or has other columns."""
        total = TableHash()
        key_of, width = self._table.key_of, len(self._table.columns)
        try:
            with gzip.open(self.path) as file:
                if json.loads(file.readline() or b"null") != self._header:
                    raise self._damaged_file(0, "has other columns than the model")
                for line in file:
                    if line.startswith(b"{"):
                        if json.loads(line) != {"rows": total.rows, "hash": total.text} or file.read(1):
                            what = "does not hold the rows that its last line tells of"
                            raise self._damaged_file(total.rows, what)
                        return
                    line = line.rstrip(b"\n")  # noqa: PLW2901 -- the break belongs to the file, not to the row
                    values = decode_values(line)
                    if len(values) != width or not all(
                        value is None or type(value) is str for value in values
                    ):
                        raise self._damaged_file(total.rows + 1, "does not hold a row of this table")
                    total.add_row(row_hash(line))
                    yield Row(key_of(values), line)
            raise self._damaged_file(total.rows + 1, "ends before its last line: the file was cut short")
        except (EOFError, zlib.error, ValueError, TypeError, OSError) as error:
            raise self._damaged_file(total.rows + 1, f"cannot be read: {error}") from error

    def _damaged_file(self, row: int, what: str) -> TransferRefused:
        problem = Problem(self._table.label, f"(line {row + 1})", "", f"{self.path.name} {what}")
        return TransferRefused("The export is damaged:", [problem])
