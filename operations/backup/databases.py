"""The database of the settings as the origin of a backup: one state of it, whatever is written meanwhile."""

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
from .schema import Migrations, applied_here


class Database(Protocol):
    """What a backup asks of a database."""

    @property
    def told(self) -> str: ...

    @property
    def tables(self) -> list[Table]: ...

    @property
    def migrations(self) -> set[Migration]: ...

    def each(self, statement: str) -> Iterator[tuple[Any, ...]]: ...

    def count(self, table: Table) -> int: ...

    def rows(self, table: Table) -> Iterator[Row]: ...

    def sequence(self, table: Table) -> int: ...


class PostgresDatabase(Target):
    """One transaction that sees one state and may write nothing."""

    def __init__(self, tables: list[Table]) -> None:
        super().__init__(tables, read_only=True)

    def sequence(self, table: Table) -> int:
        """The highest id that was ever given out, 0 when none was."""
        sequence = self.sequence_of(table)
        return self.next_id(sequence) - 1 if sequence else 0


def is_sqlite() -> bool:
    """Whether the settings name a SQLite file: a developer's machine."""
    return connections[DEFAULT_DB_ALIAS].vendor == "sqlite"


def sqlite_file() -> Path:
    """The file of the settings; TransferRefused for a database in memory."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    name = str(wrapper.settings_dict["NAME"])
    if ":memory:" in name or "mode=memory" in name:
        raise TransferRefused("A database in memory cannot be backed up or restored.")
    return Path(name)


def unreachable(error: BaseException) -> TransferRefused:
    """What a database is told with that does not answer, or no longer."""
    return TransferRefused(f"The database cannot be read: {first_line(error)}")


def recorded_here() -> set[Migration]:
    """The migrations of the database of the settings, over a connection of its own; none when it has no tables."""
    try:
        return applied_here()
    except Error as error:
        raise unreachable(error) from error
    finally:
        connections[DEFAULT_DB_ALIAS].close()


@contextmanager
def open_database(media: Path) -> Iterator[Database]:
    """The database of the settings, to be read. TransferRefused when it cannot be, or is of a newer LinkUp."""
    code, recorded = Migrations(), recorded_here()
    applied = code.own(recorded)
    if not applied:
        raise TransferRefused("The database has no tables of LinkUp: there is nothing to back up.")
    code.refuse_unknown(applied, "The database")
    tables = code.tables(applied)
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
            raise unreachable(error) from error


def run(statement: str, *values: Any) -> list[Any]:
    """Run one statement on the database of the settings; its rows, when it has any."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def strangers(tables: list[Table]) -> list[str]:
    """Tables that no app of this LinkUp knows; a backup leaves them out."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    known = {table.name for table in tables} | {"django_migrations"}
    known |= {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    try:
        return sorted(set(wrapper.introspection.table_names()) - known)
    finally:
        wrapper.close()
