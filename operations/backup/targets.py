"""The empty database that a restore needs, at the state that the backup tells of."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction

from ..transfer.problems import Fault, TransferRefused
from ..transfer.rows import Migration
from ..transfer.tables import Table, quoted
from ..transfer.target import LOCK, first_line
from .databases import is_sqlite, run
from .schema import Migrations, applied_here, migrate_to

# While this table is there, all rows of the database were made by migrations that a restore has run.
MARK = "linkup_restore_unfinished"
MIGRATIONS = "django_migrations"


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Nobody else restores into the database of the settings meanwhile. TransferRefused when somebody does.

    Errors of the database inside are told as an operator can read them.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    try:
        if not is_sqlite() and not run("SELECT pg_try_advisory_lock(%s)", LOCK + 1)[0][0]:
            raise TransferRefused("Another restore into this database is at work.")
        yield
    except Error as error:
        raise TransferRefused(f"The database cannot be restored into: {first_line(error)}") from error
    finally:
        wrapper.close()


def prepare(code: Migrations, migrations: set[Migration], tables: list[Table]) -> None:
    """Bring an empty database to the state after `migrations`, without a row.

    What is empty: a database without tables, one that a former restore left while it prepared it, and one that
    `migrate` has prepared to the same state. TransferRefused names what is in any other. May be run again after a cut.
    """
    there = set(connections[DEFAULT_DB_ALIAS].introspection.table_names())
    if MARK not in there and there:
        _refuse_unless_prepared(there, migrations, tables)
        return
    if not there:
        run(f"CREATE TABLE {MARK} (id integer)")
    _refuse_other_migrations(applied_here() - migrations, "a restore of another backup was begun in it")
    migrate_to(code.ends(migrations))
    with transaction.atomic():
        # What migrations put in is in the backup as well.
        for table in filled(tables):
            run(f"DELETE FROM {quoted(table.name)}")  # noqa: S608 -- a name of the models
        run(f"DROP TABLE {MARK}")


def filled(tables: list[Table]) -> list[Table]:
    """The tables with rows that `migrate` does not make in every database."""
    statement = "SELECT EXISTS (SELECT 1 FROM {})"
    return [table for table in tables if not table.given and run(statement.format(quoted(table.name)))[0][0]]


def _refuse_unless_prepared(there: set[str], migrations: set[Migration], tables: list[Table]) -> None:
    if not {MIGRATIONS, *(table.name for table in tables)} <= there:
        raise _not_empty([Fault("", "", "", f"the table {name}") for name in sorted(there)])
    _refuse_other_migrations(applied_here() ^ migrations, "`migrate` of another version has prepared it")


def _refuse_other_migrations(others: set[Migration], why: str) -> None:
    if others:
        raise _not_empty([Fault("", "", "", f"{app}.{name}") for app, name in sorted(others)], why)


def _not_empty(faults: list[Fault], why: str = "") -> TransferRefused:
    name = connections[DEFAULT_DB_ALIAS].settings_dict["NAME"]
    shown = faults[:10] + ([Fault("", "", "", f"… and {len(faults) - 10} more")] if faults[10:] else [])
    return TransferRefused(
        f"The database {name} is not empty{': ' + why if why else ''}. Nothing was changed. Create a new database "
        "without tables, let DATABASE_URL name it, and run it again; restore makes the tables itself:",
        shown,
    )
