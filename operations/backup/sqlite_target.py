"""The SQLite file of a developer's machine as what a backup is restored into, and compared with."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, time
from itertools import islice
from typing import Any

from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction

from ..transfer.imports import Outcome
from ..transfer.kinds import SIMPLE, Kind
from ..transfer.media import Placement
from ..transfer.problems import Fault, TransferRefused
from ..transfer.progress import Progress
from ..transfer.rows import Row, values_of
from ..transfer.source import SqliteSource
from ..transfer.tables import CONTENT_TYPES, NAMES, PERMISSIONS, Column, Table, quoted
from .backup_file import BackupFile
from .databases import run

AT_ONCE = 1000

# How Django keeps in SQLite what these canonical texts stand for; any other is kept as its text.
KEPT: dict[Kind, Callable[[str], Any]] = {
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
    """What a Verification asks of its target."""

    def schema(self) -> None:
        """Nothing to compare: the tables were made by `migrate` in the same file, and PostgreSQL's are described."""

    def sequence_of(self, table: Table) -> str | None:
        return table.name if table.counted else None

    def next_id(self, name: str) -> int:
        table = next(table for table in self.tables if table.name == name)
        return self.sequence(table) + 1

    def highest_id(self, table: Table) -> int:
        assert table.counted is not None  # noqa: S101 -- only tables with a sequence are asked
        return max((row.key[0] for row in self.rows(table) if type(row.key[0]) is int), default=0)

    def invalid_references(self, table: Table) -> list[Fault]:
        found: list[Fault] = []
        tables, self.tables = self.tables, [table]
        try:
            self.orphans(found.append)
        finally:
            self.tables = tables
        return found


def fill(backup: BackupFile, placement: Placement, progress: Callable[[str], None]) -> Outcome:
    """All rows of the backup in one transaction, into the file of the settings, whose tables are empty. The files of
    `placement` are held from its commit on.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    shown = Progress(progress, "restore", backup.manifest.rows)
    try:
        with transaction.atomic():
            for table in backup.tables:
                rows = shown.count(backup.rows(table), table.label)
                if table.given:
                    _complete(table, rows)
                else:
                    _insert(table, rows)
                    _raise_sequence(table, backup.sequence(table))
            connection.check_constraints()
            placement.hold()
    except Error:
        placement.release()  # the commit was refused
        raise
    shown.finish()
    connection.close()
    return Outcome(backup.manifest.rows, 0, was_there=False)


def _insert(table: Table, rows: Iterator[Row]) -> None:
    readers = [_reader(column) for column in table.columns]
    names, places = (
        ", ".join(quoted(column.column) for column in table.columns),
        ", ".join("%s" for _ in readers),
    )
    statement = f"INSERT INTO {quoted(table.name)} ({names}) VALUES ({places})"  # noqa: S608 -- names of the models
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        while some := list(islice(rows, AT_ONCE)):
            cursor.executemany(
                statement,
                [
                    [
                        None if text is None else read(text)
                        for read, text in zip(readers, values_of(row.line), strict=True)
                    ]
                    for row in some
                ],
            )


def _reader(column: Column) -> Callable[[str], Any]:
    if column.named_by:
        return {name: number for number, name in run(NAMES[column.named_by])}.__getitem__
    return KEPT.get(column.kind, int if column.kind.is_number else str)


def _complete(table: Table, rows: Iterator[Row]) -> None:
    """Content types and permissions that are not there by their names."""
    there = {name for _, name in run(NAMES[table.label])}
    kinds = {name: number for number, name in run(NAMES[CONTENT_TYPES])}
    for row in rows:
        values = values_of(row.line)
        if table.label == PERMISSIONS:
            kind, codename, name = values
            if f"{kind}.{codename}" not in there:
                run(
                    "INSERT INTO auth_permission (name, content_type_id, codename) VALUES (%s, %s, %s)",
                    name, kinds[kind or ""], codename,
                )  # fmt: skip
        elif ".".join(text or "" for text in values) not in there:
            run("INSERT INTO django_content_type (app_label, model) VALUES (%s, %s)", *values)


def _raise_sequence(table: Table, given_out: int) -> None:
    if table.counted is None or not given_out:
        return
    run("DELETE FROM sqlite_sequence WHERE name = %s", table.name)
    run("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", table.name, given_out)


def refuse_rows(tables: list[Table]) -> None:
    """Raise TransferRefused that names tables with rows."""
    raise TransferRefused(
        "The SQLite file of the settings is not empty. Nothing was changed. "
        "Let DATABASE_URL or DATA_DIR name another one:",
        [Fault(table.label, "", "", "has rows") for table in tables],
    )
