"""A restore: one backup into one empty server. Its files are there first, then all rows in one transaction, then both
are compared with the backup; whatever goes wrong before the rows are in, everything is undone.
"""

import os
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import Error

from ..transfer.exports import Say
from ..transfer.imports import Outcome, bring_in
from ..transfer.media import MediaFile, Placement, hashed
from ..transfer.problems import NO_ROOM, TransferRefused, lack_of_room
from ..transfer.progress import Progress
from ..transfer.target import first_line
from ..transfer.verification import Findings, Verification, verify
from .backup_file import BackupFile
from .databases import is_sqlite, sqlite_file
from .files import bucket_answers
from .schema import Migrations
from .sqlite_target import SqliteTarget, fill, refuse_rows
from .targets import filled, one_at_a_time, prepare


@dataclass(frozen=True)
class Restored:
    """What a restore did. `findings` tells whether the server holds what the backup holds; `forward` are the migrations
    that were run afterwards, because the backup is of an older version.
    """

    rows: int
    files: int
    was_there: bool
    findings: Findings
    forward: int


def restore(backup: BackupFile, *, progress: Say = lambda _words: None) -> Restored:
    """Put the backup into the database and the storage of the settings, and compare.

    Raises TransferRefused, with nothing restored: a backup of a newer version, a database that is not empty, another
    file under the name of one of ours, no room, no rights, a connection that breaks. May be run again after any of it.
    """
    code = Migrations()
    backup.find_tables(code)
    newer = code.all - backup.migrations
    with one_at_a_time():
        prepare(code, backup.migrations, backup.tables)
        with closing(Placement(default_storage)) as placement:
            with bucket_answers():
                outcome = _put_in(backup, placement, progress)
            files = placement.placed
        with bucket_answers():
            findings = _verify(backup, progress)
        if findings.same:
            if newer:
                progress(f"restore: {len(newer)} migrations are newer than the backup; they run now")
            _migrate_forward()
    return Restored(outcome.rows, files, outcome.was_there, findings, len(newer))


def _migrate_forward() -> None:
    """Without newer migrations as well: it makes the permissions that this version has."""
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except Error as error:
        raise TransferRefused(
            f"Everything is restored, and the newer migrations failed: {first_line(error)} "
            "Mend that, then run `python manage.py migrate`."
        ) from error


def _put_in(backup: BackupFile, placement: Placement, progress: Say) -> Outcome:
    try:
        if filled(backup.tables):
            # A former run came this far, or it is somebody's network: no file is touched before that is known.
            outcome = _bring_rows(backup, placement, progress)
            _place_files(backup, placement, progress)
            return outcome
        _place_files(backup, placement, progress)
        return _bring_rows(backup, placement, progress)
    except OSError as error:
        placement.undo()
        raise TransferRefused(f"The backup could not be restored: {lack_of_room(error)}") from error
    except BaseException:
        placement.undo()
        raise


def _bring_rows(backup: BackupFile, placement: Placement, progress: Say) -> Outcome:
    """From the commit on the files are held: the rows need them, whatever interrupts us."""
    if not is_sqlite():
        return bring_in(backup, placement=placement, progress=progress)
    if there := filled(backup.tables):
        refuse_rows(there)
    return fill(backup, placement, progress)


def _verify(backup: BackupFile, progress: Say) -> Findings:
    if not is_sqlite():
        return verify(backup, progress=progress)
    with closing(SqliteTarget(sqlite_file(), Path(settings.MEDIA_ROOT), backup.tables)) as target:
        return Verification(backup, target, progress=progress).run()  # type: ignore[arg-type]  # it has what is asked


def _copied(content: IO[bytes], path: Path) -> tuple[int, str]:
    """Size and hash of what was copied; an error tells which disk was full."""
    try:
        with path.open("wb") as copy:
            return hashed(content, copy)
    except OSError as error:
        if error.errno in NO_ROOM:
            error.filename = str(path.parent)
        raise


def _place_files(backup: BackupFile, placement: Placement, progress: Say) -> None:
    """Each file by way of a temporary one, so that none is in its place that was not read to its end."""
    shown = Progress(progress, "files", backup.manifest.media.bytes, "bytes")
    with tempfile.TemporaryDirectory(prefix="linkup-restore-") as folder:
        for name, content in backup.contents():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            file = MediaFile(name, *_copied(content, path))
            placement.place_all([file], Path(folder), shown.advance)
            path.unlink()
    # Their contents are on the disk before the rows that refer to them.
    os.sync()
    shown.finish()
