"""Imports one export into one empty PostgreSQL, in one transaction: all of it or nothing."""

from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass

import psycopg2
from django.core.files.storage import Storage, default_storage

from . import manifest
from .comparison import compare_rows
from .exports import ExportFolder, WriteMessage
from .files.media import FileInstaller
from .problems import Problem, TransferRefused
from .progress import Progress
from .refusals import find_copy_row, find_orphan, refuse_by_server
from .rows import Row, decode_values
from .tables import CONTENT_TYPES, PERMISSIONS, Column, Table, quote_name
from .target import IMPORT_LOCK, NEEDED_RIGHTS, SESSION_SETTINGS, Target, first_line


@dataclass(frozen=True)
class Outcome:
    """What an import did. `was_there` says that the target already held exactly this export."""

    rows: int
    files: int
    was_there: bool


class OutcomeUnknown(TransferRefused):
    """The connection was cut during the commit: the target has all of the import or nothing."""


def import_export(
    folder: ExportFolder,
    *,
    storage: Storage = default_storage,
    installer: FileInstaller | None = None,
    progress: WriteMessage = lambda _words: None,
) -> Outcome:
    """Import the export into the database of the settings, and its files into `storage`.

    A caller that has installed the files before gives the `installer`, which stays open; its files are removed, or
    kept, with the rows. Raises TransferRefused, with nothing changed: a damaged export, other migrations, a target with
    rows, missing rights, a row that PostgreSQL refuses, a connection that breaks, no room. An interruption before the
    commit undoes everything; after it rows and files stay.
    """
    with closing(Target(folder.tables, read_only=False)) as target:
        problems = manifest.compare_migrations(
            folder.migrations, target.migrations, "the export", "the target"
        )
        if problems:
            raise TransferRefused(
                f"The export (LinkUp {folder.manifest.linkup}) and the target are of different versions; "
                "export and migrate with the same version of LinkUp:",
                problems,
            )
        target.refuse_without(NEEDED_RIGHTS, [table.name for table in folder.tables])
    # No rows are locked, and no connection is open, while the export is read for the first time.
    folder.check_all(progress)
    with nullcontext(installer) if installer else closing(FileInstaller(storage)) as used_installer:
        try:
            with closing(Target(folder.tables, read_only=False)) as target:
                return _Import(folder, target, used_installer, progress).import_all()
        except psycopg2.Error as error:
            used_installer.remove_installed()
            raise refuse_by_server(error) from error
        except BaseException:
            used_installer.remove_installed()
            raise


