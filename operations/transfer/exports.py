"""Writes and reads exports: an export is a folder with the whole network; the site may run meanwhile.

```
manifest.json               what this is; written last
tables/feed.post.jsonl.gz   a table
media.jsonl                 name, size and SHA-256 of each uploaded file
media/                      the files, unless they were only listed
```
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from . import manifest
from .files.media import MEDIA, MediaFile, file_size, files_below, hash_file, is_safe_name, names_below
from .files.uploads import MissingFiles, ReferencedFiles
from .manifest import Manifest, MediaFacts, TableFacts
from .problems import Problem, TransferRefused, describe_os_error, shorten_value
from .progress import Progress
from .rows import Migration, Row
from .source import ProblemList, SqliteSource
from .table_files import FOLDER as TABLES
from .table_files import SUFFIX, TableFile
from .tables import LEFT_OUT, Table

FILE_LIST = "media.jsonl"
# An export is written here, and moved when it is complete.
UNFINISHED = ".unfinished"
PARTS = {manifest.FILE_NAME, TABLES, FILE_LIST, MEDIA}

WriteMessage = Callable[[str], None]


def _ignore_message(_words: str) -> None:
    pass


# -- Writing ----------------------------------------------------------------------------------
@dataclass(frozen=True)
class ExportResult:
    """The manifest of a new export, and the files that its rows name and the source does not have."""

    manifest: Manifest
    missing: MissingFiles


def export_network(
    source: SqliteSource,
    folder: Path,
    *,
    copy_media: bool = True,
    missing_allowed: int = 0,
    progress: WriteMessage = _ignore_message,
    add_note: WriteMessage = _ignore_message,
) -> ExportResult:
    """Write everything that `source` holds into `folder`.

    The new export replaces an older one in the folder when it is complete. Raises TransferRefused, and leaves nothing
    behind: the source holds what PostgreSQL cannot store, the folder has other content, there is no room, or more than
    `missing_allowed` rows name files and there are no files at all.
    """
    _refuse_bad_folder(folder, source)
    try:
        with _unfinished_folder(folder) as unfinished:
            writer = _ExportWriter(source, unfinished, progress, add_note)
            result = writer.write_all(copy_media=copy_media, missing_allowed=missing_allowed)
            # Everything that needs room is written before the older export is removed.
            manifest.write_manifest(result.manifest, unfinished)
            # The old manifest goes first: until the new one is in place there is no export in the folder.
            (folder / manifest.FILE_NAME).unlink(missing_ok=True)
            for part in (TABLES, MEDIA, FILE_LIST):
                old = folder / part
                if old.is_dir():
                    shutil.rmtree(old)
                (unfinished / part).replace(old)
            (unfinished / manifest.FILE_NAME).replace(folder / manifest.FILE_NAME)
    except OSError as error:
        raise TransferRefused(
            f"The export could not be written: {describe_os_error(error, folder)}"
        ) from error
    return result


def _refuse_bad_folder(folder: Path, source: SqliteSource) -> None:
    if folder.resolve().is_relative_to(source.media_root.resolve()):
        raise TransferRefused(
            f"{folder} lies in the media folder, which is to be exported; choose another place."
        )
    if source.media_root.resolve().is_relative_to(folder.resolve()):
        raise TransferRefused(
            f"{folder} holds the media folder, which is to be exported; choose another place."
        )
    if folder.exists() and not folder.is_dir():
        raise TransferRefused(f"{folder} is not a folder.")
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    # Names that an export has may belong to other content, unless a marker of an export is beside them.
    tables = folder / TABLES
    is_export = there & {manifest.FILE_NAME, UNFINISHED, FILE_LIST} or (
        tables.is_dir() and all(path.name.endswith(SUFFIX) for path in tables.iterdir())
    )
    strange = there - {*PARTS, UNFINISHED} if is_export else there
    if strange:
        raise TransferRefused(
            f"{folder} holds other things ({', '.join(sorted(strange)[:5])}); choose another place."
        )


@contextmanager
def _unfinished_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty subfolder for one export at a time; removes it afterwards, and `folder` if it is new and empty."""
    is_new = not folder.exists()
    if is_new:
        folder.mkdir(parents=True, mode=0o700)  # passwords' hashes and private messages are in it
    unfinished = folder / UNFINISHED
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(unfinished, ignore_errors=True)
        for path in (unfinished, unfinished / TABLES, unfinished / MEDIA):
            path.mkdir(mode=0o700)
        try:
            yield unfinished
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
            if is_new:
                with suppress(OSError):
                    folder.rmdir()
    except BlockingIOError:
        raise TransferRefused(f"Another export writes to {folder} at the moment.") from None
    finally:
        os.close(lock)


