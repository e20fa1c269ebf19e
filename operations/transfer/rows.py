"""Rows of a transfer: a key, and one line of JSON with the canonical text of each value."""

import hashlib
import json
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from .files.media import MediaFile
from .tables import Key, Table, Values

# App and name, as django_migrations has them.
Migration = tuple[str, str]


class Row(NamedTuple):
    """A row of a table. Two rows are equal when their lines are."""

    key: Key
    line: bytes


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode_values(values: Values) -> bytes:
    """Return the line of a row, without a line break: one line of a file is one row."""
    return _encode(values).encode()


def decode_values(line: bytes) -> Values:
    """Return the values that `encode_values` took."""
    values: Values = json.loads(line)
    return values


def row_hash(line: bytes) -> bytes:
    """Return the hash of one row: BLAKE2b over its line, 128 bits."""
    return hashlib.blake2b(line, digest_size=16).digest()


class TableHash:
    """The hash of a table: SHA-256 over the hashes of its rows, in the order of their keys."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = hashlib.sha256()

    def add_row(self, one_row_hash: bytes) -> None:
        self.rows += 1
        self._sum.update(one_row_hash)

    @property
    def text(self) -> str:
        return self._sum.hexdigest()


class Source(Protocol):
    """The source of a transfer: a SQLite file, or an export of it."""

    @property
    def description(self) -> str:
        """Its name in messages."""

    @property
    def tables(self) -> list[Table]: ...

    @property
    def migrations(self) -> set[Migration]:
        """The applied migrations."""

    def count_rows(self, table: Table) -> int: ...

    def read_rows(self, table: Table) -> Iterator[Row]:
        """Yield the rows in the order of their keys; raises TransferRefused for an unreadable row."""

    def last_issued_id(self, table: Table) -> int:
        """Return the highest id that was ever issued, 0 when none was."""

    def list_files(self) -> Iterator[MediaFile]: ...