class _Import:
    """The transaction of one import."""

    def __init__(
        self, folder: ExportFolder, target: Target, installer: FileInstaller, progress: WriteMessage
    ) -> None:
        self._folder = folder
        self._target = target
        self._installer = installer
        self._progress = progress
        self._carried = [table for table in folder.tables if not table.predefined]

    def import_all(self) -> Outcome:
        """Import everything and commit."""
        folder, target = self._folder, self._target
        if not target.run_statement("SELECT pg_try_advisory_xact_lock(%s)", IMPORT_LOCK)[0][0]:
            raise TransferRefused(f"Another import into {target.description} is at work.")
        names = ", ".join(quote_name(table.name) for table in folder.tables)
        # The site may read meanwhile, but not write: it should be stopped, and would disturb.
        target.run_statement(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
        filled = target.count_filled_tables()
        if filled:
            self._refuse_unless_same(filled)
        else:
            self._fill_tables()
        for table in self._carried:
            target.raise_sequence(table, folder.last_issued_id(table))
        if folder.media_folder is not None:
            progress = Progress(self._progress, "files", folder.manifest.media.bytes, "bytes")
            self._installer.install_all(folder.list_files(), folder.media_folder, progress.add_units)
            progress.finish()
        self._commit()
        if not filled:
            # For good plans of the first queries. The import is committed: a failure is harmless.
            try:
                target.run_statement(SESSION_SETTINGS)
                for table in self._carried:
                    target.run_statement(f"ANALYZE {quote_name(table.name)}")
                target.connection.commit()
            except psycopg2.Error as error:
                words = f"ANALYZE failed ({first_line(error)}); PostgreSQL does it by itself later"
                self._progress(f"import: {words}")
        return Outcome(folder.manifest.rows, self._installer.installed, bool(filled))

    def _commit(self) -> None:
        # Before the commit: after an interruption its result is unknown, and committed rows need the files.
        # The next run finds the files that are there.
        self._installer.keep_files()
        try:
            self._target.connection.commit()
        except psycopg2.Error as error:
            if error.pgcode is None:  # no answer: it may be done
                raise OutcomeUnknown(
                    "The connection was cut while the import was committed, and nobody knows whether it is in the "
                    f"target: {first_line(error).rstrip('.')}. Run it again: it is there whole then, nothing doubled."
                ) from error
            self._installer.allow_undo()
            raise

    def _refuse_unless_same(self, filled: dict[str, int]) -> None:
        counts = {table.label: self._folder.count_rows(table) for table in self._carried}
        if filled == {label: count for label, count in counts.items() if count}:
            progress = Progress(self._progress, "comparison", self._folder.manifest.rows)
            same = all(
                compare_rows(
                    table,
                    progress.track_rows(self._folder.read_rows(table), table.label),
                    self._target.read_rows(table),
                ).same
                for table in self._folder.tables
            )
            progress.finish()
            if same:
                return
        problems = [Problem(label, "", "", f"holds {count} rows") for label, count in sorted(filled.items())]
        raise TransferRefused(
            f"{self._target.description} is not empty, and what it holds is not this export. Nothing was changed. "
            "Use an empty database that `migrate` has prepared:",
            problems,
        )

    def _fill_tables(self) -> None:
        progress = Progress(self._progress, "import", self._folder.manifest.rows)
        for table in self._folder.tables:
            rows = progress.track_rows(self._folder.read_rows(table), table.label)
            if table.predefined:
                self._add_missing_names(table, rows)
            else:
                self._copy_rows(table, rows)
        # Foreign keys are checked before COMMIT, so that the problem can be named.
        self._progress("import: the foreign keys are checked")
        try:
            self._target.run_statement("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg2.Error as error:
            raise refuse_by_server(error, find_orphan(error, self._folder)) from error
        progress.finish()

    def _add_missing_names(self, table: Table, rows: Iterator[Row]) -> None:
        """Add the content types and permissions that only the source has: `migrate` has created most of them."""
        there = {row.key: row.line for row in self._target.read_rows(table)}
        for row in rows:
            values = decode_values(row.line)
            if table.label == CONTENT_TYPES and row.key not in there:
                self._target.run_statement(
                    "INSERT INTO django_content_type (app_label, model) VALUES (%s, %s)", *values
                )
            if table.label == PERMISSIONS and there.get(row.key) != row.line:
                statement = (
                    "UPDATE auth_permission SET name = %s WHERE content_type_id = %s AND codename = %s"
                    if row.key in there
                    else "INSERT INTO auth_permission (name, content_type_id, codename) VALUES (%s, %s, %s)"
                )
                content_type = self._value_writer(table, table.columns[0])(values[0] or "")
                self._target.run_statement(statement, values[2], content_type, values[1])
        self._target.forget_names()

    def _copy_rows(self, table: Table, rows: Iterator[Row]) -> None:
        columns = ", ".join(quote_name(column.name) for column in table.columns)
        stream = CopyStream(rows, [self._value_writer(table, column) for column in table.columns])
        try:
            with self._target.connection.cursor() as cursor:
                cursor.copy_expert(f"COPY {quote_name(table.name)} ({columns}) FROM STDIN", stream, 1 << 16)
        except psycopg2.Error as error:
            # An error of our side is the cause; PostgreSQL only says that the stream ended.
            problem = find_copy_row(error, table, self._folder)
            raise stream.error or refuse_by_server(error, problem) from error
        if stream.rows != self._folder.count_rows(table):
            problem = Problem(
                table.label,
                "",
                "",
                f"has {stream.rows} rows, {self._folder.count_rows(table)} in the manifest",
            )
            raise TransferRefused("The export is damaged:", [problem])

    def _value_writer(self, table: Table, column: Column) -> Callable[[str], str]:
        if not column.named_by:
            return column.kind.to_copy
        ids = {name: str(number) for number, name in self._target.names[column.named_by].items()}

        def id_of(name: str) -> str:
            if name not in ids:
                problem = Problem(
                    table.label, "", column.name, f"refers to {name}, which the target does not know"
                )
                raise TransferRefused("The export cannot be brought in:", [problem])
            return ids[name]

        return id_of


class CopyStream:
    """Rows as COPY reads them, in pieces. An error of our side is kept in `error`."""

    def __init__(self, rows: Iterator[Row], writers: list[Callable[[str], str]]) -> None:
        self.rows = 0
        self.error: TransferRefused | None = None
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
                pairs = zip(self._writers, decode_values(row.line), strict=True)
                texts = (None if value is None else write(value) for write, value in pairs)
                fields = [
                    "\\N"
                    if text is None
                    else text.replace("\\", "\\\\")
                    .replace("\n", "\\n")
                    .replace("\r", "\\r")
                    .replace("\t", "\\t")
                    for text in texts
                ]
                piece = ("\t".join(fields) + "\n").encode()
                pieces.append(piece)
                length += len(piece)
                self.rows += 1
        except TransferRefused as refused:
            self.error = refused
            raise
        whole = b"".join(pieces)
        self._left = whole[size:]
        return whole[:size]
