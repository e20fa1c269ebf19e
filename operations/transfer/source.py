"""The SQLite file of an installation, opened so that nothing can be written to it.

One read transaction is one state of the whole file, whatever the site writes meanwhile.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

from django.apps import apps

from .kinds import BrokenText
from .media import MediaFile, files_below
from .problems import Fault, TransferRefused
from .rows import Migration, Row, line_of
from .tables import CONTENT_TYPES, NAMES, Column, Table, Values, quoted
from .unconvertible_values import Misfit

MOST_FAULTS = 100
# No form of LinkUp takes a thousandth of it; a row has to pass through memory in one piece.
LONGEST_VALUE = 16_000_000
# SQLite's own most, which it takes when it is asked for more.
NO_LIMIT = 2**31 - 1
# What quick_check of some versions tells of and we name better, with row and field.
NAMED_LATER = ("NULL value in ", "CHECK constraint failed in ")
HEADER = b"SQLite format 3\0"
WAIT_SECONDS = 20

Report = Callable[[Fault], None]


def _text(data: bytes) -> str | BrokenText:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return BrokenText(data)


def _refuse(fault: Fault) -> None:
    raise TransferRefused("The source holds what cannot be carried over:", [fault])


class FaultList:
    """Gathers faults, and gives up when there are too many to be read."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self.faults.append(fault)
        if len(self.faults) >= MOST_FAULTS:
            self.faults.append(Fault("", "", "", "… and perhaps more; the search ended here"))
            self.refuse()

    def refuse(self) -> None:
        """Raise TransferRefused when there was any."""
        if self.faults:
            raise TransferRefused("The source holds what cannot be carried over:", self.faults)


