"""An export: a folder that holds the whole network, made while the site may run, and read again anywhere.

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
from .manifest import Manifest, MediaFacts, TableFacts
from .media import MEDIA, MediaFile, files_below, hashed, is_safe, names_below, size_of
from .problems import Fault, TransferRefused, lack_of_room, shortened
from .progress import Progress
from .rows import Migration, Row
from .source import FaultList, SqliteSource
from .table_files import FOLDER as TABLES
from .table_files import SUFFIX, TableFile
from .tables import LEFT_OUT, Table
from .uploads import Missing, NamedFiles

LIST = "media.jsonl"
# An export is made in here, and moved to its place when it is whole.
UNFINISHED = ".unfinished"
PARTS = {manifest.NAME, TABLES, LIST, MEDIA}

Say = Callable[[str], None]


def _nothing(_words: str) -> None:
    pass


# -- Making one -------------------------------------------------------------------------------
@dataclass(frozen=True)
class Exported:
    """An export that was made, and what its rows name that was not there."""

    manifest: Manifest
    missing: Missing


def export(
    source: SqliteSource,
    folder: Path,
    *,
    copy_media: bool = True,
    missing_allowed: int = 0,
    progress: Say = _nothing,
    note: Say = _nothing,
) -> Exported:
    """Write everything that `source` holds into `folder`.

    Where an export is already, the new one takes its place when it is whole, and not before. Raises TransferRefused,
    and leaves nothing behind, when the source holds what PostgreSQL cannot take, when the folder is somebody else's,
    when there is no room, or when more than `missing_allowed` rows name files and there is none at all.
    """
    _refuse_bad_place(folder, source)
    try:
        with _workshop(folder) as workshop:
            making = _Making(source, workshop, progress, note)
            made = making.run(copy_media=copy_media, missing_allowed=missing_allowed)
            # All that needs room is written before the former export goes.
            manifest.write(made.manifest, workshop)
            _move_in(workshop, folder)
    except OSError as error:
        raise TransferRefused(f"The export could not be written: {lack_of_room(error, folder)}") from error
    return made


def _refuse_bad_place(folder: Path, source: SqliteSource) -> None:
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
    # What an export is made of may be somebody's all the same, when it is not beside what marks one.
    is_export = there & {manifest.NAME, UNFINISHED} or LIST in there or _is_of_exports(folder / TABLES)
    strange = there - {*PARTS, UNFINISHED} if is_export else there
    if strange:
        raise TransferRefused(
            f"{folder} holds other things ({', '.join(sorted(strange)[:5])}); choose another place."
        )


def _is_of_exports(tables: Path) -> bool:
    return tables.is_dir() and all(path.name.endswith(SUFFIX) for path in tables.iterdir())


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """An empty place in `folder`, for one export at a time; gone afterwards, `folder` too when nothing came of it."""
    is_new = not folder.exists()
    if is_new:
        folder.mkdir(parents=True, mode=0o700)  # passwords' hashes and private messages are in it
    workshop = folder / UNFINISHED
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(workshop, ignore_errors=True)
        for place in (workshop, workshop / TABLES, workshop / MEDIA):
            place.mkdir(mode=0o700)
        try:
            yield workshop
        finally:
            shutil.rmtree(workshop, ignore_errors=True)
            if is_new:
                with suppress(OSError):
                    folder.rmdir()
    except BlockingIOError:
        raise TransferRefused(f"Another export writes to {folder} at the moment.") from None
    finally:
        os.close(lock)


class _Making:
    """Writes the parts of one export into its workshop."""

    def __init__(self, source: SqliteSource, workshop: Path, progress: Say, note: Say) -> None:
        self._source = source
        self._workshop = workshop
        self._progress = progress
        self._note = note
        self._files: dict[str, int] = {}

    def run(self, *, copy_media: bool, missing_allowed: int) -> Exported:
        source = self._source
        source.check_file()
        source.check_tables()
        for name, count in source.strangers.items():
            self._note(
                f"The table {name} ({count} rows) belongs to no model of this version and is left out."
            )
        for name, columns in source.strange_columns.items():
            self._note(
                f"Of the table {name} no field of this version knows, and left out is: {', '.join(columns)}."
            )
        found = FaultList()
        source.orphans(found.add)
        tables = self._write_tables(found)
        found.refuse()
        made = Manifest(
            linkup=manifest.version(),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            migrations=manifest.by_app(source.migrations),
            tables=tables,
            left_out=list(LEFT_OUT),
            media=self._write_media(copy_media=copy_media),
        )
        return Exported(made, self._missing(missing_allowed))

    def _write_tables(self, found: FaultList) -> dict[str, TableFacts]:
        source = self._source
        shown = Progress(self._progress, "export", sum(source.count(table) for table in source.tables))
        facts = {}
        for table in source.tables:
            rows = shown.count(source.rows(table, found.add), table.label)
            facts[table.label] = TableFile(self._workshop, table).write(
                rows, source.sequence(table, found.add)
            )
        shown.finish()
        return facts

    def _write_media(self, *, copy_media: bool) -> MediaFacts:
        root = self._source.media_root
        total = sum(size_of(root / name) for name in names_below(root))
        shown = Progress(self._progress, "files", total, "bytes")
        files = size = 0
        listed = hashlib.sha256()
        with (self._workshop / LIST).open("wb") as out:
            for file in files_below(root, self._workshop / MEDIA if copy_media else None):
                told = {"name": file.name, "size": file.size, "sha256": file.sha256}
                line = json.dumps(told).encode() + b"\n"
                out.write(line)
                listed.update(line)
                files, size = files + 1, size + file.size
                self._files[file.name] = file.size
                shown.advance(file.size, file.name)
            out.flush()
            os.fsync(out.fileno())
        shown.finish()
        return MediaFacts(files, size, listed.hexdigest(), copy_media)

    def _missing(self, allowed: int) -> Missing:
        """What rows name that is not among the files. Both are of the source as it was when it was opened."""
        source = self._source
        with closing(NamedFiles(source)) as named:
            missing = named.check(
                self._files, source.as_it_is_now, place=str(source.media_root), allowed=allowed
            )
        missing.tell(self._note)
        return missing


def _move_in(workshop: Path, folder: Path) -> None:
    # The old manifest goes first: from here until the new one is written there is no export in the folder.
    (folder / manifest.NAME).unlink(missing_ok=True)
    for part in (TABLES, MEDIA, LIST):
        old = folder / part
        if old.is_dir():
            shutil.rmtree(old)
        (workshop / part).replace(old)
    (workshop / manifest.NAME).replace(folder / manifest.NAME)


# -- Reading one ------------------------------------------------------------------------------
def _listed(line: bytes) -> MediaFile:
    """A line of the list of files. The list as a whole was compared before: only a forged one fails here."""
    try:
        content = json.loads(line)
        return MediaFile(str(content["name"]), int(content["size"]), str(content["sha256"]))
    except (ValueError, KeyError, TypeError) as error:
        fault = Fault(
            LIST, "", "", f"has a line that tells of no file: {shortened(line.decode(errors='replace'))}"
        )
        raise TransferRefused("The export is damaged:", [fault]) from error


class ExportFolder:
    """An Origin: an export that is complete by its own account. Raises TransferRefused when it is not."""

    def __init__(self, folder: Path, tables: list[Table]) -> None:
        self.folder = folder
        self.told = f"the export {folder}"
        self.manifest = manifest.read(folder)
        self.tables = tables
        known, told = {table.label for table in tables}, set(self.manifest.tables)
        if known != told:
            faults = [Fault(label, "", "", "is not in the export") for label in sorted(known - told)]
            faults += [Fault(label, "", "", "has no model here") for label in sorted(told - known)]
            raise TransferRefused(f"{folder} is an export of another version of LinkUp:", faults)

    @property
    def migrations(self) -> set[Migration]:
        return self.manifest.applied

    @property
    def media_folder(self) -> Path | None:
        """Where the files are, when they are part of the export."""
        return self.folder / MEDIA if self.manifest.media.copied else None

    def facts(self, table: Table) -> TableFacts:
        return self.manifest.tables[table.label]

    def count(self, table: Table) -> int:
        return self.facts(table).rows

    def sequence(self, table: Table) -> int:
        return self.facts(table).sequence

    def rows(self, table: Table) -> Iterator[Row]:
        return TableFile(self.folder, table).rows()

    @cached_property
    def _list(self) -> Path:
        path = self.folder / LIST
        try:
            with path.open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest() == self.manifest.media.sha256
        except OSError as error:
            raise TransferRefused(
                "The export is damaged:", [Fault(LIST, "", "", str(error.strerror))]
            ) from error
        if not whole:
            raise TransferRefused(
                "The export is damaged:", [Fault(LIST, "", "", "is not the file that the manifest tells of")]
            )
        return path

    def media(self) -> Iterator[MediaFile]:
        with self._list.open("rb") as file:
            for line in file:
                listed = _listed(line)
                if not is_safe(listed.name):
                    fault = Fault(
                        MEDIA, ascii(listed.name), "", "is no name of a file below the media folder"
                    )
                    raise TransferRefused("The export is damaged:", [fault])
                yield listed

    def check(self, progress: Say = _nothing) -> None:
        """Read every file of the export; raises TransferRefused that names each damaged one."""
        self.check_tables()
        shown = Progress(progress, "check of the files", self.manifest.media.bytes, "bytes")
        faults = []
        for file in self.media() if self.media_folder else ():
            fault = self._check_file(file)
            faults += [fault] if fault else []
            shown.advance(file.size, file.name)
        shown.finish()
        if faults:
            raise TransferRefused("The export is damaged:", faults)

    def check_tables(self) -> None:
        """The same for the tables and the list of the files."""
        checks = [TableFile(self.folder, table).check(self.facts(table)) for table in self.tables]
        faults = [fault for fault in checks if fault]
        if faults:
            raise TransferRefused("The export is damaged:", faults)
        _ = self._list

    def _check_file(self, file: MediaFile) -> Fault | None:
        try:
            with (self.folder / MEDIA / file.name).open("rb") as opened:
                same = hashed(opened) == (file.size, file.sha256)
        except OSError as error:
            return Fault(MEDIA, file.name, "", f"cannot be read: {error.strerror}")
        return None if same else Fault(MEDIA, file.name, "", "has other content than when it was exported")
