"""The PostgreSQL that a network is carried to, through a connection of its own: no signals, no model code, none of the
time limits of web requests. Names in statements come from the models alone, and are quoted.
"""

import secrets
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import psycopg2
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED, ISOLATION_LEVEL_REPEATABLE_READ

from .problems import Fault, TransferRefused
from .rows import Migration, Row, line_of
from .schema import Part, read_parts
from .tables import NAMES, Column, Table, quoted

ROWS_AT_A_TIME = 1000
# Any number will do, as long as it stays the same: the lock that keeps two imports apart.
LOCK = 5_208_371_904
NEEDED = ("SELECT", "INSERT", "UPDATE")
SESSION = """
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL lock_timeout = '10s';
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL standard_conforming_strings = on;
"""


def _parameters() -> dict[str, Any]:
    """What psycopg2 needs to reach the database of the settings."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    if wrapper.vendor != "postgresql":
        raise TransferRefused(
            "The target must be PostgreSQL: set DATABASE_URL to postgres://user:password@host:5432/name."
        )
    parameters = wrapper.get_connection_params()
    parameters.pop("cursor_factory", None)
    if "tcp_user_timeout" in parameters:
        # A request gives up after seconds; a server that is busy writing a million rows may be silent for longer.
        parameters["tcp_user_timeout"] = 120_000
    return parameters


def first_line(error: BaseException) -> str:
    """What PostgreSQL says, without the lines that repeat the values of a row."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


