"""Restores a backup into the SQLite file of a developer's machine, and reads it for the comparison."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, time
from itertools import islice
from typing import Any

from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction

from ..transfer.files.media import FileInstaller
from ..transfer.imports import Outcome
from ..transfer.problems import Problem, TransferRefused
from ..transfer.progress import Progress
from ..transfer.rows import Row, decode_values
from ..transfer.source import SqliteSource
from ..transfer.tables import CONTENT_TYPES, NAMES, PERMISSIONS, Table, quote_name
from ..transfer.values.kinds import SIMPLE, Kind
from .backup_file import BackupFile
from .databases import run_statement

BATCH_SIZE = 1000

# From canonical text to what Django keeps in SQLite; other kinds are kept as their text.
TO_SQLITE: dict[Kind, Callable[[str], Any]] = {
    SIMPLE["BooleanField"]: lambda text: int(text == "true"),
    SIMPLE["DateTimeField"]: lambda text: str(datetime.fromisoformat(text).replace(tzinfo=None)),
    SIMPLE["TimeField"]: lambda text: str(time.fromisoformat(text)),
    SIMPLE["DurationField"]: int,
    SIMPLE["FloatField"]: float,
    SIMPLE["UUIDField"]: lambda text: uuid.UUID(text).hex,
    SIMPLE["BinaryField"]: lambda text: bytes.fromhex(text.removeprefix("\\x")),
    SIMPLE["JSONField"]: lambda text: json.dumps(json.loads(text)),
}


class SqliteTarget(SqliteSource):
    """The methods that a Verification needs of its target."""

    def read_schema(self) -> None:
        """Return nothing: only PostgreSQL's schema is described."""

    def sequence_of(self, table: Table) -> str | None:
        return table.name if table.auto_id else None

    def next_id(self, name: str) -> int:
        table = next(table for table in self.tables if table.name == name)
        return self.last_issued_id(table) + 1

    def highest_id(self, table: Table) -> int:
        assert table.auto_id is not None  # noqa: S101 -- only tables with a sequence are asked
        return max((row.key[0] for row in self.read_rows(table) if type(row.key[0]) is int), default=0)

    def invalid_references(self, table: Table) -> list[Problem]:
        found: list[Problem] = []
        tables, self.tables = self.tables, [table]
        try:
            self.report_orphans(found.append)
        finally:
            self.tables = tables
        return found


def fill_database(backup: BackupFile, installer: FileInstaller, progress: Callable[[str], None]) -> Outcome:
    """Insert all rows of the backup in one transaction into the SQLite file of the settings, whose tables are empty.
    The files of `installer` are kept from the commit on.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    tracked = Progress(progress, "restore", backup.manifest.rows)
    try:
        with transaction.atomic():
            for table in backup.tables:
                rows = tracked.track_rows(backup.read_rows(table), table.label)
                if table.predefined:
                    _add_missing_names(table, rows)
                else:
                    _insert_rows(table, rows)
                    issued = backup.last_issued_id(table)
                    if table.auto_id is not None and issued:
                        run_statement("DELETE FROM sqlite_sequence WHERE name = %s", table.name)
                        run_statement(
                            "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", table.name, issued
                        )
            connection.check_constraints()
            installer.keep_files()
    except Error:
        installer.allow_undo()  # the commit was refused
        raise
    tracked.finish()
    connection.close()
    return Outcome(backup.manifest.rows, 0, was_there=False)


def _insert_rows(table: Table, rows: Iterator[Row]) -> None:
    readers: list[Callable[[str], Any]] = [
        {name: number for number, name in run_statement(NAMES[column.named_by])}.__getitem__
        if column.named_by
        else TO_SQLITE.get(column.kind, int if column.kind.is_number else str)
        for column in table.columns
    ]
    names = ", ".join(quote_name(column.name) for column in table.columns)
    values = ", ".join("%s" for _ in readers)
    statement = f"INSERT INTO {quote_name(table.name)} ({names}) VALUES ({values})"  # noqa: S608 -- names of the models
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        while some := list(islice(rows, BATCH_SIZE)):
            cursor.executemany(
                statement,
                [
                    [
                        None if text is None else read(text)
                        for read, text in zip(readers, decode_values(row.line), strict=True)
                    ]
                    for row in some
                ],
            )


def _add_missing_names(table: Table, rows: Iterator[Row]) -> None:
    """Add the content types and permissions whose names are missing."""
    there = {name for _, name in run_statement(NAMES[table.label])}
    kinds = {name: number for number, name in run_statement(NAMES[CONTENT_TYPES])}
    for row in rows:
        values = decode_values(row.line)
        if table.label == PERMISSIONS:
            kind, codename, name = values
            if f"{kind}.{codename}" not in there:
                run_statement(
                    "INSERT INTO auth_permission (name, content_type_id, codename) VALUES (%s, %s, %s)",
                    name, kinds[kind or ""], codename,
                )  # fmt: skip
        elif ".".join(text or "" for text in values) not in there:
            run_statement("INSERT INTO django_content_type (app_label, model) VALUES (%s, %s)", *values)


def refuse_filled_tables(tables: list[Table]) -> None:
    """Raise TransferRefused that names the tables with rows."""
    raise TransferRefused(
        "The SQLite file of the settings is not empty. Nothing was changed. "
        "Let DATABASE_URL or DATA_DIR name another one:",
        [Problem(table.label, "", "", "has rows") for table in tables],
    )
