"""The folder of backups: their names, a lock for one writer, and the removal of older ones."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from ..transfer.problems import TransferRefused
from .container import MAGIC

SUFFIX = ".backup"
# A backup is written under such a name; the next run removes one that a power cut left.
UNFINISHED = ".linkup-unfinished-"
TIME_FORMAT = "%Y%m%dT%H%M%SZ"


def site_name() -> str:
    """Return the name of this network in the file names of its backups."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    return re.sub(r"[^a-z0-9.-]", "-", host.lower())


def new_name(moment: datetime) -> str:
    return f"linkup-{site_name()}-{moment.astimezone(UTC).strftime(TIME_FORMAT)}{SUFFIX}"


def list_backups(folder: Path) -> list[Path]:
    """Return the backups of this network in a folder, by their names and first bytes; the newest first."""
    shape = re.compile(rf"linkup-{re.escape(site_name())}-\d{{8}}T\d{{6}}Z{re.escape(SUFFIX)}")
    found = []
    for path in folder.iterdir():
        if shape.fullmatch(path.name) and path.is_file():
            with suppress(OSError), path.open("rb") as file:
                if file.read(len(MAGIC)) == MAGIC:
                    found.append(path)
    return sorted(found, reverse=True)


def remove_older(folder: Path, keep: int) -> list[Path]:
    """Remove the backups of this network except the newest `keep`; returns the removed ones."""
    older = list_backups(folder)[keep:]
    for path in older:
        path.unlink(missing_ok=True)
    return older


@contextmanager
def new_backup_file(destination: Path, moment: datetime) -> Iterator[tuple[Path, Path]]:
    """Yield a file to write to, and the name that it gets when the block succeeds. Otherwise nothing is left.

    `destination` is the file when it ends with `.backup`, or the folder. TransferRefused when it cannot be used.
    """
    is_file = destination.suffix == SUFFIX
    folder, name = (destination.parent, destination.name) if is_file else (destination, new_name(moment))
    _refuse_bad_destination(folder, folder / name)
    is_new = not folder.exists()
    if is_new:
        folder.mkdir(mode=0o700, parents=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TransferRefused(f"Another backup is being made in {folder} at the moment.") from None
        for left in folder.glob(f"{UNFINISHED}*"):
            left.unlink(missing_ok=True)
        file = folder / f"{UNFINISHED}{name}"
        try:
            yield file, folder / name
            _refuse_bad_destination(folder, folder / name)
            file.replace(folder / name)
            os.fsync(lock)
        finally:
            file.unlink(missing_ok=True)
            if is_new:
                with suppress(OSError):
                    folder.rmdir()
    finally:
        os.close(lock)


def _refuse_bad_destination(folder: Path, file: Path) -> None:
    for served in filter(None, (settings.MEDIA_ROOT, settings.STATIC_ROOT)):
        if folder.resolve().is_relative_to(Path(served).resolve()):
            raise TransferRefused(f"{folder} lies in a folder that the site serves; choose another place.")
    if file.exists():
        raise TransferRefused(f"{file} is there already; choose another name, or name a folder.")
    if folder.exists() and not folder.is_dir():
        raise TransferRefused(f"{folder} is not a folder. The name of a file ends with {SUFFIX}.")
