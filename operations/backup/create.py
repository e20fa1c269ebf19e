"""Creates a backup: one state of the database, the uploads and a manifest; it is read again before it gets its name."""

import io
import os
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage

from ..transfer import manifest
from ..transfer.exports import WriteMessage
from ..transfer.files.uploads import MissingFiles, ReferencedFiles
from ..transfer.manifest import MediaFacts, TableFacts
from ..transfer.problems import TransferRefused, describe_os_error
from ..transfer.progress import Progress
from ..transfer.tables import LEFT_OUT
from . import archive, destinations
from .archive import ArchiveWriter, BackupManifest
from .backup_file import BackupFile
from .container import ChunkWriter, new_header
from .databases import Database, open_database, unknown_tables
from .files import describe_storage, list_names, refuse_bucket_errors, total_size
from .schema import Migrations


@dataclass(frozen=True)
class CreatedBackup:
    """A backup that was written and read again; `removed` are the older ones that were removed. `missing` is what its
    rows name and the storage did not have; with `is_whole`, no more of it than the operator knows of.
    """

    file: Path
    backup: BackupFile
    removed: list[Path]
    missing: MissingFiles
    is_whole: bool


def create_backup(
    destination: Path,
    key: str,
    *,
    keep: int = 0,
    missing_allowed: int = 0,
    progress: WriteMessage = lambda _words: None,
    add_note: WriteMessage = lambda _words: None,
) -> CreatedBackup:
    """Back the network of the settings up, into the folder or file (`….backup`) `destination`.

    Encrypted when there is a `key`. With `keep`, so many backups of this network stay in the folder. When more than
    `missing_allowed` rows name files that are not there, they are named, and no older backup is removed, since it may
    be the last one that has them; when there is no file at all, that is refused. Raises TransferRefused, and leaves
    nothing behind, when it fails.
    """
    moment = datetime.now(UTC)
    fields = {"linkup": manifest.linkup_version(), "made_at": moment.isoformat(timespec="seconds")}
    try:
        with refuse_bucket_errors(), destinations.new_backup_file(destination, moment) as (path, final):
            # Nobody else may read it, and it is on the disk before it gets its name.
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                sealed = ChunkWriter(file, new_header(key, fields))
                with ArchiveWriter(sealed) as archive_writer:
                    writer = _BackupWriter(archive_writer, fields, progress, add_note)
                    missing = writer.write_all(missing_allowed)
                sealed.finish()
                file.flush()
                os.fsync(file.fileno())
            backup = BackupFile(path, key, progress=progress)
        backup.set_path(final)
        is_whole = missing.rows <= missing_allowed
        removed = destinations.remove_older(final.parent, keep) if keep and is_whole else []
    except OSError as error:
        raise TransferRefused(
            f"The backup could not be made: {describe_os_error(error, destination)}"
        ) from error
    return CreatedBackup(final, backup, removed, missing, is_whole)


class _BackupWriter:
    """Writes the members of one backup."""

    def __init__(
        self, writer: ArchiveWriter, fields: dict[str, str], progress: WriteMessage, add_note: WriteMessage
    ) -> None:
        self._writer = writer
        self._fields = fields
        self._progress = progress
        self._add_note = add_note

    def write_all(self, missing_allowed: int) -> MissingFiles:
        """Write all members; returns what rows name and the storage does not have."""
        with ExitStack() as until_the_end:
            with open_database(Path(settings.MEDIA_ROOT)) as database:
                for name in unknown_tables(database.tables):
                    self._add_note(f"The table {name} belongs to no app of this LinkUp and is left out.")
                tables = self._write_tables(database)
                named = until_the_end.enter_context(closing(ReferencedFiles(database)))
                applied = manifest.group_by_app(Migrations().of_installed_apps(database.migrations))
            # After the rows, so that no row refers to a later file, and when no transaction is open any more.
            media, names = self._write_files()
            missing = named.check_files(
                names,
                partial(open_database, Path(settings.MEDIA_ROOT)),
                location=describe_storage(default_storage),
                allowed=missing_allowed,
            )
        missing.write_notes(self._add_note)
        made = BackupManifest(
            linkup=self._fields["linkup"],
            made_at=self._fields["made_at"],
            migrations=applied,
            tables=tables,
            left_out=list(LEFT_OUT),
            media=media,
            site=destinations.site_name(),
            database=database.description,
            columns={table.label: table.fields for table in database.tables},
        )
        text = archive.encode_manifest(made)
        self._writer.add_member(archive.MANIFEST, len(text), io.BytesIO(text))
        return missing

    def _write_tables(self, database: Database) -> dict[str, TableFacts]:
        progress = Progress(self._progress, "backup", sum(map(database.count_rows, database.tables)))
        facts = {}
        for table in database.tables:
            rows = progress.track_rows(database.read_rows(table), table.label)
            facts[table.label] = self._writer.add_table(table.label, rows, database.last_issued_id(table))
        progress.finish()
        return facts

    def _write_files(self) -> tuple[MediaFacts, dict[str, int]]:
        progress = Progress(self._progress, "files", total_size(default_storage), "bytes")
        names: dict[str, int] = {}

        def add_file(size: int, name: str) -> None:
            names[name] = names.get(name, 0) + size
            progress.add_units(size, name)

        facts = self._writer.add_files(list_names(default_storage), default_storage, add_file)
        progress.finish()
        return facts, names
