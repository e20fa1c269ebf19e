"""The files of a network: told by name, size and hash, in a folder or in the storage of the target."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage

from .problems import Fault, TransferRefused, lack_of_room

PIECE = 1 << 20
MEDIA = "media"
# What an interrupted copy leaves behind; never part of a network.
UNFINISHED = ".linkup-part"


class MediaFile(NamedTuple):
    """A file below the media folder; `name` is the name that rows know it by."""

    name: str
    size: int
    sha256: str


def hashed(file: IO[bytes], also: IO[bytes] | None = None) -> tuple[int, str]:
    """Size and SHA-256 of what `file` holds; what is read is written to `also`."""
    return _hashed(iter(lambda: file.read(PIECE), b""), also)


def _hashed(pieces: Iterable[bytes], also: IO[bytes] | None) -> tuple[int, str]:
    size, total = 0, hashlib.sha256()
    for piece in pieces:
        size += len(piece)
        total.update(piece)
        if also is not None:
            also.write(piece)
    return size, total.hexdigest()


def _refused(name: str, what: str) -> TransferRefused:
    return TransferRefused(
        "The media folder holds what cannot be carried over:", [Fault(MEDIA, name, "", what)]
    )


def names_below(root: Path) -> Iterator[str]:
    """The names of all files below `root`, in order; a folder that does not exist is empty.

    Links are followed, as the site follows them. Raises TransferRefused for a name that is not UTF-8 or has a line
    break, for a link that leads nowhere or round in a circle, and for what is no file.
    """

    def fail(error: OSError) -> None:
        raise TransferRefused(f"The media folder cannot be read: {lack_of_room(error)}") from error

    for folder, folders, files in os.walk(root, onerror=fail, followlinks=True) if root.is_dir() else ():
        folders.sort()
        for inner in folders:
            _refuse_circle(root, Path(folder, inner))
        for file in sorted(files):
            name = Path(folder, file).relative_to(root).as_posix()
            if _is_file(root, name) and not name.endswith(UNFINISHED):
                yield name


def _is_file(root: Path, name: str) -> bool:
    """Whether it can be carried; not when it has gone meanwhile. Raises TransferRefused for what is none."""
    if not is_safe(name):
        raise _refused(ascii(name), "is a file name with characters that no name of LinkUp has")
    path = root / name
    if path.is_file() or not os.path.lexists(path):
        return path.is_file()
    raise _refused(name, "is no file, or a link that leads nowhere; remove it")


def _refuse_circle(root: Path, path: Path) -> None:
    """Raise TransferRefused when `path` is a link to a folder on the way to it."""
    if not path.is_symlink():
        return
    target = path.resolve()
    way = path.relative_to(root).parents  # the last one is `root` itself
    if any((root / folder).resolve().is_relative_to(target) for folder in way):
        raise _refused(ascii(path.relative_to(root).as_posix()), f"is a link that leads back to {target}")


def named_folder(folder: Path | None, usual: Path) -> Path:
    """Where the uploads are: the folder that somebody named, or else the `usual` one, which is made with the first
    upload. Raises TransferRefused for a named one that is not there.
    """
    if folder is not None and not folder.is_dir():
        raise TransferRefused(
            f"{folder}, which --media names, is not a folder. Name the one that holds the uploads; "
            "where there never was an upload, make an empty one."
        )
    return folder or usual


def is_folder_of(storage: Storage, folder: Path) -> bool:
    """Whether the storage keeps its files in that folder."""
    return isinstance(storage, FileSystemStorage) and Path(storage.location).resolve() == folder.resolve()


def size_of(path: Path) -> int:
    """How many bytes the file has; none when it is gone."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def files_below(root: Path, copy_to: Path | None = None) -> Iterator[MediaFile]:
    """Every file below `root`, copied below `copy_to` when given. One that vanishes on the way is left out."""
    for name in names_below(root):
        try:
            source = (root / name).open("rb")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _refused(name, f"cannot be read: {error.strerror}") from error
        with source:
            if copy_to is None:
                yield MediaFile(name, *_hashed(_pieces(source, name), None))
                continue
            copy = copy_to / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            with copy.open("wb") as target:
                yield MediaFile(name, *_hashed(_pieces(source, name), target))


