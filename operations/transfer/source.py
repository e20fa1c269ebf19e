"""Reads the SQLite file of an installation, opened read-only.

One read transaction sees one state of the whole file, whatever the site writes meanwhile.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

from django.apps import apps

from .files.media import MediaFile, files_below
from .problems import Problem, TransferRefused
from .rows import Migration, Row, encode_values
from .tables import CONTENT_TYPES, NAMES, Column, Table, quote_name
from .values.kinds import decode_text
from .values.unconvertible_values import UnconvertibleValue

MAX_PROBLEMS = 100
# No form of LinkUp accepts a thousandth of it; a row is held in memory as a whole.
MAX_VALUE_BYTES = 16_000_000
# SQLite's maximum.
NO_LIMIT = 2**31 - 1
# Problems that quick_check of some versions reports, and that we report later with row and field.
REPORTED_LATER = ("NULL value in ", "CHECK constraint failed in ")
HEADER = b"SQLite format 3\0"
WAIT_SECONDS = 20

ReportProblem = Callable[[Problem], None]


def _refuse_problem(problem: Problem) -> None:
    raise TransferRefused("The source holds what cannot be carried over:", [problem])


class ProblemList:
    """Collects problems, and refuses the transfer when there are too many."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add_problem(self, problem: Problem) -> None:
        self.problems.append(problem)
        if len(self.problems) >= MAX_PROBLEMS:
            self.problems.append(Problem("", "", "", "… and perhaps more; the search ended here"))
            self.raise_if_any()

    def raise_if_any(self) -> None:
        """Raise TransferRefused when there are problems."""
        if self.problems:
            raise TransferRefused("The source holds what cannot be carried over:", self.problems)


