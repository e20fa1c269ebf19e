"""A backup that is there: it is read whole and checked once, then any part of it may be read again."""

import hashlib
import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import IO

from ..transfer.exports import ExportFolder, Say
from ..transfer.media import MediaFile, hashed, is_safe
from ..transfer.problems import TransferRefused, lack_of_room
from ..transfer.progress import Progress
from ..transfer.rows import Row, TableHash, row_hash, values_of
from ..transfer.tables import Table
from . import archive
from .archive import BackupManifest, Member, label_of, lines_of, listed, members
from .container import ChunkReader, damaged, read_opening
from .schema import Migrations, in_order

# What a part may be on its own: one that claims more is no part of ours.
LARGEST_PART = 64 << 20


class BackupFile(ExportFolder):
    """An export in one file. Making one reads all of it: TransferRefused tells what is wrong, before anything is done.

    `tables` are those of the migrations that the backup names; they are known when this code knows the migrations.
    """

    manifest: BackupManifest

    def __init__(self, path: Path, key: str, *, progress: Say = lambda _words: None) -> None:
        self.has_moved(path)
        self._starts: dict[str, int] = {}
        self.tables: list[Table] = []
        with self._reading():
            self.size = path.stat().st_size
            with path.open("rb") as file:
                # Once: a passphrase takes a second to become a key.
                self._opening = read_opening(file, path, key)
            self._read_all(progress)

    def has_moved(self, path: Path) -> None:
        """The file has this name now."""
        self.folder = path
        self.told = f"the backup {path}"

    @property
    def path(self) -> Path:
        return self.folder

    @property
    def is_encrypted(self) -> bool:
        return bool(self._opening.about["cipher"])

    @property
    def summary(self) -> str:
        """What is in it, in a few words."""
        told, how = self.manifest, "encrypted" if self.is_encrypted else "not encrypted"
        files = f"{told.media.files:,} files with {told.media.bytes:,} bytes"
        return f"{told.rows:,} rows of {len(told.tables)} tables, {files}; {self.size:,} bytes, {how}"

    def find_tables(self, code: Migrations) -> None:
        """Learn the tables. TransferRefused when the backup is of a newer LinkUp, or of models that were changed."""
        code.refuse_unknown(self.migrations, f"{self.path} (LinkUp {self.manifest.linkup})")
        tables = {table.label: table for table in code.tables(self.migrations)}
        told = self.manifest.columns
        if {label: set(table.fields) for label, table in tables.items()} != {
            label: set(fields) for label, fields in told.items()
        }:
            raise TransferRefused(
                f"{self.path} (LinkUp {self.manifest.linkup}) has other tables or columns than this code after the "
                "same migrations: install the version that made it."
            )
        self.tables = [in_order(tables[label], told[label]) for label in self.manifest.tables]

    # -- Reading all of it --------------------------------------------------------------------
    @contextmanager
    def _reading(self) -> Iterator[None]:
        """What goes wrong inside is told as a damaged backup."""
        try:
            yield
        except OSError as error:
            raise TransferRefused(f"The backup cannot be read: {lack_of_room(error)}") from error
        except (tarfile.TarError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
            raise damaged(self.path, f"does not hold what a backup holds: {error}") from error

    @contextmanager
    def _opened(self, start: int = 0) -> Iterator[ChunkReader]:
        with self.path.open("rb") as file:
            yield ChunkReader(file, self.path, self._opening, start)

    def _read_all(self, progress: Say) -> None:
        shown = Progress(progress, "check", self.size, "bytes")
        found, place = _Found(), 0
        with self._opened() as reader, tempfile.TemporaryFile() as lines:
            for member in members(reader):
                self._starts.setdefault(_section_of(member.name), member.offset)
                found.take(member, lines)
                shown.advance(reader.place - place, member.name)
                place = reader.place
            reader.drain()
            shown.advance(reader.place - place)
        shown.finish()
        self.manifest = found.checked()

    # -- Reading parts of it, as an export is -------------------------------------------------
    @property
    def media_folder(self) -> Path | None:
        """None: the files are placed by restoring.py, from the stream."""
        return None

    def check(self, progress: Say = lambda _words: None) -> None:
        """It was checked when it was opened."""

    def check_tables(self) -> None:
        """The same."""

    def _members(self, section: str) -> Iterator[Member]:
        """The members of a section; none when there is no such section."""
        start = self._starts.get(section)
        if start is None:
            return
        with self._reading(), self._opened(start) as reader:
            yield from takewhile(lambda member: _section_of(member.name) == section, members(reader, start))

    def rows(self, table: Table) -> Iterator[Row]:
        key_of, total = table.key_of, TableHash()
        for member in self._members(table.label):
            for line in lines_of(member.content.read()):
                total.add(row_hash(line))
                yield Row(key_of(values_of(line)), line)
        if total.text != self.facts(table).hash:
            raise damaged(self.path, f"has other rows of {table.label} than when it was checked")

    def media(self) -> Iterator[MediaFile]:
        for member in self._members(archive.LIST):
            for line in member.content:
                yield MediaFile(**json.loads(line))

    def contents(self) -> Iterator[tuple[str, IO[bytes]]]:
        """Name and content of each uploaded file, to be read before the next one is asked for."""
        for member in self._members(archive.FILES):
            yield member.name.removeprefix(archive.FILES), member.content


class _Found:
    """What a reading of a whole archive comes upon, to be compared with what its manifest tells."""

    def __init__(self) -> None:
        self._rows: dict[str, TableHash] = {}
        self._parts: dict[str, hashlib._Hash] = {}
        self._files = self._bytes = 0
        self._list = hashlib.sha256()
        self._manifest: BackupManifest | None = None

    def take(self, member: Member, lines: IO[bytes]) -> None:
        """Read one member; what was found of the files is written to `lines`."""
        if self._manifest is not None:
            raise ValueError("there is something behind the manifest")
        if label := label_of(member.name):
            self._take_part(label, member)
        elif member.name.startswith(archive.FILES):
            self._take_file(member, lines)
        elif member.name == archive.LIST:
            self._compare_list(member, lines)
        elif member.name == archive.MANIFEST:
            self._manifest = archive.manifest_of(member.content.read())
        else:
            raise ValueError(f"there is no place for {member.name!r}")

    def _take_part(self, label: str, member: Member) -> None:
        if member.size > LARGEST_PART:
            raise ValueError(f"{member.name} is too large")
        part = member.content.read()
        self._parts.setdefault(label, hashlib.sha256()).update(part)
        total = self._rows.setdefault(label, TableHash())
        for line in lines_of(part):
            total.add(row_hash(line))

    def _take_file(self, member: Member, lines: IO[bytes]) -> None:
        name = member.name.removeprefix(archive.FILES)
        if not is_safe(name):
            raise ValueError(f"{name!a} is no name of a file below the media folder")
        file = MediaFile(name, *hashed(member.content))
        lines.write(listed(file))
        self._files, self._bytes = self._files + 1, self._bytes + file.size

    def _compare_list(self, member: Member, lines: IO[bytes]) -> None:
        lines.seek(0)
        for told, line in zip(member.content, lines, strict=True):
            if told != line:
                raise ValueError(f"the file {json.loads(told)['name']!r} is another one than the list tells")
            self._list.update(told)

    def checked(self) -> BackupManifest:
        """The manifest, when all that was found is what it tells of; ValueError otherwise."""
        manifest = self._manifest
        if manifest is None:
            raise ValueError("it has no manifest")
        for label, facts in manifest.tables.items():
            rows, parts = self._rows.pop(label, TableHash()), self._parts.pop(label, hashlib.sha256())
            if (rows.rows, rows.text, parts.hexdigest()) != (facts.rows, facts.hash, facts.sha256):
                raise ValueError(f"the rows of {label} are others than the manifest tells")
        if self._rows:
            raise ValueError(f"the manifest does not know {', '.join(self._rows)}")
        media = manifest.media
        if (self._files, self._bytes, self._list.hexdigest()) != (media.files, media.bytes, media.sha256):
            raise ValueError("the files are others than the manifest tells")
        return manifest


def _section_of(name: str) -> str:
    """What members that stand together have in common: the table, or that they are files."""
    return label_of(name) or (archive.FILES if name.startswith(archive.FILES) else name)