class Target:
    """One connection, one transaction. What was done in it stays only after `connection.commit()`.

    With `read_only` all that is read is one state of the database, and nothing can be written.
    """

    def __init__(self, tables: list[Table], *, read_only: bool) -> None:
        self.tables = tables
        parameters = _parameters()
        where = parameters.get("host") or "the local socket"
        self.told = f"PostgreSQL {parameters.get('dbname', '')} at {where}"
        try:
            self.connection = psycopg2.connect(**parameters)
        except psycopg2.Error as error:
            raise TransferRefused(f"{self.told} cannot be reached: {first_line(error)}") from error
        level = ISOLATION_LEVEL_REPEATABLE_READ if read_only else ISOLATION_LEVEL_READ_COMMITTED
        self.connection.set_session(isolation_level=level, readonly=read_only, autocommit=False)
        try:
            self.run(SESSION)
            self._check_form()
        except psycopg2.Error as error:
            self.close()
            raise TransferRefused(f"{self.told}: {first_line(error)}") from error
        except TransferRefused:
            self.close()
            raise

    def close(self) -> None:
        self.connection.close()

    def run(self, statement: str, *values: Any) -> list[Any]:
        """Run one statement; its rows, when it has any."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def schema(self) -> list[Part] | None:
        """The parts of the tables to be compared with what the migrations make; None where that is not asked."""
        return read_parts(self.run)

    def each(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a SELECT, few at a time."""
        with self.connection.cursor(f"rows_{secrets.token_hex(4)}") as cursor:
            cursor.itersize = ROWS_AT_A_TIME
            cursor.execute(statement)
            yield from cursor

    def _check_form(self) -> None:
        encoding = self.run("SHOW server_encoding")[0][0]
        if encoding != "UTF8":
            raise TransferRefused(
                f"{self.told} keeps text as {encoding}; create the database with ENCODING 'UTF8'."
            )
        unprepared = f"{self.told} is not prepared: run `python manage.py migrate` there first."
        if not self._has("django_migrations"):
            raise TransferRefused(unprepared)
        faults = [fault for table in self.tables for fault in self._missing(table)]
        if faults:
            raise TransferRefused(unprepared, faults)

    def _missing(self, table: Table) -> list[Fault]:
        """The table when the target has none, else those of its columns that it has not."""
        if not self._has(table.name):
            return [Fault(table.label, "", "", "has no table in the target")]
        statement = (
            "SELECT attname FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
        )
        there = {name for (name,) in self.run(statement, quoted(table.name))}
        missing = [column.name for column in table.columns if column.column not in there]
        return [Fault(table.label, "", name, "has no column in the target") for name in missing]

    def _has(self, name: str) -> bool:
        return self.run("SELECT to_regclass(%s)", quoted(name))[0][0] is not None

    # -- What is there ------------------------------------------------------------------------
    @cached_property
    def migrations(self) -> set[Migration]:
        self.refuse_without(["SELECT"], ["django_migrations", *(table.name for table in self.tables)])
        return {(app, name) for app, name in self.run("SELECT app, name FROM django_migrations")}

    def refuse_without(self, rights: list[str] | tuple[str, ...], names: list[str]) -> None:
        """Raise TransferRefused that names each table on which our role lacks one of the rights."""
        statement = "SELECT current_user, array_agg(r) FILTER (WHERE NOT has_table_privilege(%s, r)) FROM unnest(%s) r"
        faults = []
        for name in names:
            role, lacking = self.run(statement, quoted(name), list(rights))[0]
            if lacking:
                faults.append(Fault(name, "", "", f"the role {role} may not {', '.join(lacking)}"))
        if faults:
            raise TransferRefused(f"{self.told}: rights are missing:", faults)

    def count(self, table: Table) -> int:
        return int(self.run(f"SELECT count(*) FROM {quoted(table.name)}")[0][0])  # noqa: S608

    def filled(self) -> dict[str, int]:
        """The tables with rows that `migrate` did not make, and how many."""
        carried = [table for table in self.tables if not table.given]
        there = [table for table in carried if self.run(f"SELECT 1 FROM {quoted(table.name)} LIMIT 1")]  # noqa: S608
        return {table.label: self.count(table) for table in there}

    @cached_property
    def names(self) -> dict[str, dict[int, str]]:
        """For each given table the names behind its ids."""
        return {label: dict(self.run(statement)) for label, statement in NAMES.items()}

    def forget_names(self) -> None:
        """Names were added."""
        self.__dict__.pop("names", None)

    def _reader(self, column: Column) -> Callable[[str], str]:
        if not column.named_by:
            return column.kind.from_target
        names = self.names[column.named_by]
        return lambda text: names.get(int(text), f"(none with the id {text})")

    def rows(self, table: Table) -> Iterator[Row]:
        """The rows in the order of their keys, few at a time."""
        found = self._found(table)
        return iter(sorted(found)) if table.given else found

    def _found(self, table: Table) -> Iterator[Row]:
        readers = [self._reader(column) for column in table.columns]
        shown = ", ".join(column.kind.shown_by.format(quoted(column.column)) for column in table.columns)
        order = "" if table.given else " ORDER BY " + table.order('"C"')
        key_of = table.key_of
        for raw in self.each(f"SELECT {shown} FROM {quoted(table.name)} t{order}"):  # noqa: S608
            values = [None if text is None else read(text) for read, text in zip(readers, raw, strict=True)]
            yield Row(key_of(values), line_of(values))

    # -- Sequences and foreign keys -----------------------------------------------------------
    def sequence_of(self, table: Table) -> str | None:
        """The sequence that gives out the ids of a table."""
        if table.counted is None:
            return None
        found = self.run("SELECT pg_get_serial_sequence(%s, %s)", quoted(table.name), table.counted.column)
        name: str | None = found[0][0]
        return name

    def next_id(self, sequence: str) -> int:
        """The id that the sequence would give out next; none is used up."""
        last, is_called = self.run(f"SELECT last_value, is_called FROM {sequence}")[0]  # noqa: S608
        return int(last) + (1 if is_called else 0)

    def highest_id(self, table: Table) -> int:
        assert table.counted is not None  # noqa: S101 -- only tables with a sequence are asked
        return int(
            self.run(f"SELECT coalesce(max({quoted(table.counted.column)}), 0) FROM {quoted(table.name)}")[0][  # noqa: S608
                0
            ]
        )

    def raise_sequence(self, table: Table, given_out: int) -> None:
        """Make the next id higher than any that was given out. A sequence never goes back."""
        sequence = self.sequence_of(table)
        if sequence is None:
            return
        highest = max(given_out, self.highest_id(table))
        if self.next_id(sequence) <= highest:
            self.run("SELECT setval(%s, %s, true)", sequence, highest)

    def invalid_references(self, table: Table) -> list[Fault]:
        """Foreign keys of the model that the database does not hold, or has not checked; and rows that break one."""
        faults = []
        for reference in table.references:
            valid = self.run(
                "SELECT bool_or(c.convalidated) FROM pg_constraint c JOIN pg_attribute a "
                "ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum] "
                "WHERE c.contype = 'f' AND c.conrelid = %s::regclass AND a.attname = %s "
                "AND c.confrelid = %s::regclass",
                quoted(table.name),
                reference.column,
                quoted(reference.other_table),
            )[0][0]
            if not valid:
                what = (
                    "has no foreign key"
                    if valid is None
                    else "has a foreign key that was never checked (NOT VALID)"
                )
                faults.append(Fault(table.label, "", reference.name, f"{what} in the target"))
            faults += self._orphans(
                table, reference.name, reference.column, reference.other_table, reference.other_column
            )
        return faults

    def _orphans(self, table: Table, name: str, column: str, other: str, other_column: str) -> list[Fault]:
        keys = ", ".join(f"t.{quoted(table.columns[place].column)}" for place in table.key)
        found = self.run(
            f"SELECT t.{quoted(column)}, {keys} FROM {quoted(table.name)} t LEFT JOIN {quoted(other)} o "  # noqa: S608
            f"ON o.{quoted(other_column)} = t.{quoted(column)} "
            f"WHERE t.{quoted(column)} IS NOT NULL AND o.{quoted(other_column)} IS NULL LIMIT 20"
        )
        what = "refers to {} {}, which does not exist in the target"
        return [
            Fault(table.label, table.named(tuple(key)), name, what.format(other, value))
            for value, *key in found
        ]
