"""An import: one export into one empty PostgreSQL, in one transaction. It is there whole, or nothing of it is."""

from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass

import psycopg2
from django.core.files.storage import Storage, default_storage

from . import manifest
from .comparison import compare_rows
from .exports import ExportFolder, Say
from .media import Placement
from .problems import Fault, TransferRefused
from .progress import Progress
from .refusals import orphan, refused_by_server, row_of_copy
from .rows import Row, values_of
from .tables import CONTENT_TYPES, PERMISSIONS, Column, Table, quoted
from .target import LOCK, NEEDED, SESSION, Target, first_line


@dataclass(frozen=True)
class Outcome:
    """What an import did. `was_there` says that the target held exactly this export before."""

    rows: int
    files: int
    was_there: bool


class OutcomeUnknown(TransferRefused):
    """An import that the target has whole or not at all, and which of both it did not say."""


def bring_in(
    folder: ExportFolder,
    *,
    storage: Storage = default_storage,
    placement: Placement | None = None,
    progress: Say = lambda _words: None,
) -> Outcome:
    """Bring the export into the database of the settings, and its files into `storage`.

    Whoever has placed the files before gives their `placement`, which then stays open; it is undone, or held, with the
    rows. Raises TransferRefused, with nothing changed: a damaged export, other migrations, a target with rows, missing
    rights, a row that PostgreSQL refuses, a connection that breaks, no room. What is interrupted before the commit is
    undone; afterwards rows and files stay.
    """
    with closing(Target(folder.tables, read_only=False)) as target:
        _refuse_other_migrations(folder, target)
        target.refuse_without(NEEDED, [table.name for table in folder.tables])
    # Nobody's rows are locked, and no connection waits, while the export is read for the first time.
    folder.check(progress)
    with nullcontext(placement) if placement else closing(Placement(storage)) as placing:
        try:
            with closing(Target(folder.tables, read_only=False)) as target:
                return _Import(folder, target, placing, progress).run()
        except psycopg2.Error as error:
            placing.undo()
            raise refused_by_server(error) from error
        except BaseException:
            placing.undo()
            raise


def _refuse_other_migrations(folder: ExportFolder, target: Target) -> None:
    faults = manifest.differences(folder.migrations, target.migrations, "the export", "the target")
    if faults:
        raise TransferRefused(
            f"The export (LinkUp {folder.manifest.linkup}) and the target are of different versions; "
            "export and migrate with the same version of LinkUp:",
            faults,
        )