class _ExportWriter:
    """Writes the parts of one export."""

    def __init__(
        self, source: SqliteSource, folder: Path, progress: WriteMessage, add_note: WriteMessage
    ) -> None:
        self._source = source
        self._folder = folder
        self._progress = progress
        self._add_note = add_note
        self._files: dict[str, int] = {}

    def write_all(self, *, copy_media: bool, missing_allowed: int) -> ExportResult:
        source = self._source
        source.check_file()
        source.check_tables()
        for name, count in source.unknown_tables.items():
            self._add_note(
                f"The table {name} ({count} rows) belongs to no model of this version and is left out."
            )
        for name, columns in source.unknown_columns.items():
            self._add_note(
                f"Of the table {name} no field of this version knows, and left out is: {', '.join(columns)}."
            )
        found = ProblemList()
        source.report_orphans(found.add_problem)
        tables = self._write_tables(found)
        found.raise_if_any()
        made = Manifest(
            linkup=manifest.linkup_version(),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            migrations=manifest.group_by_app(source.migrations),
            tables=tables,
            left_out=list(LEFT_OUT),
            media=self._write_media(copy_media=copy_media),
        )
        # Both are of the source's state when it was opened.
        with closing(ReferencedFiles(source)) as referenced:
            location = str(source.media_root)
            missing = referenced.check_files(
                self._files, source.reopen, location=location, allowed=missing_allowed
            )
        missing.write_notes(self._add_note)
        return ExportResult(made, missing)

    def _write_tables(self, found: ProblemList) -> dict[str, TableFacts]:
        source = self._source
        progress = Progress(
            self._progress, "export", sum(source.count_rows(table) for table in source.tables)
        )
        facts = {}
        for table in source.tables:
            rows = progress.track_rows(source.read_rows(table, found.add_problem), table.label)
            facts[table.label] = TableFile(self._folder, table).write_rows(
                rows, source.last_issued_id(table, found.add_problem)
            )
        progress.finish()
        return facts

    def _write_media(self, *, copy_media: bool) -> MediaFacts:
        root = self._source.media_root
        total = sum(file_size(root / name) for name in names_below(root))
        progress = Progress(self._progress, "files", total, "bytes")
        files = size = 0
        listed = hashlib.sha256()
        with (self._folder / FILE_LIST).open("wb") as out:
            for file in files_below(root, self._folder / MEDIA if copy_media else None):
                entry = {"name": file.name, "size": file.size, "sha256": file.sha256}
                line = json.dumps(entry).encode() + b"\n"
                out.write(line)
                listed.update(line)
                files, size = files + 1, size + file.size
                self._files[file.name] = file.size
                progress.add_units(file.size, file.name)
            out.flush()
            os.fsync(out.fileno())
        progress.finish()
        return MediaFacts(files, size, listed.hexdigest(), copy_media)


