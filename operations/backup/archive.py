"""The content of a backup: a tar stream, which is read once and can be read again from any member on.

```
tables/feed.post/000001.jsonl.gz   rows of a table, one a line, in the order of their keys, in parts
media/photos/3f/…                  an uploaded file
media.jsonl                        name, size and SHA-256 of each file
manifest.json                      what this is, and the hashes of everything else
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

from ..transfer.files.media import MEDIA, MediaFile
from ..transfer.manifest import Manifest, MediaFacts, TableFacts
from ..transfer.rows import Row, TableHash, row_hash

TABLES = "tables/"
FILES = f"{MEDIA}/"
FILE_LIST = "media.jsonl"
MANIFEST = "manifest.json"
# Bytes of rows that are compressed together, and held in memory.
PART_BYTES = 1 << 20
COMPRESSION = 3
# Bytes that tarfile reads and writes at once.
BLOCK_BYTES = 1 << 16


@dataclass(frozen=True)
class BackupManifest(Manifest):
    """The manifest of an export, with the site, its database, and the fields of each table."""

    site: str = ""
    database: str = ""
    columns: dict[str, list[str]] = field(default_factory=dict)


def encode_manifest(manifest: BackupManifest) -> bytes:
    """Return the content of the manifest's member."""
    return json.dumps(asdict(manifest), indent=1).encode()


def decode_manifest(text: bytes) -> BackupManifest:
    """Return the manifest that `encode_manifest` took; ValueError, KeyError or TypeError for anything else."""
    content = json.loads(text)
    tables = {label: TableFacts(**facts) for label, facts in content.pop("tables").items()}
    media = MediaFacts(**content.pop("media"))
    return BackupManifest(**content, tables=tables, media=media)


def encode_list_entry(file: MediaFile) -> bytes:
    """Return the line of a file in the list of files."""
    return json.dumps({"name": file.name, "size": file.size, "sha256": file.sha256}).encode() + b"\n"


class WritableStream(Protocol):
    """A stream that an archive is written to."""

    def write(self, data: bytes, /) -> int: ...


class ReadableStream(Protocol):
    """A stream that an archive is read from."""

    def read(self, size: int, /) -> bytes: ...


# -- Writing ----------------------------------------------------------------------------------
class ArchiveWriter:
    """Writes the members of one archive."""

    def __init__(self, sink: WritableStream) -> None:
        self._tar = tarfile.open(fileobj=sink, mode="w|", bufsize=BLOCK_BYTES)  # type: ignore[call-overload]  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._tar.close()
            return
        # It writes what it still holds, perhaps to a full disk: the first error was raised before.
        with suppress(OSError):
            self._tar.close()

    def add_member(self, name: str, size: int, content: IO[bytes]) -> None:
        """Write a member of `size` bytes; OSError when `content` has fewer."""
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        self._tar.addfile(entry, content)
        # tarfile remembers every member; a network may have more files than memory for that.
        self._tar.members = []

    def add_table(self, label: str, rows: Iterator[Row], last_id: int) -> TableFacts:
        """Write all rows of a table; returns the table's facts for the manifest."""
        total, parts, lines, size, number = TableHash(), hashlib.sha256(), [], 0, 0
        row = next(rows, None)
        while row is not None:
            total.add_row(row_hash(row.line))
            lines.append(row.line + b"\n")
            size += len(row.line) + 1
            row = next(rows, None)
            if size >= PART_BYTES or row is None:
                part = gzip.compress(b"".join(lines), COMPRESSION, mtime=0)
                parts.update(part)
                lines, size, number = [], 0, number + 1
                self.add_member(f"{TABLES}{label}/{number:06}.jsonl.gz", len(part), io.BytesIO(part))
        return TableFacts(total.rows, total.text, parts.hexdigest(), last_id)

    def add_files(
        self, names: Iterable[str], storage: Storage, on_file: Callable[[int, str], None]
    ) -> MediaFacts:
        """Write the files of the storage, and their list. A file that vanishes meanwhile is left out."""
        files = total = 0
        hashes = hashlib.sha256()
        with tempfile.TemporaryFile() as lines:
            for name in names:
                try:
                    with storage.open(name) as opened:
                        size, content = opened.size, _HashingReader(opened)
                        self.add_member(FILES + name, size, content)  # type: ignore[arg-type]  # tarfile only reads
                except FileNotFoundError:
                    continue
                entry = encode_list_entry(MediaFile(name, size, content.hash.hexdigest()))
                hashes.update(entry)
                lines.write(entry)
                files, total = files + 1, total + size
                on_file(size, name)
            end = lines.tell()
            lines.seek(0)
            self.add_member(FILE_LIST, end, lines)
        return MediaFacts(files, total, hashes.hexdigest(), copied=True)


class _HashingReader:
    """Hashes a file while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.hash = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.hash.update(data)
        return data


# -- Reading ----------------------------------------------------------------------------------
class Member(NamedTuple):
    """A member, to be read before the next one. The archive can be read again from `offset` on."""

    name: str
    offset: int
    size: int
    content: IO[bytes]


def read_members(source: ReadableStream, start: int = 0) -> Iterator[Member]:
    """Yield the members from `start` on, the position of `source`. Raises tarfile.TarError for other content."""
    with tarfile.open(fileobj=source, mode="r|", bufsize=BLOCK_BYTES) as tar:  # type: ignore[call-overload]
        while (entry := tar.next()) is not None:
            content = tar.extractfile(entry)
            if content is None:
                raise tarfile.ReadError(f"{entry.name} is not a file")
            yield Member(entry.name, start + entry.offset, entry.size, content)
            tar.members = []


def label_of(name: str) -> str:
    """Return the table that a member belongs to, or ""."""
    return name.removeprefix(TABLES).partition("/")[0] if name.startswith(TABLES) else ""


def decode_part(part: bytes) -> list[bytes]:
    """Return the lines of a part."""
    return gzip.decompress(part).split(b"\n")[:-1]
