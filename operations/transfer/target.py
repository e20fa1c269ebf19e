"""Reads and writes the PostgreSQL of a transfer over a separate connection: no signals, no model code, no time limits
of web requests. Names in statements come from the models only, and are quoted.
"""

import secrets
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import psycopg2
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED, ISOLATION_LEVEL_REPEATABLE_READ

from .problems import Problem, TransferRefused
from .rows import Migration, Row, encode_values
from .schema import Part, read_parts
from .tables import NAMES, Column, Table, quote_name

FETCH_ROWS = 1000
# The advisory lock of imports; the number is arbitrary, but must not change.
IMPORT_LOCK = 5_208_371_904
NEEDED_RIGHTS = ("SELECT", "INSERT", "UPDATE")
SESSION_SETTINGS = """
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL lock_timeout = '10s';
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL standard_conforming_strings = on;
"""


def first_line(error: BaseException) -> str:
    """Return the message of PostgreSQL without the lines that repeat the values of a row."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


class Target:
    """One connection with one transaction, which `connection.commit()` ends.

    With `read_only` it sees one state of the database, and cannot write.
    """

    def __init__(self, tables: list[Table], *, read_only: bool) -> None:
        self.tables = tables
        wrapper = connections[DEFAULT_DB_ALIAS]
        if wrapper.vendor != "postgresql":
            raise TransferRefused(
                "The target must be PostgreSQL: set DATABASE_URL to postgres://user:password@host:5432/name."
            )
        parameters = wrapper.get_connection_params()
        parameters.pop("cursor_factory", None)
        if "tcp_user_timeout" in parameters:
            # Requests have a limit of seconds; a server that writes a million rows may be silent for longer.
            parameters["tcp_user_timeout"] = 120_000
        where = parameters.get("host") or "the local socket"
        self.description = f"PostgreSQL {parameters.get('dbname', '')} at {where}"
        try:
            self.connection = psycopg2.connect(**parameters)
        except psycopg2.Error as error:
            raise TransferRefused(f"{self.description} cannot be reached: {first_line(error)}") from error
        level = ISOLATION_LEVEL_REPEATABLE_READ if read_only else ISOLATION_LEVEL_READ_COMMITTED
        self.connection.set_session(isolation_level=level, readonly=read_only, autocommit=False)
        try:
            self.run_statement(SESSION_SETTINGS)
            self._check_database()
        except psycopg2.Error as error:
            self.close()
            raise TransferRefused(f"{self.description}: {first_line(error)}") from error
        except TransferRefused:
            self.close()
            raise

    def close(self) -> None:
        self.connection.close()

    def run_statement(self, statement: str, *values: Any) -> list[Any]:
        """Run one statement; returns its rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def read_schema(self) -> list[Part] | None:
        """Return the schema to compare with that of the migrations; None to skip that."""
        return read_parts(self.run_statement)

    def stream_rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a SELECT, few at a time."""
        with self.connection.cursor(f"rows_{secrets.token_hex(4)}") as cursor:
            cursor.itersize = FETCH_ROWS
            cursor.execute(statement)
            yield from cursor

    def _check_database(self) -> None:
        encoding = self.run_statement("SHOW server_encoding")[0][0]
        if encoding != "UTF8":
            raise TransferRefused(
                f"{self.description} keeps text as {encoding}; create the database with ENCODING 'UTF8'."
            )
        unprepared = f"{self.description} is not prepared: run `python manage.py migrate` there first."
        if not self._has_table("django_migrations"):
            raise TransferRefused(unprepared)
        statement = (
            "SELECT attname FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
        )
        problems = []
        for table in self.tables:
            if not self._has_table(table.name):
                problems.append(Problem(table.label, "", "", "has no table in the target"))
                continue
            there = {name for (name,) in self.run_statement(statement, quote_name(table.name))}
            missing = [column.name for column in table.columns if column.name not in there]
            problems += [Problem(table.label, "", name, "has no column in the target") for name in missing]
        if problems:
            raise TransferRefused(unprepared, problems)

    def _has_table(self, name: str) -> bool:
        return self.run_statement("SELECT to_regclass(%s)", quote_name(name))[0][0] is not None

    # -- Reading -----------------------------------------------------------------------------
    @cached_property
    def migrations(self) -> set[Migration]:
        self.refuse_without(["SELECT"], ["django_migrations", *(table.name for table in self.tables)])
        return {(app, name) for app, name in self.run_statement("SELECT app, name FROM django_migrations")}

    def refuse_without(self, rights: list[str] | tuple[str, ...], names: list[str]) -> None:
        """Raise TransferRefused that names each table for which our role lacks a right."""
        statement = "SELECT current_user, array_agg(r) FILTER (WHERE NOT has_table_privilege(%s, r)) FROM unnest(%s) r"
        problems = []
        for name in names:
            role, lacking = self.run_statement(statement, quote_name(name), list(rights))[0]
            if lacking:
                problems.append(Problem(name, "", "", f"the role {role} may not {', '.join(lacking)}"))
        if problems:
            raise TransferRefused(f"{self.description}: rights are missing:", problems)

    def count_rows(self, table: Table) -> int:
        return int(self.run_statement(f"SELECT count(*) FROM {quote_name(table.name)}")[0][0])  # noqa: S608

    def count_filled_tables(self) -> dict[str, int]:
        """Return the tables with rows, except predefined ones, and their numbers of rows."""
        carried = [table for table in self.tables if not table.predefined]
        statement = "SELECT 1 FROM {} LIMIT 1"
        there = [table for table in carried if self.run_statement(statement.format(quote_name(table.name)))]
        return {table.label: self.count_rows(table) for table in there}

    @cached_property
    def names(self) -> dict[str, dict[int, str]]:
        """For each predefined table the names behind its ids."""
        return {label: dict(self.run_statement(statement)) for label, statement in NAMES.items()}

    def forget_names(self) -> None:
        """Read `names` again after adding names."""
        self.__dict__.pop("names", None)

    def read_rows(self, table: Table) -> Iterator[Row]:
        """Yield the rows in the order of their keys, few at a time."""

        def reader_of(column: Column) -> Callable[[str], str]:
            if not column.named_by:
                return column.kind.from_target
            names = self.names[column.named_by]
            return lambda text: names.get(int(text), f"(none with the id {text})")

        readers = [reader_of(column) for column in table.columns]
        key_of = table.key_of

        def row_of(raw: tuple[Any, ...]) -> Row:
            values = [None if text is None else read(text) for read, text in zip(readers, raw, strict=True)]
            return Row(key_of(values), encode_values(values))

        shown = ", ".join(column.kind.shown_by.format(quote_name(column.name)) for column in table.columns)
        order = "" if table.predefined else " ORDER BY " + table.order_by('"C"')
        rows = map(row_of, self.stream_rows(f"SELECT {shown} FROM {quote_name(table.name)} t{order}"))  # noqa: S608
        return iter(sorted(rows)) if table.predefined else rows

    # -- Sequences and foreign keys -----------------------------------------------------------
    def sequence_of(self, table: Table) -> str | None:
        """Return the sequence of a table's ids."""
        if table.auto_id is None:
            return None
        found = self.run_statement(
            "SELECT pg_get_serial_sequence(%s, %s)", quote_name(table.name), table.auto_id.name
        )
        name: str | None = found[0][0]
        return name

    def next_id(self, sequence: str) -> int:
        """Return the next id of the sequence, without consuming it."""
        last, is_called = self.run_statement(f"SELECT last_value, is_called FROM {sequence}")[0]  # noqa: S608
        return int(last) + (1 if is_called else 0)

    def highest_id(self, table: Table) -> int:
        assert table.auto_id is not None  # noqa: S101 -- only tables with a sequence are asked
        statement = f"SELECT coalesce(max({quote_name(table.auto_id.name)}), 0) FROM {quote_name(table.name)}"  # noqa: S608
        return int(self.run_statement(statement)[0][0])

    def raise_sequence(self, table: Table, issued: int) -> None:
        """Make the next id higher than any that was issued. A sequence never goes back."""
        sequence = self.sequence_of(table)
        if sequence is None:
            return
        highest = max(issued, self.highest_id(table))
        if self.next_id(sequence) <= highest:
            self.run_statement("SELECT setval(%s, %s, true)", sequence, highest)

    def invalid_references(self, table: Table) -> list[Problem]:
        """Return foreign keys that are missing or not validated, and rows that break one."""
        problems = []
        for reference in table.references:
            valid = self.run_statement(
                "SELECT bool_or(c.convalidated) FROM pg_constraint c JOIN pg_attribute a "
                "ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum] "
                "WHERE c.contype = 'f' AND c.conrelid = %s::regclass AND a.attname = %s "
                "AND c.confrelid = %s::regclass",
                quote_name(table.name),
                reference.column,
                quote_name(reference.other_table),
            )[0][0]
            if not valid:
                what = (
                    "has no foreign key"
                    if valid is None
                    else "has a foreign key that was never checked (NOT VALID)"
                )
                problems.append(Problem(table.label, "", reference.name, f"{what} in the target"))
            column, other = quote_name(reference.column), quote_name(reference.other_table)
            other_column = quote_name(reference.other_column)
            orphans = self.run_statement(
                f"SELECT t.{column}, {table.key_list} FROM {quote_name(table.name)} t LEFT JOIN {other} o "  # noqa: S608
                f"ON o.{other_column} = t.{column} WHERE t.{column} IS NOT NULL AND o.{other_column} IS NULL LIMIT 20"
            )
            for value, *key in orphans:
                what = f"refers to {reference.other_table} {value}, which does not exist in the target"
                problems.append(Problem(table.label, table.format_key(tuple(key)), reference.name, what))
        return problems