# -- Reading ---------------------------------------------------------------------------------
class ExportFolder:
    """A complete export, as a Source. Raises TransferRefused when it is incomplete."""

    def __init__(self, folder: Path, tables: list[Table]) -> None:
        self.folder = folder
        self.description = f"the export {folder}"
        self.manifest = manifest.read_manifest(folder)
        exported, added = set(self.manifest.tables), manifest.TABLES_ADDED
        absent = {label for label, key in added.items() if key not in self.migrations}
        self.tables = [table for table in tables if table.label not in absent]
        for key, (label, column) in manifest.COLUMNS_ADDED.items():
            if key not in self.migrations:
                self.tables = [
                    table.without_column(column) if table.label == label else table for table in self.tables
                ]
        known = {table.label for table in self.tables}
        if known != exported:
            problems = [Problem(label, "", "", "is not in the export") for label in sorted(known - exported)]
            problems += [Problem(label, "", "", "has no model here") for label in sorted(exported - known)]
            raise TransferRefused(f"{folder} is an export of another version of LinkUp:", problems)

    @property
    def migrations(self) -> set[Migration]:
        return self.manifest.applied_migrations

    @property
    def media_folder(self) -> Path | None:
        """The folder of the files, when they are part of the export."""
        return self.folder / MEDIA if self.manifest.media.copied else None

    def table_facts(self, table: Table) -> TableFacts:
        return self.manifest.tables[table.label]

    def count_rows(self, table: Table) -> int:
        return self.table_facts(table).rows

    def last_issued_id(self, table: Table) -> int:
        return self.table_facts(table).sequence

    def read_rows(self, table: Table) -> Iterator[Row]:
        return TableFile(self.folder, table).read_rows()

    @cached_property
    def _file_list(self) -> Path:
        path = self.folder / FILE_LIST
        try:
            with path.open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest() == self.manifest.media.sha256
        except OSError as error:
            raise TransferRefused(
                "The export is damaged:", [Problem(FILE_LIST, "", "", str(error.strerror))]
            ) from error
        if not whole:
            raise TransferRefused(
                "The export is damaged:",
                [Problem(FILE_LIST, "", "", "is not the file that the manifest tells of")],
            )
        return path

    def list_files(self) -> Iterator[MediaFile]:
        with self._file_list.open("rb") as file:
            for line in file:
                try:
                    content = json.loads(line)
                    listed = MediaFile(str(content["name"]), int(content["size"]), str(content["sha256"]))
                except (ValueError, KeyError, TypeError) as error:
                    progress = shorten_value(line.decode(errors="replace"))
                    problem = Problem(FILE_LIST, "", "", f"has a line that tells of no file: {progress}")
                    raise TransferRefused("The export is damaged:", [problem]) from error
                if not is_safe_name(listed.name):
                    problem = Problem(
                        MEDIA, ascii(listed.name), "", "is no name of a file below the media folder"
                    )
                    raise TransferRefused("The export is damaged:", [problem])
                yield listed

    def check_all(self, progress: WriteMessage = _ignore_message) -> None:
        """Read all of the export; raises TransferRefused that names each damaged file."""
        self.check_tables()
        tracked = Progress(progress, "check of the files", self.manifest.media.bytes, "bytes")
        problems = []
        for file in self.list_files() if self.media_folder else ():
            try:
                with (self.folder / MEDIA / file.name).open("rb") as opened:
                    same = hash_file(opened) == (file.size, file.sha256)
                what = "" if same else "has other content than when it was exported"
            except OSError as error:
                what = f"cannot be read: {error.strerror}"
            problems += [Problem(MEDIA, file.name, "", what)] if what else []
            tracked.add_units(file.size, file.name)
        tracked.finish()
        if problems:
            raise TransferRefused("The export is damaged:", problems)

    def check_tables(self) -> None:
        """Check the tables and the list of files."""
        checks = [
            TableFile(self.folder, table).find_problem(self.table_facts(table)) for table in self.tables
        ]
        problems = [problem for problem in checks if problem]
        if problems:
            raise TransferRefused("The export is damaged:", problems)
        _ = self._file_list
