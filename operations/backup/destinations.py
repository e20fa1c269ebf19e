"""Where backups lie: their names, one at a time, and the older ones taken away."""

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
from .container import BEGINNING

ENDING = ".backup"
# A backup is made under such a name; one that a power cut left is removed by the next run.
UNFINISHED = ".linkup-unfinished-"
MOMENT = "%Y%m%dT%H%M%SZ"


def site() -> str:
    """The name of this network, as it stands in the names of its backups."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    return re.sub(r"[^a-z0-9.-]", "-", host.lower())


def new_name(moment: datetime) -> str:
    return f"linkup-{site()}-{moment.astimezone(UTC).strftime(MOMENT)}{ENDING}"


def ours(folder: Path) -> list[Path]:
    """The backups of this network in a folder, by the names that we give and by how they begin; the newest first."""
    shape = re.compile(rf"linkup-{re.escape(site())}-\d{{8}}T\d{{6}}Z{re.escape(ENDING)}")
    found = [path for path in folder.iterdir() if shape.fullmatch(path.name) and path.is_file()]
    return sorted((path for path in found if _begins_as_one(path)), reverse=True)


def _begins_as_one(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return file.read(len(BEGINNING)) == BEGINNING
    return False


def remove_older(folder: Path, keep: int) -> list[Path]:
    """Take the backups of this network away, but for the newest `keep`; returns which."""
    older = ours(folder)[keep:]
    for path in older:
        path.unlink(missing_ok=True)
    return older


@contextmanager
def unfinished(place: Path, moment: datetime) -> Iterator[tuple[Path, Path]]:
    """A file to write to, and the name that it gets when the block ends well. Nothing is left when it does not.

    `place` is the file when it ends with `.backup`, or the folder. TransferRefused when it cannot be used.
    """
    folder, name = (place.parent, place.name) if place.suffix == ENDING else (place, new_name(moment))
    _refuse_bad_place(folder, folder / name)
    is_new = not folder.exists()
    if is_new:
        folder.mkdir(mode=0o700, parents=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        _lock(lock, folder)
        for left in folder.glob(f"{UNFINISHED}*"):
            left.unlink(missing_ok=True)
        file = folder / f"{UNFINISHED}{name}"
        try:
            yield file, folder / name
            _refuse_bad_place(folder, folder / name)
            file.replace(folder / name)
            os.fsync(lock)
        finally:
            file.unlink(missing_ok=True)
            if is_new:
                with suppress(OSError):
                    folder.rmdir()
    finally:
        os.close(lock)


def _lock(folder: int, told: Path) -> None:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise TransferRefused(f"Another backup is being made in {told} at the moment.") from None


def _refuse_bad_place(folder: Path, file: Path) -> None:
    for served in filter(None, (settings.MEDIA_ROOT, settings.STATIC_ROOT)):
        if folder.resolve().is_relative_to(Path(served).resolve()):
            raise TransferRefused(f"{folder} lies in a folder that the site serves; choose another place.")
    if file.exists():
        raise TransferRefused(f"{file} is there already; choose another name, or name a folder.")
    if folder.exists() and not folder.is_dir():
        raise TransferRefused(f"{folder} is not a folder. The name of a file ends with {ENDING}.")
