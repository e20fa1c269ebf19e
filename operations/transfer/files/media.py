"""The uploaded files of a network, by name, size and hash: in a folder, or in the storage of the target."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage

from ..problems import Problem, TransferRefused, describe_os_error

PIECE_BYTES = 1 << 20
MEDIA = "media"
# The suffix of an interrupted copy; never part of a network.
UNFINISHED = ".linkup-part"


class MediaFile(NamedTuple):
    """A file below the media folder; rows refer to it by `name`."""

    name: str
    size: int
    sha256: str


def hash_file(file: IO[bytes], also: IO[bytes] | None = None) -> tuple[int, str]:
    """Return size and SHA-256 of the content of `file`; what is read is written to `also`."""
    return _hash_pieces(iter(lambda: file.read(PIECE_BYTES), b""), also)


def _hash_pieces(pieces: Iterable[bytes], also: IO[bytes] | None) -> tuple[int, str]:
    size, total = 0, hashlib.sha256()
    for piece in pieces:
        size += len(piece)
        total.update(piece)
        if also is not None:
            also.write(piece)
    return size, total.hexdigest()


def _unsupported_file(name: str, what: str) -> TransferRefused:
    return TransferRefused(
        "The media folder holds what cannot be carried over:", [Problem(MEDIA, name, "", what)]
    )


def names_below(root: Path) -> Iterator[str]:
    """Yield the names of all files below `root`, in order; a missing folder is empty.

    Links are followed, as the site follows them. Raises TransferRefused for a name that is not UTF-8 or has a line
    break, for a link that leads nowhere or round in a circle, and for what is no file.
    """

    def fail(error: OSError) -> None:
        raise TransferRefused(f"The media folder cannot be read: {describe_os_error(error)}") from error

    for folder, folders, files in os.walk(root, onerror=fail, followlinks=True) if root.is_dir() else ():
        folders.sort()
        for inner in folders:
            path = Path(folder, inner)
            if path.is_symlink():
                # A link to a folder on the way to it; the last of these parents is `root` itself.
                linked, way = path.resolve(), path.relative_to(root).parents
                if any((root / parent).resolve().is_relative_to(linked) for parent in way):
                    name = ascii(path.relative_to(root).as_posix())
                    raise _unsupported_file(name, f"is a link that leads back to {linked}")
        for file in sorted(files):
            name = Path(folder, file).relative_to(root).as_posix()
            if _is_file(root, name) and not name.endswith(UNFINISHED):
                yield name


def _is_file(root: Path, name: str) -> bool:
    """Return whether the file exists. Raises TransferRefused for what cannot be transferred."""
    if not is_safe_name(name):
        raise _unsupported_file(ascii(name), "is a file name with characters that no name of LinkUp has")
    path = root / name
    if path.is_file() or not os.path.lexists(path):
        return path.is_file()
    raise _unsupported_file(name, "is no file, or a link that leads nowhere; remove it")


def choose_media_folder(folder: Path | None, usual: Path) -> Path:
    """Return the folder of the uploads: `folder`, or else the `usual` one, which is created with the first upload.

    Raises TransferRefused when `folder` does not exist.
    """
    if folder is not None and not folder.is_dir():
        raise TransferRefused(
            f"{folder}, which --media names, is not a folder. Name the one that holds the uploads; "
            "where there never was an upload, make an empty one."
        )
    return folder or usual


def is_storage_folder(storage: Storage, folder: Path) -> bool:
    """Return whether the storage keeps its files in that folder."""
    return isinstance(storage, FileSystemStorage) and Path(storage.location).resolve() == folder.resolve()


def file_size(path: Path) -> int:
    """Return the size in bytes, 0 when the file is gone."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def files_below(root: Path, copy_to: Path | None = None) -> Iterator[MediaFile]:
    """Yield every file below `root`, and copy it below `copy_to`. A file that vanishes meanwhile is left out."""
    for name in names_below(root):
        try:
            source = (root / name).open("rb")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _unsupported_file(name, f"cannot be read: {error.strerror}") from error
        with source:
            if copy_to is None:
                yield MediaFile(name, *_hash_pieces(_read_pieces(source, name), None))
                continue
            copy = copy_to / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            with copy.open("wb") as target:
                yield MediaFile(name, *_hash_pieces(_read_pieces(source, name), target))


