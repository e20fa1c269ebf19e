"""The container of a backup: a header of one line, then authenticated chunks. A chunk that was changed, swapped, left
out or added is noticed.

With a key each chunk is sealed by AES-256-GCM in the construction STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015):
the nonce counts the chunks and marks the last one, so a truncated file ends without a last chunk. Without a key a
BLAKE2b hash takes the place of the tag: it detects every accident, but no forgery. Each tag covers the header as well.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..transfer.problems import Problem, TransferRefused
from .keys import PREFIX_BYTES, derive_key_material

FORMAT = 1
MAGIC = b"LinkUp backup "
MAX_HEADER_BYTES = 1000
CHUNK_BYTES = 1 << 16
TAG_BYTES = 16
SALT_BYTES = 32
CIPHERS = ("", "AES-256-GCM")


class ChunkProtection(Protocol):
    """Adds the tag to a chunk, or checks and removes it; `open_chunk` raises InvalidTag."""

    prefix: bytes

    def seal_chunk(self, nonce: bytes, data: bytes) -> bytes: ...

    def open_chunk(self, nonce: bytes, sealed: bytes) -> bytes: ...


class _ChunkHashes:
    """Protects chunks without a key."""

    def __init__(self, line: bytes) -> None:
        self.prefix = bytes(PREFIX_BYTES)
        self._line = hashlib.sha256(line).digest()

    def _hash_chunk(self, nonce: bytes, data: bytes) -> bytes:
        return hashlib.blake2b(data, digest_size=TAG_BYTES, key=self._line, salt=nonce).digest()

    def seal_chunk(self, nonce: bytes, data: bytes) -> bytes:
        return data + self._hash_chunk(nonce, data)

    def open_chunk(self, nonce: bytes, sealed: bytes) -> bytes:
        data = sealed[:-TAG_BYTES]
        if not hmac.compare_digest(self._hash_chunk(nonce, data), sealed[-TAG_BYTES:]):
            raise InvalidTag
        return data


class _ChunkEncryption:
    """Protects chunks with a key."""

    def __init__(self, line: bytes, key: bytes, prefix: bytes) -> None:
        self.prefix = prefix
        self._line = line
        self._cipher = AESGCM(key)

    def seal_chunk(self, nonce: bytes, data: bytes) -> bytes:
        return self._cipher.encrypt(nonce, data, self._line)

    def open_chunk(self, nonce: bytes, sealed: bytes) -> bytes:
        if len(sealed) < TAG_BYTES:
            raise InvalidTag
        return self._cipher.decrypt(nonce, sealed, self._line)


@dataclass(frozen=True)
class Header:
    """The first line of a backup, and the protection of its chunks. `fields` are not encrypted."""

    line: bytes
    fields: dict[str, Any]
    protection: ChunkProtection

    def chunk_nonce(self, number: int, *, last: bool) -> bytes:
        return self.protection.prefix + number.to_bytes(4, "big") + bytes([last])


def new_header(key: str, fields: dict[str, Any]) -> Header:
    """Return the header of a new backup, which is encrypted when `key` is not empty."""
    salt = secrets.token_bytes(SALT_BYTES)
    material = derive_key_material(key, salt) if key else None
    fields = {
        **fields,
        "format": FORMAT,
        "cipher": CIPHERS[bool(key)],
        "salt": salt.hex(),
        "check": material.check.hex() if material else "",
    }
    line = MAGIC + json.dumps(fields).encode() + b"\n"
    if material is None:
        return Header(line, fields, _ChunkHashes(line))
    return Header(line, fields, _ChunkEncryption(line, material.key, material.prefix))


def read_header(file: IO[bytes], path: Path, key: str) -> Header:
    """Read the header at the position of `file`. TransferRefused says what is wrong with it, or with the key."""
    line = file.readline(MAX_HEADER_BYTES)
    if not line.startswith(MAGIC):
        raise TransferRefused(f"{path} is not a backup of LinkUp, or its beginning is damaged.")
    try:
        fields = json.loads(line[len(MAGIC) :])
        format_, cipher, salt, check = (fields[name] for name in ("format", "cipher", "salt", "check"))
        salt, check = bytes.fromhex(salt), bytes.fromhex(check)
    except (ValueError, KeyError, TypeError) as error:
        raise damaged_backup(path, "its first line cannot be read") from error
    if format_ != FORMAT or cipher not in CIPHERS:
        raise TransferRefused(
            f"{path} has format {format_}; this LinkUp reads format {FORMAT}. "
            f"Restore it with the LinkUp that made it ({fields.get('linkup', 'unknown')})."
        )
    if not cipher:
        return Header(line, fields, _ChunkHashes(line))
    if not key:
        raise TransferRefused(f"{path} is encrypted: give its key with --key-file FILE or in BACKUP_KEY.")
    material = derive_key_material(key, salt)
    if not hmac.compare_digest(material.check, check):
        raise TransferRefused(
            f"The key is not the one that {path} was encrypted with (or the first line of the file is damaged)."
        )
    return Header(line, fields, _ChunkEncryption(line, material.key, material.prefix))


def damaged_backup(path: Path, what: str) -> TransferRefused:
    """Return the refusal of a damaged backup."""
    summary = "The backup is damaged; nothing was changed. Take another copy of it, or the one before:"
    return TransferRefused(summary, [Problem(path.name, "", "", what)])


class ChunkWriter:
    """Writes sealed chunks to `file`; without `finish` the last one is missing."""

    def __init__(self, file: IO[bytes], header: Header) -> None:
        self._file = file
        self._header = header
        self._number = 0
        self._waiting = bytearray()
        file.write(header.line)

    def write(self, data: bytes) -> int:
        self._waiting += data
        # The last chunk is never empty, and it is not known yet whether this one is the last.
        while len(self._waiting) > CHUNK_BYTES:
            self._write_chunk(bytes(self._waiting[:CHUNK_BYTES]), last=False)
            del self._waiting[:CHUNK_BYTES]
        return len(data)

    def finish(self) -> None:
        self._write_chunk(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _write_chunk(self, data: bytes, *, last: bool) -> None:
        nonce = self._header.chunk_nonce(self._number, last=last)
        self._file.write(self._header.protection.seal_chunk(nonce, data))
        self._number += 1


class ChunkReader:
    """Reads what a ChunkWriter was given, from `start` on; raises TransferRefused where a tag is wrong."""

    def __init__(self, file: IO[bytes], path: Path, header: Header, start: int = 0) -> None:
        self._file = file
        self._path = path
        self._header = header
        self._number, skipped = divmod(start, CHUNK_BYTES)
        file.seek(len(header.line) + self._number * (CHUNK_BYTES + TAG_BYTES))
        self._next = file.read(CHUNK_BYTES + TAG_BYTES)
        self._left = b""
        self._used = 0
        self._open_next()
        self._used = skipped

    def _open_next(self) -> bool:
        """Load the next chunk into `_left`; returns whether there was one."""
        sealed, number, protection = self._next, self._number, self._header.protection
        if not sealed and number:
            return False
        self._next = self._file.read(CHUNK_BYTES + TAG_BYTES) if sealed else b""
        try:
            self._left = protection.open_chunk(self._header.chunk_nonce(number, last=not self._next), sealed)
        except InvalidTag:
            offset = len(self._header.line) + number * (CHUNK_BYTES + TAG_BYTES)
            what = f"is damaged between the bytes {offset:,} and {offset + len(sealed):,}"
            if not self._next:
                try:
                    protection.open_chunk(self._header.chunk_nonce(number, last=False), sealed)
                    what = f"was cut short: it ends at byte {offset + len(sealed):,}"
                except InvalidTag:
                    what = f"is damaged or was cut short, at byte {offset:,} or after it"
            raise damaged_backup(self._path, what) from None
        self._used = 0
        self._number += 1
        return True

    @property
    def offset(self) -> int:
        """Position in the file, in bytes."""
        return self._file.tell()

    def read(self, size: int) -> bytes:
        """The next `size` bytes, fewer at the end."""
        pieces = []
        while size > 0:
            piece = self._left[self._used : self._used + size]
            self._used += len(piece)
            size -= len(piece)
            pieces.append(piece)
            if size > 0 and not self._open_next():
                break
        return b"".join(pieces)

    def read_to_end(self) -> None:
        """Read to the end, so that every tag is checked."""
        while self._open_next():
            pass
        self._used = len(self._left)