class SqliteSource:
    """A Source: the database of an installation, and its media folder."""

    def __init__(self, path: Path, media_root: Path, tables: list[Table]) -> None:
        self.path = path
        self.media_root = media_root
        self.tables = tables
        self.description = f"SQLite {path}"
        try:
            with path.open("rb") as file:
                if file.read(len(HEADER)) != HEADER:
                    raise TransferRefused(f"{path} is not an SQLite database.")
            # "ro" also forbids the side effects of a writer: checkpoints, a change of the journal mode.
            uri = f"{path.resolve().as_uri()}?mode=ro"
            self._database = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=WAIT_SECONDS)
        except (OSError, sqlite3.Error) as error:
            raise TransferRefused(f"{path} cannot be opened: {error}") from error
        self._database.text_factory = decode_text
        try:
            self._database.execute("BEGIN")
            found = self._database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            self._present = {name for (name,) in found if not name.startswith("sqlite_")}
        except sqlite3.Error as error:
            self.close()
            raise _unreadable_file(path, error) from error

    def close(self) -> None:
        self._database.close()

    def reopen(self) -> "closing[SqliteSource]":
        """Open the same file again in its present state; the caller closes it."""
        return closing(SqliteSource(self.path, self.media_root, self.tables))

    def _fetch_all(self, statement: str, *values: Any) -> list[Any]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise _unreadable_file(self.path, error) from error

    def stream_rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a SELECT, few at a time."""
        try:
            yield from self._database.execute(statement)
        except sqlite3.Error as error:
            raise _unreadable_file(self.path, error) from error

    def check_file(self) -> None:
        """Raise TransferRefused when SQLite reports a damaged file."""
        found = self._fetch_all("PRAGMA quick_check(5)")
        problems = [
            Problem("", "", "", str(line)) for (line,) in found if not str(line).startswith(REPORTED_LATER)
        ]
        if found != [("ok",)] and problems:
            raise TransferRefused(f"{self.path} is damaged:", problems)

    def check_tables(self) -> None:
        """Raise TransferRefused when a table or a column is missing."""
        problems = []
        for table in self.tables:
            if table.name not in self._present:
                problems.append(Problem(table.label, "", "", "has no table in the source"))
                continue
            there = self._columns(table)
            missing = [column for column in table.columns if column.name not in there]
            problems += [
                Problem(table.label, "", column.name, "has no column in the source") for column in missing
            ]
        if problems:
            raise TransferRefused(f"{self.path} is not a database of this version of LinkUp:", problems)

    def _columns(self, table: Table) -> list[str]:
        return [name for (name,) in self._fetch_all("SELECT name FROM pragma_table_info(?)", table.name)]

    @property
    def unknown_columns(self) -> dict[str, list[str]]:
        """The columns of each transferred table that no field of this version knows."""
        strange = {}
        for table in self.tables:
            # Of predefined tables only the columns of the names are read.
            known = {column.name for column in table.columns} | (
                {"id", "name"} if table.predefined else set()
            )
            strange[table.name] = [name for name in self._columns(table) if name not in known]
        return {name: columns for name, columns in strange.items() if columns}

    @property
    def unknown_tables(self) -> dict[str, int]:
        """The tables that no model of this version knows, with their numbers of rows; without empty ones."""
        known = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
        known |= {table.name for table in self.tables} | {"django_migrations"}
        counts = {name: self._count_rows(name) for name in sorted(self._present - known)}
        return {name: count for name, count in counts.items() if count}

    @cached_property
    def migrations(self) -> set[Migration]:
        if "django_migrations" not in self._present:
            raise TransferRefused(
                f"{self.path} is not a database of LinkUp: it has no table django_migrations."
            )
        return {(app, name) for app, name in self._fetch_all("SELECT app, name FROM django_migrations")}

    def _count_rows(self, name: str) -> int:
        return int(self._fetch_all(f"SELECT count(*) FROM {quote_name(name)}")[0][0])  # noqa: S608

    def count_rows(self, table: Table) -> int:
        return self._count_rows(table.name)

    def _value_reader(self, column: Column) -> Callable[[Any], str]:
        if not column.named_by:
            return column.kind.from_source
        names: dict[Any, str] = dict(self._fetch_all(NAMES[column.named_by]))
        what = "content type" if column.named_by == CONTENT_TYPES else "permission"

        def name_of(value: Any) -> str:
            try:
                return names[value]
            except KeyError:
                raise UnconvertibleValue(f"refers to {what} {{}}, which does not exist", str(value)) from None

        return name_of

    def read_rows(self, table: Table, report: ReportProblem = _refuse_problem) -> Iterator[Row]:
        """Yield the rows in the order of their keys. Rows that cannot be transferred are reported and skipped."""
        found = self._read_valid_rows(table, report)
        return iter(sorted(found)) if table.predefined else found

    def _read_valid_rows(self, table: Table, report: ReportProblem) -> Iterator[Row]:
        readers = [self._value_reader(column) for column in table.columns]
        required = [index for index, column in enumerate(table.columns) if not column.null]
        # With the table's alias: SQLite reads a quoted name without it as a string when the column does not exist.
        names = ", ".join(f"t.{quote_name(column.name)}" for column in table.columns)
        order = "" if table.predefined else f" ORDER BY {table.order_by('BINARY')}"
        key_of = table.key_of
        self._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
        try:
            for raw in self._database.execute(f"SELECT {names} FROM {quote_name(table.name)} t{order}"):  # noqa: S608
                try:
                    values = [
                        None if value is None else read(value)
                        for read, value in zip(readers, raw, strict=True)
                    ]
                except UnconvertibleValue:
                    _report_unconvertible(table, readers, raw, report)
                    continue
                nulls = [index for index in required if values[index] is None] if None in values else []
                for index in nulls:
                    row = table.format_key(tuple(values[position] or "NULL" for position in table.key))
                    what = "is NULL, which the field does not allow"
                    report(Problem(table.label, row, table.columns[index].name, what))
                if nulls:
                    continue
                yield Row(key_of(values), encode_values(values))
        except sqlite3.Error as error:
            self._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, NO_LIMIT)
            self._refuse_oversized(table)
            raise TransferRefused(f"{self.path}, table {table.label}, cannot be read: {error}") from error
        finally:
            self._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, NO_LIMIT)

    def _refuse_oversized(self, table: Table) -> None:
        """Raise TransferRefused that names each value that is too large."""
        keys = table.key_list
        found = ProblemList()
        for column in table.columns:
            # In bytes; SQLite knows the size of a BLOB without reading it.
            length = f"length(CAST(t.{quote_name(column.name)} AS BLOB))"
            statement = f"SELECT {length}, {keys} FROM {quote_name(table.name)} t WHERE {length} > ?"  # noqa: S608
            for size, *key in self._fetch_all(statement, MAX_VALUE_BYTES):
                what = f"is {size} bytes long, {MAX_VALUE_BYTES} is the most that is carried"
                found.add_problem(Problem(table.label, table.format_key(tuple(key)), column.name, what))
        found.raise_if_any()

    def report_orphans(self, report: ReportProblem) -> None:
        """Report each broken foreign key."""
        for table in self.tables:
            if table.predefined:
                continue
            keys = table.key_list
            for reference in table.references:
                column, other = f"t.{quote_name(reference.column)}", quote_name(reference.other_table)
                exists = f"SELECT 1 FROM {other} o WHERE o.{quote_name(reference.other_column)} = {column}"  # noqa: S608
                statement = (
                    f"SELECT {column}, {keys} FROM {quote_name(table.name)} t "  # noqa: S608
                    f"WHERE {column} IS NOT NULL AND NOT EXISTS ({exists}) LIMIT {MAX_PROBLEMS}"
                )
                for value, *key in self._fetch_all(statement):
                    what = f"refers to {reference.other_table} {value}, which does not exist"
                    report(Problem(table.label, table.format_key(tuple(key)), reference.name, what))

    def last_issued_id(self, table: Table, report: ReportProblem = _refuse_problem) -> int:
        """Return the highest id ever issued, which SQLite remembers even after its row was deleted."""
        if table.auto_id is None:
            return 0
        column = f"t.{quote_name(table.auto_id.name)}"
        highest = self._fetch_all(f"SELECT max({column}) FROM {quote_name(table.name)} t")[0][0]  # noqa: S608
        remembered = 0
        if self._fetch_all("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"):
            found = self._fetch_all("SELECT max(seq) FROM sqlite_sequence WHERE name = ?", table.name)
            remembered = found[0][0]
        try:
            if remembered is not None:
                table.auto_id.kind.from_source(remembered)
        except UnconvertibleValue as unconvertible:
            what = f"in sqlite_sequence, which counts its ids, {unconvertible.describe_value(hidden=False)}"
            report(Problem(table.label, "", table.auto_id.name, what))
        return max([number for number in (highest, remembered) if type(number) is int], default=0)

    def list_files(self) -> Iterator[MediaFile]:
        return files_below(self.media_root)


def _unreadable_file(path: Path, error: sqlite3.Error) -> TransferRefused:
    journal = path.with_name(f"{path.name}-journal")
    # SQLite would have to roll back the incomplete write, and we open the file read-only.
    if "readonly" in str(error) and journal.is_file() and journal.stat().st_size:
        return TransferRefused(
            f"{path} cannot be read: a write was interrupted, and {journal.name} beside it holds what undoes it. "
            f"Let SQLite do so, as the user that owns the file: sqlite3 {path} 'PRAGMA user_version'"
        )
    return TransferRefused(f"{path} cannot be read: {error}")


def _report_unconvertible(
    table: Table, readers: list[Callable[[Any], str]], raw: tuple[Any, ...], report: ReportProblem
) -> None:
    key = tuple(raw[index] if type(raw[index]) is int else str(raw[index]) for index in table.key)
    row = table.format_key(key)
    for column, read, value in zip(table.columns, readers, raw, strict=True):
        try:
            if value is not None:
                read(value)
        except UnconvertibleValue as unconvertible:
            report(Problem(table.label, row, column.name, unconvertible.describe_value(hidden=column.hidden)))