def _read_pieces(file: IO[bytes], name: str) -> Iterator[bytes]:
    """Yield the content of `file`. An error of the source's disk gets another message than one of the target's."""
    try:
        while piece := file.read(PIECE_BYTES):
            yield piece
    except OSError as error:
        raise _unsupported_file(name, f"cannot be read: {error.strerror}") from error


def is_safe_name(name: str) -> bool:
    """Return whether `name` stays below its folder, is UTF-8, and has no line break."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return not {"\n", "\r", "\0"} & set(name) and not {"", ".", ".."} & set(name.split("/"))


def find_file_problem(file: MediaFile, storage: Storage) -> str:
    """Return what is wrong with the file in the target's storage; "" when it is the same."""
    if not storage.exists(file.name):
        return "is missing"
    with storage.open(file.name) as opened:
        size, sha256 = hash_file(opened)
    if size != file.size:
        return f"has {size} bytes, {file.size} in the source"
    return "" if sha256 == file.sha256 else "has the right size but other content"


class FileInstaller:
    """Copies files to the storage of the target, and can remove those that it copied."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        # On the disk: a network may have more files than memory for their names.
        self._names = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 -- `close` closes it
        self._is_kept = False
        self.installed = 0

    def install_all(self, files: Iterable[MediaFile], folder: Path, on_bytes: Callable[[int], None]) -> None:
        """Copy each file from `folder`; an existing one is left as it is. Calls `on_bytes` with each size.

        Raises TransferRefused when there is another file under the same name, or no room.
        """
        for file in files:
            try:
                self._install_file(file, folder / file.name)
            except TransferRefused:
                raise
            except Exception as error:  # a bucket has its own exceptions
                what = str(error).partition("\n")[0] or type(error).__name__
                if isinstance(error, OSError):
                    what = describe_os_error(error, getattr(self._storage, "location", ""))
                raise TransferRefused(f"The file {file.name} cannot be stored: {what}") from error
            on_bytes(file.size)

    def _install_file(self, file: MediaFile, path: Path) -> None:
        what = find_file_problem(file, self._storage)
        if not what:
            return
        if what != "is missing":
            problem = Problem(MEDIA, file.name, "", what)
            raise TransferRefused("Another file stands under the same name in the target's media:", [problem])
        self._names.write(f"{file.name}\n")
        self._names.flush()
        if isinstance(self._storage, FileSystemStorage):
            # The name belongs to the whole file, or to none.
            target = Path(self._storage.path(file.name))
            unfinished = target.with_name(target.name + UNFINISHED)
            mode = self._storage.directory_permissions_mode
            try:
                target.parent.mkdir(parents=True, exist_ok=True, **({"mode": mode} if mode else {}))
                shutil.copyfile(path, unfinished)
                if self._storage.file_permissions_mode is not None:
                    unfinished.chmod(self._storage.file_permissions_mode)
                unfinished.replace(target)
            except OSError:
                unfinished.unlink(missing_ok=True)
                raise
        else:
            with path.open("rb") as opened:
                self._storage.save(file.name, File(opened))
        self.installed += 1

    def keep_files(self) -> None:
        """Keep the files from now on, even after Ctrl-C: the rows that need them are being committed."""
        self._is_kept = True

    def allow_undo(self) -> None:
        """Allow `remove_installed` again: the commit was refused."""
        self._is_kept = False

    def remove_installed(self) -> None:
        """Delete the installed files, unless they are kept."""
        if self._is_kept:
            return
        self._names.seek(0)
        for line in self._names:
            self._storage.delete(line.rstrip("\n"))

    def close(self) -> None:
        self._names.close()
