"""Reads an existing backup: it is read whole and checked once, then any part of it may be read again."""

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

from ..transfer.exports import ExportFolder, WriteMessage
from ..transfer.files.media import MediaFile, hash_file, is_safe_name
from ..transfer.problems import TransferRefused, describe_os_error
from ..transfer.progress import Progress
from ..transfer.rows import Row, TableHash, decode_values, row_hash
from ..transfer.tables import Table
from . import archive
from .archive import BackupManifest, Member, decode_part, encode_list_entry, label_of, read_members
from .container import ChunkReader, damaged_backup, read_header
from .schema import Migrations, reorder_columns

# Most bytes of one part; a larger one was not written by us.
MAX_PART_BYTES = 64 << 20


class BackupFile(ExportFolder):
    """An export in one file. The constructor reads all of it; TransferRefused says what is wrong.

    `tables` are those of the migrations that the backup names; they are known when this code knows the migrations.
    """

    manifest: BackupManifest

    def __init__(self, path: Path, key: str, *, progress: WriteMessage = lambda _words: None) -> None:
        self.set_path(path)
        self._offsets: dict[str, int] = {}
        self.tables: list[Table] = []
        with self._refuse_damaged():
            self.size = path.stat().st_size
            with path.open("rb") as file:
                # Only once: deriving a key from a passphrase takes a second.
                self._header = read_header(file, path, key)
            shown = Progress(progress, "check", self.size, "bytes")
            found, offset = _ArchiveContents(), 0
            with self._open_reader() as reader, tempfile.TemporaryFile() as lines:
                for member in read_members(reader):
                    self._offsets.setdefault(_section_of(member.name), member.offset)
                    found.read_member(member, lines)
                    shown.add_units(reader.offset - offset, member.name)
                    offset = reader.offset
                reader.read_to_end()
                shown.add_units(reader.offset - offset)
            shown.finish()
            self.manifest = found.check_manifest()

    def set_path(self, path: Path) -> None:
        """Remember the file's new name."""
        self.folder = path
        self.description = f"the backup {path}"

    @property
    def path(self) -> Path:
        return self.folder

    @property
    def is_encrypted(self) -> bool:
        return bool(self._header.fields["cipher"])

    @property
    def summary(self) -> str:
        """Its content, in a few words."""
        manifest, how = self.manifest, "encrypted" if self.is_encrypted else "not encrypted"
        files = f"{manifest.media.files:,} files with {manifest.media.bytes:,} bytes"
        return f"{manifest.rows:,} rows of {len(manifest.tables)} tables, {files}; {self.size:,} bytes, {how}"

    def find_tables(self, code: Migrations) -> None:
        """Set `tables`. TransferRefused when the backup is of a newer LinkUp, or of models that were changed."""
        code.refuse_unknown(self.migrations, f"{self.path} (LinkUp {self.manifest.linkup})")
        tables = {table.label: table for table in code.tables_after(self.migrations)}
        fields_of = self.manifest.columns
        if {label: set(table.fields) for label, table in tables.items()} != {
            label: set(fields) for label, fields in fields_of.items()
        }:
            raise TransferRefused(
                f"{self.path} (LinkUp {self.manifest.linkup}) has other tables or columns than this code after the "
                "same migrations: install the version that made it."
            )
        self.tables = [reorder_columns(tables[label], fields_of[label]) for label in self.manifest.tables]

    # -- Reading all of it --------------------------------------------------------------------
    @contextmanager
    def _refuse_damaged(self) -> Iterator[None]:
        """Turn errors of the block into the refusal of a damaged backup."""
        try:
            yield
        except OSError as error:
            raise TransferRefused(f"The backup cannot be read: {describe_os_error(error)}") from error
        except (tarfile.TarError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
            raise damaged_backup(self.path, f"does not hold what a backup holds: {error}") from error

    @contextmanager
    def _open_reader(self, start: int = 0) -> Iterator[ChunkReader]:
        with self.path.open("rb") as file:
            yield ChunkReader(file, self.path, self._header, start)

    # -- Reading parts of it, as an export is -------------------------------------------------
    @property
    def media_folder(self) -> Path | None:
        """None: restore.py installs the files from the stream."""
        return None

    def check_all(self, progress: WriteMessage = lambda _words: None) -> None:
        """It was checked when it was opened."""

    def check_tables(self) -> None:
        """It was checked as well."""

    def _read_section(self, section: str) -> Iterator[Member]:
        """Yield the members of a section; none when there is no such section."""
        start = self._offsets.get(section)
        if start is None:
            return
        with self._refuse_damaged(), self._open_reader(start) as reader:
            yield from takewhile(
                lambda member: _section_of(member.name) == section, read_members(reader, start)
            )

    def read_rows(self, table: Table) -> Iterator[Row]:
        key_of, total = table.key_of, TableHash()
        for member in self._read_section(table.label):
            for line in decode_part(member.content.read()):
                total.add_row(row_hash(line))
                yield Row(key_of(decode_values(line)), line)
        if total.text != self.table_facts(table).hash:
            raise damaged_backup(self.path, f"has other rows of {table.label} than when it was checked")

    def list_files(self) -> Iterator[MediaFile]:
        for member in self._read_section(archive.FILE_LIST):
            for line in member.content:
                yield MediaFile(**json.loads(line))

    def read_files(self) -> Iterator[tuple[str, IO[bytes]]]:
        """Yield name and content of each uploaded file, to be read before the next one."""
        for member in self._read_section(archive.FILES):
            yield member.name.removeprefix(archive.FILES), member.content


class _ArchiveContents:
    """What was found in a whole archive, to be compared with its manifest."""

    def __init__(self) -> None:
        self._rows: dict[str, TableHash] = {}
        self._parts: dict[str, hashlib._Hash] = {}
        self._files = self._bytes = 0
        self._list = hashlib.sha256()
        self._manifest: BackupManifest | None = None

    def read_member(self, member: Member, lines: IO[bytes]) -> None:
        """Read one member; the list of the files that were found is written to `lines`."""
        if self._manifest is not None:
            raise ValueError("there is something behind the manifest")
        if label := label_of(member.name):
            self._read_part(label, member)
        elif member.name.startswith(archive.FILES):
            name = member.name.removeprefix(archive.FILES)
            if not is_safe_name(name):
                raise ValueError(f"{name!a} is no name of a file below the media folder")
            file = MediaFile(name, *hash_file(member.content))
            lines.write(encode_list_entry(file))
            self._files, self._bytes = self._files + 1, self._bytes + file.size
        elif member.name == archive.FILE_LIST:
            self._compare_list(member, lines)
        elif member.name == archive.MANIFEST:
            self._manifest = archive.decode_manifest(member.content.read())
        else:
            raise ValueError(f"there is no place for {member.name!r}")

    def _read_part(self, label: str, member: Member) -> None:
        if member.size > MAX_PART_BYTES:
            raise ValueError(f"{member.name} is too large")
        part = member.content.read()
        self._parts.setdefault(label, hashlib.sha256()).update(part)
        total = self._rows.setdefault(label, TableHash())
        for line in decode_part(part):
            total.add_row(row_hash(line))

    def _compare_list(self, member: Member, lines: IO[bytes]) -> None:
        lines.seek(0)
        for listed, found in zip(member.content, lines, strict=True):
            if listed != found:
                raise ValueError(
                    f"the file {json.loads(listed)['name']!r} is another one than the list tells"
                )
            self._list.update(listed)

    def check_manifest(self) -> BackupManifest:
        """Return the manifest when it describes everything that was found; ValueError otherwise."""
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
    """Return the section of a member: its table, the files, or the member itself."""
    return label_of(name) or (archive.FILES if name.startswith(archive.FILES) else name)