def _pieces(file: IO[bytes], name: str) -> Iterator[bytes]:
    """What `file` holds. A fault of the source's disk is told apart from one of the disk that is written to."""
    try:
        while piece := file.read(PIECE):
            yield piece
    except OSError as error:
        raise _refused(name, f"cannot be read: {error.strerror}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def is_safe(name: str) -> bool:
    """Whether `name` stays below its folder, is UTF-8, and fills one line."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return not {"\n", "\r", "\0"} & set(name) and not {"", ".", ".."} & set(name.split("/"))


def trouble_with(file: MediaFile, storage: Storage) -> str:
    """What is wrong with the file in the target's storage; empty when it is the same."""
    if not storage.exists(file.name):
        return "is missing"
    with storage.open(file.name) as opened:
        size, sha256 = hashed(opened)
    if size != file.size:
        return f"has {size} bytes, {file.size} in the source"
    return "" if sha256 == file.sha256 else "has the right size but other content"


class Placement:
    """Puts files into the storage of the target, and takes those that it put there away again when asked to."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        # On the disk: a network may have more files than memory for their names.
        self._placed = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 -- `close` closes it
        self._held = False
        self.placed = 0

    def place_all(self, files: Iterable[MediaFile], folder: Path, said: Callable[[int], None]) -> None:
        """Copy each file from `folder`; one that is there already is left as it is. `said` hears of the bytes.

        Raises TransferRefused when there is another file under the same name, or no room.
        """
        for file in files:
            try:
                self._place(file, folder / file.name)
            except TransferRefused:
                raise
            except Exception as error:  # a bucket has errors of its own
                stored_in = getattr(self._storage, "location", "")
                told = lack_of_room(error, stored_in) if isinstance(error, OSError) else _first_line(error)
                raise TransferRefused(f"The file {file.name} cannot be stored: {told}") from error
            said(file.size)

    def _place(self, file: MediaFile, path: Path) -> None:
        trouble = trouble_with(file, self._storage)
        if not trouble:
            return
        if trouble != "is missing":
            fault = Fault(MEDIA, file.name, "", trouble)
            raise TransferRefused("Another file stands under the same name in the target's media:", [fault])
        self._placed.write(f"{file.name}\n")
        self._placed.flush()
        if isinstance(self._storage, FileSystemStorage):
            _copy(path, self._storage, file.name)
        else:
            with path.open("rb") as opened:
                self._storage.save(file.name, File(opened))
        self.placed += 1

    def hold(self) -> None:
        """The rows that need the files are being committed: whatever comes now, even Ctrl-C, the files stay."""
        self._held = True

    def release(self) -> None:
        """The commit was refused: the files may go."""
        self._held = False

    def undo(self) -> None:
        """Delete what was placed, unless it is held."""
        if self._held:
            return
        self._placed.seek(0)
        for line in self._placed:
            self._storage.delete(line.rstrip("\n"))

    def close(self) -> None:
        self._placed.close()


def _copy(path: Path, storage: FileSystemStorage, name: str) -> None:
    """Copy in one step: under its name there is the whole file, or none."""
    target = Path(storage.path(name))
    unfinished = target.with_name(target.name + UNFINISHED)
    mode = storage.directory_permissions_mode
    try:
        target.parent.mkdir(parents=True, exist_ok=True, **({"mode": mode} if mode else {}))
        shutil.copyfile(path, unfinished)
        if storage.file_permissions_mode is not None:
            unfinished.chmod(storage.file_permissions_mode)
        unfinished.replace(target)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
