"""Prepares the empty database of a restore: the tables after the migrations of the backup."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction

from ..transfer.problems import Problem, TransferRefused
from ..transfer.rows import Migration
from ..transfer.tables import Table, quote_name
from ..transfer.target import IMPORT_LOCK, first_line
from .databases import is_sqlite, run_statement
from .schema import Migrations, applied_migrations, migrate_to

# While this table exists, all rows of the database come from migrations that a restore has run.
UNFINISHED_TABLE = "linkup_restore_unfinished"
MIGRATIONS_TABLE = "django_migrations"


@contextmanager
def restore_lock() -> Iterator[None]:
    """Lock the database of the settings against a second restore; TransferRefused when it is locked.

    Database errors inside the block become TransferRefused.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    try:
        if not is_sqlite() and not run_statement("SELECT pg_try_advisory_lock(%s)", IMPORT_LOCK + 1)[0][0]:
            raise TransferRefused("Another restore into this database is at work.")
        yield
    except Error as error:
        raise TransferRefused(f"The database cannot be restored into: {first_line(error)}") from error
    finally:
        wrapper.close()


def prepare_database(code: Migrations, migrations: set[Migration], tables: list[Table]) -> None:
    """Migrate an empty database to `migrations`, and delete all rows.

    Empty is: a database without tables, one that an interrupted restore left unprepared, and one that `migrate` has
    prepared to the same state. TransferRefused names what is in any other. May be run again after an interruption.
    """
    there = set(connections[DEFAULT_DB_ALIAS].introspection.table_names())
    if UNFINISHED_TABLE not in there and there:
        if not {MIGRATIONS_TABLE, *(table.name for table in tables)} <= there:
            raise _not_empty([Problem("", "", "", f"the table {name}") for name in sorted(there)])
        _refuse_other_migrations(
            applied_migrations() ^ migrations, "`migrate` of another version has prepared it"
        )
        return
    if not there:
        run_statement(f"CREATE TABLE {UNFINISHED_TABLE} (id integer)")
    _refuse_other_migrations(applied_migrations() - migrations, "a restore of another backup was begun in it")
    migrate_to(code.leaf_migrations(migrations))
    with transaction.atomic():
        # The rows that migrations insert are in the backup as well.
        for table in tables_with_rows(tables):
            run_statement(f"DELETE FROM {quote_name(table.name)}")  # noqa: S608 -- a name of the models
        run_statement(f"DROP TABLE {UNFINISHED_TABLE}")


def tables_with_rows(tables: list[Table]) -> list[Table]:
    """Return the tables with rows, except those that `migrate` fills in every database."""
    statement = "SELECT EXISTS (SELECT 1 FROM {})"
    return [
        table
        for table in tables
        if not table.predefined and run_statement(statement.format(quote_name(table.name)))[0][0]
    ]


def _refuse_other_migrations(others: set[Migration], why: str) -> None:
    if others:
        raise _not_empty([Problem("", "", "", f"{app}.{name}") for app, name in sorted(others)], why)


def _not_empty(problems: list[Problem], why: str = "") -> TransferRefused:
    name = connections[DEFAULT_DB_ALIAS].settings_dict["NAME"]
    shown = problems[:10] + (
        [Problem("", "", "", f"… and {len(problems) - 10} more")] if problems[10:] else []
    )
    return TransferRefused(
        f"The database {name} is not empty{': ' + why if why else ''}. Nothing was changed. Create a new database "
        "without tables, let DATABASE_URL name it, and run it again; restore makes the tables itself:",
        shown,
    )
