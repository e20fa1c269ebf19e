"""Reads the database of the settings for a backup: one state of it, whatever is written meanwhile."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg2
from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, Error, connections

from ..transfer.problems import TransferRefused
from ..transfer.rows import Migration, Row
from ..transfer.source import SqliteSource
from ..transfer.tables import Table
from ..transfer.target import Target, first_line
from .schema import Migrations, applied_migrations


class Database(Protocol):
    """The methods that a backup needs of a database."""

    @property
    def description(self) -> str: ...

    @property
    def tables(self) -> list[Table]: ...

    @property
    def migrations(self) -> set[Migration]: ...

    def stream_rows(self, statement: str) -> Iterator[tuple[Any, ...]]: ...

    def count_rows(self, table: Table) -> int: ...

    def read_rows(self, table: Table) -> Iterator[Row]: ...

    def last_issued_id(self, table: Table) -> int: ...


class PostgresDatabase(Target):
    """A read-only transaction that sees one state of the database."""

    def __init__(self, tables: list[Table]) -> None:
        super().__init__(tables, read_only=True)

    def last_issued_id(self, table: Table) -> int:
        """Return the highest id that was ever issued, 0 when none was."""
        sequence = self.sequence_of(table)
        return self.next_id(sequence) - 1 if sequence else 0


def is_sqlite() -> bool:
    """Return whether the settings name a SQLite file, as on a developer's machine."""
    return connections[DEFAULT_DB_ALIAS].vendor == "sqlite"


def sqlite_file() -> Path:
    """Return the SQLite file of the settings; TransferRefused for a database in memory."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    name = str(wrapper.settings_dict["NAME"])
    if ":memory:" in name or "mode=memory" in name:
        raise TransferRefused("A database in memory cannot be backed up or restored.")
    return Path(name)


def unreadable_database(error: BaseException) -> TransferRefused:
    """Return the refusal for a database that does not answer."""
    return TransferRefused(f"The database cannot be read: {first_line(error)}")


def read_applied_migrations() -> set[Migration]:
    """Return the applied migrations of the database of the settings, and close the connection."""
    try:
        return applied_migrations()
    except Error as error:
        raise unreadable_database(error) from error
    finally:
        connections[DEFAULT_DB_ALIAS].close()


@contextmanager
def open_database(media: Path) -> Iterator[Database]:
    """Open the database of the settings for reading; TransferRefused when it cannot be read or is of a newer LinkUp."""
    code, recorded = Migrations(), read_applied_migrations()
    applied = code.of_installed_apps(recorded)
    if not applied:
        raise TransferRefused("The database has no tables of LinkUp: there is nothing to back up.")
    code.refuse_unknown(applied, "The database")
    tables = code.tables_after(applied)
    database: SqliteSource | PostgresDatabase
    database = SqliteSource(sqlite_file(), media, tables) if is_sqlite() else PostgresDatabase(tables)
    with closing(database):
        try:
            if isinstance(database, SqliteSource):
                database.check_file()
            if database.migrations != recorded:
                raise TransferRefused(
                    "Migrations are running at the moment; when they have ended, run it again."
                )
            yield database
        except psycopg2.Error as error:
            raise unreadable_database(error) from error


def run_statement(statement: str, *values: Any) -> list[Any]:
    """Run one statement on the database of the settings; returns its rows."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def unknown_tables(tables: list[Table]) -> list[str]:
    """Return the tables that no app of this LinkUp knows; a backup leaves them out."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    known = {table.name for table in tables} | {"django_migrations"}
    known |= {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    try:
        return sorted(set(wrapper.introspection.table_names()) - known)
    finally:
        wrapper.close()