class SqliteSource:
    """An Origin: the database of an installation, and its media folder."""

    def __init__(self, path: Path, media_root: Path, tables: list[Table]) -> None:
        self.path = path
        self.media_root = media_root
        self.tables = tables
        self.told = f"SQLite {path}"
        self._database = _opened(path)
        try:
            self._database.execute("BEGIN")
            self._present = self._table_names()
        except sqlite3.Error as error:
            self.close()
            raise _unreadable(path, error) from error

    def close(self) -> None:
        self._database.close()

    def as_it_is_now(self) -> "closing[SqliteSource]":
        """The same file in its state of now, to be closed."""
        return closing(SqliteSource(self.path, self.media_root, self.tables))

    def _table_names(self) -> set[str]:
        found = self._database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in found if not name.startswith("sqlite_")}

    def _all(self, statement: str, *values: Any) -> list[Any]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise _unreadable(self.path, error) from error

    def each(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a SELECT, few at a time."""
        try:
            yield from self._database.execute(statement)
        except sqlite3.Error as error:
            raise _unreadable(self.path, error) from error

    def check_file(self) -> None:
        """Raise TransferRefused when SQLite finds its own file damaged."""
        found = self._all("PRAGMA quick_check(5)")
        faults = [Fault("", "", "", str(line)) for (line,) in found if not str(line).startswith(NAMED_LATER)]
        if found != [("ok",)] and faults:
            raise TransferRefused(f"{self.path} is damaged:", faults)

    def check_tables(self) -> None:
        """Raise TransferRefused when a table or a column is missing."""
        faults = []
        for table in self.tables:
            if table.name not in self._present:
                faults.append(Fault(table.label, "", "", "has no table in the source"))
                continue
            there = self._columns(table)
            missing = [column for column in table.columns if column.column not in there]
            faults += [
                Fault(table.label, "", column.name, "has no column in the source") for column in missing
            ]
        if faults:
            raise TransferRefused(f"{self.path} is not a database of this version of LinkUp:", faults)

    def _columns(self, table: Table) -> list[str]:
        return [name for (name,) in self._all("SELECT name FROM pragma_table_info(?)", table.name)]

    @property
    def strange_columns(self) -> dict[str, list[str]]:
        """For each table that is carried, the columns that no field of this version knows."""
        strange = {}
        for table in self.tables:
            # Of the given tables only what tells names is read.
            known = {column.column for column in table.columns} | ({"id", "name"} if table.given else set())
            strange[table.name] = [name for name in self._columns(table) if name not in known]
        return {name: columns for name, columns in strange.items() if columns}

    @property
    def strangers(self) -> dict[str, int]:
        """Tables that no model of this version knows, and how many rows they hold; empty ones are not named."""
        known = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
        known |= {table.name for table in self.tables} | {"django_migrations"}
        counts = {name: self._count(name) for name in sorted(self._present - known)}
        return {name: count for name, count in counts.items() if count}

    @cached_property
    def migrations(self) -> set[Migration]:
        if "django_migrations" not in self._present:
            raise TransferRefused(
                f"{self.path} is not a database of LinkUp: it has no table django_migrations."
            )
        return {(app, name) for app, name in self._all("SELECT app, name FROM django_migrations")}

    def _count(self, name: str) -> int:
        return int(self._all(f"SELECT count(*) FROM {quoted(name)}")[0][0])  # noqa: S608

    def count(self, table: Table) -> int:
        return self._count(table.name)

    @cached_property
    def _names(self) -> dict[str, dict[Any, str]]:
        return {label: dict(self._all(statement)) for label, statement in NAMES.items()}

    def _reader(self, column: Column) -> Callable[[Any], str]:
        if not column.named_by:
            return column.kind.from_source
        names, what = (
            self._names[column.named_by],
            "content type" if column.named_by == CONTENT_TYPES else "permission",
        )

        def read(value: Any) -> str:
            try:
                return names[value]
            except KeyError:
                raise Misfit(f"refers to {what} {{}}, which does not exist", str(value)) from None

        return read

    def rows(self, table: Table, report: Report = _refuse) -> Iterator[Row]:
        """The rows in the order of their keys. One that cannot be carried over is left out, its faults reported."""
        found = self._found(table, report)
        return iter(sorted(found)) if table.given else found

    def _found(self, table: Table, report: Report) -> Iterator[Row]:
        readers = [self._reader(column) for column in table.columns]
        required = [place for place, column in enumerate(table.columns) if not column.null]
        # With the table before it: SQLite takes a quoted name alone, of a column that is not there, for a text.
        names = ", ".join(f"t.{quoted(column.column)}" for column in table.columns)
        order = "" if table.given else f" ORDER BY {table.order('BINARY')}"
        key_of = table.key_of
        self._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
        try:
            for raw in self._database.execute(f"SELECT {names} FROM {quoted(table.name)} t{order}"):  # noqa: S608
                try:
                    values = [
                        None if value is None else read(value)
                        for read, value in zip(readers, raw, strict=True)
                    ]
                except Misfit:
                    _name_misfits(table, readers, raw, report)
                    continue
                if None in values and any(values[place] is None for place in required):
                    _name_nulls(table, values, report)
                    continue
                yield Row(key_of(values), line_of(values))
        except sqlite3.Error as error:
            self._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, NO_LIMIT)
            self._refuse_giants(table)
            raise TransferRefused(f"{self.path}, table {table.label}, cannot be read: {error}") from error
        finally:
            self._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, NO_LIMIT)

    def _refuse_giants(self, table: Table) -> None:
        """Raise TransferRefused that names each value that is too large to be read."""
        keys = ", ".join(f"t.{quoted(table.columns[place].column)}" for place in table.key)
        found = FaultList()
        for column in table.columns:
            # SQLite counts bytes; that of a BLOB it knows without reading it.
            length = f"length(CAST(t.{quoted(column.column)} AS BLOB))"
            statement = f"SELECT {length}, {keys} FROM {quoted(table.name)} t WHERE {length} > ?"  # noqa: S608
            for size, *key in self._all(statement, LONGEST_VALUE):
                what = f"is {size} bytes long, {LONGEST_VALUE} is the most that is carried"
                found.add(Fault(table.label, table.named(tuple(key)), column.name, what))
        found.refuse()

    def orphans(self, report: Report) -> None:
        """Report each foreign key that leads nowhere."""
        for table in self.tables:
            if table.given:
                continue
            keys = ", ".join(f"t.{quoted(table.columns[place].column)}" for place in table.key)
            for reference in table.references:
                column = f"t.{quoted(reference.column)}"
                other = f"SELECT 1 FROM {quoted(reference.other_table)} o WHERE o.{quoted(reference.other_column)}"  # noqa: S608
                statement = (
                    f"SELECT {column}, {keys} FROM {quoted(table.name)} t "  # noqa: S608
                    f"WHERE {column} IS NOT NULL AND NOT EXISTS ({other} = {column}) LIMIT {MOST_FAULTS}"
                )
                for value, *key in self._all(statement):
                    what = f"refers to {reference.other_table} {value}, which does not exist"
                    report(Fault(table.label, table.named(tuple(key)), reference.name, what))

    def sequence(self, table: Table, report: Report = _refuse) -> int:
        """SQLite remembers the highest id even after its row was deleted, so that no id is given out twice."""
        if table.counted is None:
            return 0
        highest = self._all(f"SELECT max(t.{quoted(table.counted.column)}) FROM {quoted(table.name)} t")[0][0]  # noqa: S608
        remembered = 0
        if self._all("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"):
            found = self._all("SELECT max(seq) FROM sqlite_sequence WHERE name = ?", table.name)
            remembered = found[0][0]
        try:
            if remembered is not None:
                table.counted.kind.from_source(remembered)
        except Misfit as misfit:
            what = f"in sqlite_sequence, which counts its ids, {misfit.words(hidden=False)}"
            report(Fault(table.label, "", table.counted.name, what))
        return max([number for number in (highest, remembered) if type(number) is int], default=0)

    def media(self) -> Iterator[MediaFile]:
        return files_below(self.media_root)


def _opened(path: Path) -> sqlite3.Connection:
    try:
        with path.open("rb") as file:
            if file.read(len(HEADER)) != HEADER:
                raise TransferRefused(f"{path} is not an SQLite database.")
        # "ro" also forbids what a writer does in passing: checkpoints, a change of the journal's mode.
        address = f"{path.resolve().as_uri()}?mode=ro"
        database = sqlite3.connect(address, uri=True, isolation_level=None, timeout=WAIT_SECONDS)
    except (OSError, sqlite3.Error) as error:
        raise TransferRefused(f"{path} cannot be opened: {error}") from error
    database.text_factory = _text
    return database


def _unreadable(path: Path, error: sqlite3.Error) -> TransferRefused:
    journal = path.with_name(f"{path.name}-journal")
    # SQLite would have to undo the half of it that reached the file, and we open it for reading only.
    if "readonly" in str(error) and journal.is_file() and journal.stat().st_size:
        return TransferRefused(
            f"{path} cannot be read: a write was interrupted, and {journal.name} beside it holds what undoes it. "
            f"Let SQLite do so, as the user that owns the file: sqlite3 {path} 'PRAGMA user_version'"
        )
    return TransferRefused(f"{path} cannot be read: {error}")


def _key_of_raw(table: Table, raw: tuple[Any, ...]) -> str:
    return table.named(
        tuple(raw[place] if type(raw[place]) is int else str(raw[place]) for place in table.key)
    )


def _name_misfits(
    table: Table, readers: list[Callable[[Any], str]], raw: tuple[Any, ...], report: Report
) -> None:
    row = _key_of_raw(table, raw)
    for column, read, value in zip(table.columns, readers, raw, strict=True):
        try:
            if value is not None:
                read(value)
        except Misfit as misfit:
            report(Fault(table.label, row, column.name, misfit.words(hidden=column.hidden)))


def _name_nulls(table: Table, values: Values, report: Report) -> None:
    row = table.named(tuple(values[place] or "NULL" for place in table.key))
    for column, value in zip(table.columns, values, strict=True):
        if value is None and not column.null:
            report(Fault(table.label, row, column.name, "is NULL, which the field does not allow"))
