"""The file of one table in an export: `tables/feed.post.jsonl.gz`.

The first line names the table and its columns, each further one is a row, the last one tells rows and hash: a file that
was cut short has no such end.
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
    """A table's file below the folder of an export."""

    def __init__(self, folder: Path, table: Table) -> None:
        self.path = folder / FOLDER / f"{table.label}{SUFFIX}"
        self._table = table

    @property
    def _header(self) -> dict[str, Any]:
        return {"table": self._table.label, "columns": self._table.fields}

    def write_rows(self, rows: Iterator[Row], sequence: int) -> TableFacts:
        """Write all rows; returns what the manifest tells of the table."""
        total = TableHash()
        with self.path.open("wb") as raw:
            # Without name and time, so that one table gives one file, bit by bit.
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
        """What is wrong with the file as a whole, None when it is the one that the manifest tells of."""
        try:
            if self._hash_file() == facts.sha256:
                return None
        except FileNotFoundError:
            return Problem(self._table.label, "", "", f"{self.path.name} is missing")
        except OSError as error:
            return Problem(self._table.label, "", "", f"{self.path.name} cannot be read: {error.strerror}")
        # Where it breaks is worth knowing: the rows up to there are named by the problem.
        try:
            for _ in self.read_rows():
                pass
        except TransferRefused as refused:
            return refused.problems[0]
        return Problem(
            self._table.label, "", "", f"{self.path.name} is not the file that the manifest tells of"
        )

    def read_rows(self) -> Iterator[Row]:
        """The rows in order. Raises TransferRefused where the file is damaged, cut short, or of other columns."""
        total = TableHash()
        key_of, width = self._table.key_of, len(self._table.columns)
        try:
            with gzip.open(self.path) as file:
                if json.loads(file.readline() or b"null") != self._header:
                    raise self._damaged_file(0, "has other columns than the model")
                for line in file:
                    if line.startswith(b"{"):
                        self._check_end(line, total, file.read(1))
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

    def _check_end(self, line: bytes, total: TableHash, rest: bytes) -> None:
        if json.loads(line) != {"rows": total.rows, "hash": total.text} or rest:
            raise self._damaged_file(total.rows, "does not hold the rows that its last line tells of")

    def _damaged_file(self, row: int, what: str) -> TransferRefused:
        problem = Problem(self._table.label, f"(line {row + 1})", "", f"{self.path.name} {what}")
        return TransferRefused("The export is damaged:", [problem])
