"""The inner form of a backup: a tar stream, which needs to be read only once and can be read from any member on.

```
tables/feed.post/000001.jsonl.gz   rows of a table, a line each, in the order of their keys; as many parts as it takes
media/photos/3f/…                  an uploaded file
media.jsonl                        name, size and SHA-256 of each file
manifest.json                      what this is, and the hashes of all the rest
```
"""

import gzip
import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import IO, NamedTuple, Protocol, Self

from django.core.files.storage import Storage

from ..transfer.manifest import Manifest, MediaFacts, TableFacts
from ..transfer.media import MEDIA, MediaFile
from ..transfer.rows import Row, TableHash, row_hash

TABLES = "tables/"
FILES = f"{MEDIA}/"
LIST = "media.jsonl"
MANIFEST = "manifest.json"
# So many bytes of rows are compressed together, and held in memory.
PART = 1 << 20
COMPRESSION = 3
# So many bytes tarfile reads and writes at once.
BLOCK = 1 << 16


@dataclass(frozen=True)
class BackupManifest(Manifest):
    """The manifest of an export, with what a backup tells besides: from where it is, and the fields of each table."""

    site: str = ""
    database: str = ""
    columns: dict[str, list[str]] = field(default_factory=dict)


def manifest_text(manifest: BackupManifest) -> bytes:
    """The manifest as its member holds it."""
    return json.dumps(asdict(manifest), indent=1).encode()


def manifest_of(text: bytes) -> BackupManifest:
    """What `manifest_text` took; ValueError, KeyError or TypeError for anything else."""
    content = json.loads(text)
    tables = {label: TableFacts(**facts) for label, facts in content.pop("tables").items()}
    media = MediaFacts(**content.pop("media"))
    return BackupManifest(**content, tables=tables, media=media)


def listed(file: MediaFile) -> bytes:
    """The line of a file in the list of files."""
    told = {"name": file.name, "size": file.size, "sha256": file.sha256}
    return json.dumps(told).encode() + b"\n"


class Sink(Protocol):
    """Where an archive is written to."""

    def write(self, data: bytes, /) -> int: ...


class Source(Protocol):
    """Where an archive is read from."""

    def read(self, size: int, /) -> bytes: ...


# -- Writing ----------------------------------------------------------------------------------
class ArchiveWriter:
    """Writes one archive, member after member."""

    def __init__(self, sink: Sink) -> None:
        self._tar = tarfile.open(fileobj=sink, mode="w|", bufsize=BLOCK)  # type: ignore[call-overload]  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._tar.close()
            return
        # It writes what it still holds, perhaps to a disk that is full: what matters was raised before.
        with suppress(OSError):
            self._tar.close()

    def add(self, name: str, size: int, content: IO[bytes]) -> None:
        """One member of so many bytes; OSError when there are fewer."""
        about = tarfile.TarInfo(name)
        about.size, about.mode = size, 0o600
        self._tar.addfile(about, content)
        # tarfile remembers every member; a network may have more files than memory for that.
        self._tar.members = []

    def add_table(self, label: str, rows: Iterator[Row], sequence: int) -> TableFacts:
        """All rows of a table; returns what the manifest tells of it."""
        total, parts = TableHash(), hashlib.sha256()
        for number, lines in enumerate(_in_parts(rows, total), 1):
            part = gzip.compress(lines, COMPRESSION, mtime=0)
            parts.update(part)
            self.add(f"{TABLES}{label}/{number:06}.jsonl.gz", len(part), io.BytesIO(part))
        return TableFacts(total.rows, total.text, parts.hexdigest(), sequence)

    def add_files(
        self, names: Iterable[str], storage: Storage, said: Callable[[int, str], None]
    ) -> MediaFacts:
        """The files, as they are in the storage, and their list. One that vanishes on the way is left out."""
        files = size = 0
        hashes = hashlib.sha256()
        with tempfile.TemporaryFile() as lines:
            for name in names:
                file = self._add_file(name, storage)
                if file is None:
                    continue
                hashes.update(listed(file))
                lines.write(listed(file))
                files, size = files + 1, size + file.size
                said(file.size, name)
            end = lines.tell()
            lines.seek(0)
            self.add(LIST, end, lines)
        return MediaFacts(files, size, hashes.hexdigest(), copied=True)

    def _add_file(self, name: str, storage: Storage) -> MediaFile | None:
        try:
            with storage.open(name) as opened:
                size = opened.size
                reading = _Hashing(opened)
                self.add(FILES + name, size, reading)  # type: ignore[arg-type]  # tarfile only reads
        except FileNotFoundError:
            return None
        return MediaFile(name, size, reading.hash.hexdigest())


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.hash = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.hash.update(data)
        return data


def _in_parts(rows: Iterator[Row], total: TableHash) -> Iterator[bytes]:
    lines, length = [], 0
    for row in rows:
        total.add(row_hash(row.line))
        lines.append(row.line + b"\n")
        length += len(row.line) + 1
        if length >= PART:
            yield b"".join(lines)
            lines, length = [], 0
    if lines:
        yield b"".join(lines)


# -- Reading ----------------------------------------------------------------------------------
class Member(NamedTuple):
    """A member, to be read before the next one is asked for. `offset` is where an archive can be read again from it."""

    name: str
    offset: int
    size: int
    content: IO[bytes]


def members(source: Source, start: int = 0) -> Iterator[Member]:
    """The members from `start` on, where `source` stands. Raises tarfile.TarError for what is no archive."""
    with tarfile.open(fileobj=source, mode="r|", bufsize=BLOCK) as tar:  # type: ignore[call-overload]
        while (about := tar.next()) is not None:
            content = tar.extractfile(about)
            if content is None:
                raise tarfile.ReadError(f"{about.name} is not a file")
            yield Member(about.name, start + about.offset, about.size, content)
            tar.members = []


def label_of(name: str) -> str:
    """The table that a member is a part of, or ""."""
    return name.removeprefix(TABLES).partition("/")[0] if name.startswith(TABLES) else ""


def lines_of(part: bytes) -> list[bytes]:
    """The rows of a part."""
    return gzip.decompress(part).split(b"\n")[:-1]