class _Import:
    """The one transaction."""

    def __init__(self, folder: ExportFolder, target: Target, placement: Placement, progress: Say) -> None:
        self._folder = folder
        self._target = target
        self._placement = placement
        self._progress = progress
        self._carried = [table for table in folder.tables if not table.given]

    def run(self) -> Outcome:
        self._lock()
        filled = self._target.filled()
        if filled:
            self._refuse_unless_same(filled)
        else:
            self._fill()
        for table in self._carried:
            self._target.raise_sequence(table, self._folder.sequence(table))
        self._place_files()
        self._commit()
        if not filled:
            self._gather_statistics()
        return Outcome(self._folder.manifest.rows, self._placement.placed, bool(filled))

    def _commit(self) -> None:
        # Before it is asked for: whoever interrupts it cannot know whether it was done, and rows that were committed
        # need the files. The next run finds those that are there.
        self._placement.hold()
        try:
            self._target.connection.commit()
        except psycopg2.Error as error:
            if error.pgcode is None:  # no answer: it may be done
                raise OutcomeUnknown(
                    "The connection was cut while the import was committed, and nobody knows whether it is in the "
                    f"target: {first_line(error).rstrip('.')}. Run it again: it is there whole then, nothing doubled."
                ) from error
            self._placement.release()
            raise

    def _lock(self) -> None:
        if not self._target.run("SELECT pg_try_advisory_xact_lock(%s)", LOCK)[0][0]:
            raise TransferRefused(f"Another import into {self._target.told} is at work.")
        names = ", ".join(quoted(table.name) for table in self._folder.tables)
        # The site may read meanwhile, and not write: it should be stopped, and would disturb.
        self._target.run(f"LOCK TABLE {names} IN EXCLUSIVE MODE")

    def _refuse_unless_same(self, filled: dict[str, int]) -> None:
        counts = {table.label: self._folder.count(table) for table in self._carried}
        if filled == {label: count for label, count in counts.items() if count}:
            shown = Progress(self._progress, "comparison", self._folder.manifest.rows)
            same = all(
                compare_rows(
                    table, shown.count(self._folder.rows(table), table.label), self._target.rows(table)
                ).same
                for table in self._folder.tables
            )
            shown.finish()
            if same:
                return
        faults = [Fault(label, "", "", f"holds {count} rows") for label, count in sorted(filled.items())]
        raise TransferRefused(
            f"{self._target.told} is not empty, and what it holds is not this export. Nothing was changed. "
            "Use an empty database that `migrate` has prepared:",
            faults,
        )

    def _fill(self) -> None:
        shown = Progress(self._progress, "import", self._folder.manifest.rows)
        for table in self._folder.tables:
            rows = shown.count(self._folder.rows(table), table.label)
            if table.given:
                self._complete(table, rows)
            else:
                self._copy(table, rows)
        # Foreign keys are checked here and not in COMMIT, so that the fault can be named.
        self._progress("import: the foreign keys are checked")
        try:
            self._target.run("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg2.Error as error:
            raise refused_by_server(error, orphan(error, self._folder)) from error
        shown.finish()

    def _complete(self, table: Table, rows: Iterator[Row]) -> None:
        """`migrate` has made most content types and permissions; those that only the source knows are added."""
        there = {row.key: row.line for row in self._target.rows(table)}
        for row in rows:
            values = values_of(row.line)
            if table.label == CONTENT_TYPES and row.key not in there:
                self._target.run(
                    "INSERT INTO django_content_type (app_label, model) VALUES (%s, %s)", *values
                )
            if table.label == PERMISSIONS and there.get(row.key) != row.line:
                self._set_permission(table, values, is_new=row.key not in there)
        self._target.forget_names()

    def _set_permission(self, table: Table, values: list[str | None], *, is_new: bool) -> None:
        place = self._writer(table, table.columns[0])(values[0] or "")
        if is_new:
            statement = "INSERT INTO auth_permission (name, content_type_id, codename) VALUES (%s, %s, %s)"
        else:
            statement = "UPDATE auth_permission SET name = %s WHERE content_type_id = %s AND codename = %s"
        self._target.run(statement, values[2], place, values[1])

    def _copy(self, table: Table, rows: Iterator[Row]) -> None:
        columns = ", ".join(quoted(column.column) for column in table.columns)
        stream = CopyStream(rows, [self._writer(table, column) for column in table.columns])
        try:
            with self._target.connection.cursor() as cursor:
                cursor.copy_expert(f"COPY {quoted(table.name)} ({columns}) FROM STDIN", stream, 1 << 16)
        except psycopg2.Error as error:
            # What went wrong while we read is the cause; PostgreSQL only says that we broke off.
            fault = row_of_copy(error, table, self._folder)
            raise stream.trouble or refused_by_server(error, fault) from error
        if stream.rows != self._folder.count(table):
            fault = Fault(
                table.label, "", "", f"has {stream.rows} rows, {self._folder.count(table)} in the manifest"
            )
            raise TransferRefused("The export is damaged:", [fault])

    def _writer(self, table: Table, column: Column) -> Callable[[str], str]:
        if not column.named_by:
            return column.kind.to_copy
        ids = {name: str(number) for number, name in self._target.names[column.named_by].items()}

        def write(name: str) -> str:
            if name not in ids:
                fault = Fault(
                    table.label, "", column.name, f"refers to {name}, which the target does not know"
                )
                raise TransferRefused("The export cannot be brought in:", [fault])
            return ids[name]

        return write

    def _place_files(self) -> None:
        place = self._folder.media_folder
        if place is None:
            return
        shown = Progress(self._progress, "files", self._folder.manifest.media.bytes, "bytes")
        self._placement.place_all(self._folder.media(), place, shown.advance)
        shown.finish()

    def _gather_statistics(self) -> None:
        """So that the first queries are planned well. What was brought in is safe by now: a failure costs nothing."""
        try:
            self._target.run(SESSION)
            for table in self._carried:
                self._target.run(f"ANALYZE {quoted(table.name)}")
            self._target.connection.commit()
        except psycopg2.Error as error:
            self._progress(
                f"import: ANALYZE failed ({first_line(error)}); PostgreSQL does it by itself later"
            )


class CopyStream:
    """Rows as COPY reads them, a piece at a time. What goes wrong on our side is kept in `trouble`."""

    def __init__(self, rows: Iterator[Row], writers: list[Callable[[str], str]]) -> None:
        self.rows = 0
        self.trouble: TransferRefused | None = None
        self._source = rows
        self._writers = writers
        self._left = b""

    def read(self, size: int = 1 << 16) -> bytes:
        """The next `size` bytes, fewer at the end."""
        pieces, length = [self._left], len(self._left)
        try:
            while length < size:
                row = next(self._source, None)
                if row is None:
                    break
                piece = self._line(values_of(row.line))
                pieces.append(piece)
                length += len(piece)
                self.rows += 1
        except TransferRefused as refused:
            self.trouble = refused
            raise
        whole = b"".join(pieces)
        self._left = whole[size:]
        return whole[:size]

    def _line(self, values: list[str | None]) -> bytes:
        written = [
            "\\N" if value is None else _escaped(write(value))
            for write, value in zip(self._writers, values, strict=True)
        ]
        return ("\t".join(written) + "\n").encode()


def _escaped(text: str) -> str:
    """What COPY reads back as `text`."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
