"""Makes a backup: the database in one state, the uploads, what both were; read again before it gets its name."""

import io
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.storage import default_storage

from ..transfer import manifest
from ..transfer.exports import Say
from ..transfer.manifest import MediaFacts, TableFacts
from ..transfer.problems import TransferRefused, lack_of_room
from ..transfer.progress import Progress
from ..transfer.tables import LEFT_OUT
from ..transfer.uploads import Missing, NamedFiles
from . import archive, destinations
from .archive import ArchiveWriter, BackupManifest
from .backup_file import BackupFile
from .container import ChunkWriter, new_opening
from .databases import Database, open_database, strangers
from .files import bucket_answers, bytes_in, names_in, place_of
from .schema import Migrations


@dataclass(frozen=True)
class Made:
    """A backup that was made and read again; `removed` are older ones that went for it. `missing` is what its rows name
    and the storage did not have; with `is_whole`, no more of it than the operator knows of.
    """

    file: Path
    backup: BackupFile
    removed: list[Path]
    missing: Missing
    is_whole: bool


def make(
    place: Path,
    key: str,
    *,
    keep: int = 0,
    missing_allowed: int = 0,
    progress: Say = lambda _words: None,
    note: Say = lambda _words: None,
) -> Made:
    """Back the network of the settings up, into the folder `place` or into the file `place` (`….backup`).

    Encrypted when there is a `key`. With `keep`, so many backups of this network stay in the folder. When more than
    `missing_allowed` rows name files that are not there, they are named, and no older backup goes, since it may be the
    last one that has them; when there is no file at all, that is refused. Raises TransferRefused, and leaves nothing
    behind, when it cannot be done.
    """
    moment = datetime.now(UTC)
    try:
        with bucket_answers(), destinations.unfinished(place, moment) as (file, final):
            missing = _write(file, key, moment, missing_allowed, progress, note)
            made = BackupFile(file, key, progress=progress)
        made.has_moved(final)
        is_whole = missing.rows <= missing_allowed
        removed = destinations.remove_older(final.parent, keep) if keep and is_whole else []
    except OSError as error:
        raise TransferRefused(f"The backup could not be made: {lack_of_room(error, place)}") from error
    return Made(final, made, removed, missing, is_whole)


def _write(path: Path, key: str, moment: datetime, allowed: int, progress: Say, note: Say) -> Missing:
    about = {"linkup": manifest.version(), "made_at": moment.isoformat(timespec="seconds")}
    with _new_file(path) as file:
        sealed = ChunkWriter(file, new_opening(key, about))
        with ArchiveWriter(sealed) as writer:
            missing = _Making(writer, about, progress, note).run(allowed)
        sealed.finish()
    return missing


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A new file that nobody else may read, on the disk when the block ends."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


class _Making:
    """Writes the members of one backup."""

    def __init__(self, writer: ArchiveWriter, about: dict[str, str], progress: Say, note: Say) -> None:
        self._writer = writer
        self._about = about
        self._progress = progress
        self._note = note

    def run(self, missing_allowed: int) -> Missing:
        """Write all of it; what rows name and the storage has not."""
        with ExitStack() as until_the_end:
            with open_database(Path(settings.MEDIA_ROOT)) as database:
                for name in strangers(database.tables):
                    self._note(f"The table {name} belongs to no app of this LinkUp and is left out.")
                tables = self._write_tables(database)
                named = until_the_end.enter_context(closing(NamedFiles(database)))
                applied = manifest.by_app(Migrations().own(database.migrations))
            # After the rows, so that none refers to a file that came later, and when no transaction waits any more.
            media, names = self._write_files()
            missing = named.check(
                names, _database_now, place=place_of(default_storage), allowed=missing_allowed
            )
        missing.tell(self._note)
        made = BackupManifest(
            linkup=self._about["linkup"],
            made_at=self._about["made_at"],
            migrations=applied,
            tables=tables,
            left_out=list(LEFT_OUT),
            media=media,
            site=destinations.site(),
            database=database.told,
            columns={table.label: table.fields for table in database.tables},
        )
        text = archive.manifest_text(made)
        self._writer.add(archive.MANIFEST, len(text), io.BytesIO(text))
        return missing

    def _write_tables(self, database: Database) -> dict[str, TableFacts]:
        shown = Progress(self._progress, "backup", sum(map(database.count, database.tables)))
        facts = {}
        for table in database.tables:
            rows = shown.count(database.rows(table), table.label)
            facts[table.label] = self._writer.add_table(table.label, rows, database.sequence(table))
        shown.finish()
        return facts

    def _write_files(self) -> tuple[MediaFacts, dict[str, int]]:
        shown = Progress(self._progress, "files", bytes_in(default_storage), "bytes")
        names: dict[str, int] = {}

        def said(size: int, name: str) -> None:
            names[name] = names.get(name, 0) + size
            shown.advance(size, name)

        facts = self._writer.add_files(names_in(default_storage), default_storage, said)
        shown.finish()
        return facts, names


def _database_now() -> AbstractContextManager[Database]:
    return open_database(Path(settings.MEDIA_ROOT))
