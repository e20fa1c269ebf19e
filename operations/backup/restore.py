"""Restores one backup into one empty server: first its files, then all rows in one transaction, then a comparison of
both with the backup. Whatever fails before the rows are committed, everything is undone.
"""

import os
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import Error

from ..transfer.exports import WriteMessage
from ..transfer.files.media import FileInstaller, MediaFile, hash_file
from ..transfer.imports import Outcome, import_export
from ..transfer.problems import NO_ROOM, TransferRefused, describe_os_error
from ..transfer.progress import Progress
from ..transfer.target import first_line
from ..transfer.verification import Verification, VerificationResult, verify_target
from .backup_file import BackupFile
from .databases import is_sqlite, sqlite_file
from .files import refuse_bucket_errors
from .schema import Migrations
from .sqlite_target import SqliteTarget, fill_database, refuse_filled_tables
from .targets import prepare_database, restore_lock, tables_with_rows


@dataclass(frozen=True)
class RestoreResult:
    """What a restore did. `findings` says whether the server holds what the backup holds; `forward` counts the
    migrations that were run afterwards, because the backup is of an older version.
    """

    rows: int
    files: int
    was_there: bool
    findings: VerificationResult
    forward: int


def restore_backup(backup: BackupFile, *, progress: WriteMessage = lambda _words: None) -> RestoreResult:
    """Write the backup into the database and the storage of the settings, and compare them with it.

    Raises TransferRefused, with nothing restored: a backup of a newer version, a database that is not empty, another
    file under the name of one of ours, no room, no rights, a connection that breaks. May be run again after any of it.
    """
    code = Migrations()
    backup.find_tables(code)
    newer = code.known - backup.migrations
    with restore_lock():
        prepare_database(code, backup.migrations, backup.tables)
        with closing(FileInstaller(default_storage)) as installer:
            with refuse_bucket_errors():
                outcome = _restore_contents(backup, installer, progress)
            files = installer.installed
        with refuse_bucket_errors():
            if is_sqlite():
                with closing(SqliteTarget(sqlite_file(), Path(settings.MEDIA_ROOT), backup.tables)) as target:
                    findings = Verification(backup, target, progress=progress).compare_all()  # type: ignore[arg-type]  # it has what is used
            else:
                findings = verify_target(backup, progress=progress)
        if findings.is_same:
            if newer:
                progress(f"restore: {len(newer)} migrations are newer than the backup; they run now")
            try:
                # Without newer migrations as well: it makes the permissions that this version has.
                call_command("migrate", verbosity=0, interactive=False)
            except Error as error:
                raise TransferRefused(
                    f"Everything is restored, and the newer migrations failed: {first_line(error)} "
                    "Mend that, then run `python manage.py migrate`."
                ) from error
    return RestoreResult(outcome.rows, files, outcome.was_there, findings, len(newer))


def _restore_contents(backup: BackupFile, installer: FileInstaller, progress: WriteMessage) -> Outcome:
    try:
        if tables_with_rows(backup.tables):
            # An earlier run came this far, or it is another network: no file is touched before that is known.
            outcome = _import_rows(backup, installer, progress)
            _install_files(backup, installer, progress)
            return outcome
        _install_files(backup, installer, progress)
        return _import_rows(backup, installer, progress)
    except OSError as error:
        installer.remove_installed()
        raise TransferRefused(f"The backup could not be restored: {describe_os_error(error)}") from error
    except BaseException:
        installer.remove_installed()
        raise


def _import_rows(backup: BackupFile, installer: FileInstaller, progress: WriteMessage) -> Outcome:
    """Import the rows. From the commit on the files are kept, because the rows need them."""
    if not is_sqlite():
        return import_export(backup, installer=installer, progress=progress)
    if filled := tables_with_rows(backup.tables):
        refuse_filled_tables(filled)
    return fill_database(backup, installer, progress)


def _install_files(backup: BackupFile, installer: FileInstaller, progress: WriteMessage) -> None:
    """Store each file by way of a temporary one, so that no half-read file gets its name."""
    shown = Progress(progress, "files", backup.manifest.media.bytes, "bytes")
    with tempfile.TemporaryDirectory(prefix="linkup-restore-") as folder:
        for name, content in backup.read_files():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with path.open("wb") as copy:
                    size, sha256 = hash_file(content, copy)
            except OSError as error:
                if error.errno in NO_ROOM:
                    error.filename = str(path.parent)  # the message names the disk that was full
                raise
            installer.install_all([MediaFile(name, size, sha256)], Path(folder), shown.add_units)
            path.unlink()
    # Their contents are on the disk before the rows that refer to them.
    os.sync()
    shown.finish()
