"""The outer form of a backup: one line that says what it is, then chunks of which none can be changed, swapped, left
out or brought in from elsewhere without being noticed.

With a key each chunk is sealed by AES-256-GCM in the construction STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015):
the nonce counts the chunks and marks the last one, so a file that was cut short ends without a last chunk. Without a
key a BLAKE2b hash stands where the seal would: it finds every accident, and no forger. Each covers the first line.
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

from ..transfer.problems import Fault, TransferRefused
from .keys import PREFIX_BYTES, material_of

FORMAT = 1
BEGINNING = b"LinkUp backup "
LONGEST_LINE = 1000
CHUNK = 1 << 16
SEAL = 16
SALT = 32
CIPHERS = ("", "AES-256-GCM")


class Seal(Protocol):
    """Both ways raise InvalidTag, or give a chunk with, or without, its seal."""

    def shut(self, nonce: bytes, data: bytes) -> bytes: ...

    def open(self, nonce: bytes, sealed: bytes) -> bytes: ...


class _Hashes:
    """Without a key."""

    prefix = bytes(PREFIX_BYTES)

    def __init__(self, line: bytes) -> None:
        self._line = hashlib.sha256(line).digest()

    def _of(self, nonce: bytes, data: bytes) -> bytes:
        return hashlib.blake2b(data, digest_size=SEAL, key=self._line, salt=nonce).digest()

    def shut(self, nonce: bytes, data: bytes) -> bytes:
        return data + self._of(nonce, data)

    def open(self, nonce: bytes, sealed: bytes) -> bytes:
        data = sealed[:-SEAL]
        if not hmac.compare_digest(self._of(nonce, data), sealed[-SEAL:]):
            raise InvalidTag
        return data


class _Encryption:
    """With a key."""

    def __init__(self, line: bytes, key: bytes, prefix: bytes) -> None:
        self.prefix = prefix
        self._line = line
        self._cipher = AESGCM(key)

    def shut(self, nonce: bytes, data: bytes) -> bytes:
        return self._cipher.encrypt(nonce, data, self._line)

    def open(self, nonce: bytes, sealed: bytes) -> bytes:
        if len(sealed) < SEAL:
            raise InvalidTag
        return self._cipher.decrypt(nonce, sealed, self._line)


@dataclass(frozen=True)
class Opening:
    """The first line of a backup, and how its chunks are sealed. `about` may be read by anybody."""

    line: bytes
    about: dict[str, Any]
    seal: "_Hashes | _Encryption"

    def nonce(self, number: int, *, last: bool) -> bytes:
        return self.seal.prefix + number.to_bytes(4, "big") + bytes([last])


def new_opening(key: str, about: dict[str, Any]) -> Opening:
    """The opening of a new backup, encrypted when `key` is one."""
    salt = secrets.token_bytes(SALT)
    material = material_of(key, salt) if key else None
    about = {
        **about,
        "format": FORMAT,
        "cipher": CIPHERS[bool(key)],
        "salt": salt.hex(),
        "check": material.check.hex() if material else "",
    }
    line = BEGINNING + json.dumps(about).encode() + b"\n"
    seal = _Encryption(line, material.key, material.prefix) if material else _Hashes(line)
    return Opening(line, about, seal)


def read_opening(file: IO[bytes], path: Path, key: str) -> Opening:
    """The opening of the backup that begins here. TransferRefused says what is wrong with it, or with the key."""
    line = file.readline(LONGEST_LINE)
    if not line.startswith(BEGINNING):
        raise TransferRefused(f"{path} is not a backup of LinkUp, or its beginning is damaged.")
    try:
        about = json.loads(line[len(BEGINNING) :])
        format_, cipher, salt, check = (about[name] for name in ("format", "cipher", "salt", "check"))
        salt, check = bytes.fromhex(salt), bytes.fromhex(check)
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(path, "its first line cannot be read") from error
    if format_ != FORMAT or cipher not in CIPHERS:
        raise TransferRefused(
            f"{path} has format {format_}; this LinkUp reads format {FORMAT}. "
            f"Restore it with the LinkUp that made it ({about.get('linkup', 'unknown')})."
        )
    return Opening(line, about, _seal_of(path, line, cipher, salt, check, key))


def _seal_of(
    path: Path, line: bytes, cipher: str, salt: bytes, check: bytes, key: str
) -> "_Hashes | _Encryption":
    if not cipher:
        return _Hashes(line)
    if not key:
        raise TransferRefused(f"{path} is encrypted: give its key with --key-file FILE or in BACKUP_KEY.")
    material = material_of(key, salt)
    if not hmac.compare_digest(material.check, check):
        raise TransferRefused(
            f"The key is not the one that {path} was encrypted with (or the first line of the file is damaged)."
        )
    return _Encryption(line, material.key, material.prefix)


def damaged(path: Path, what: str) -> TransferRefused:
    """What every damaged backup is told with."""
    summary = "The backup is damaged; nothing was changed. Take another copy of it, or the one before:"
    return TransferRefused(summary, [Fault(path.name, "", "", what)])


class ChunkWriter:
    """What is written here is sealed into `file`; without `finish` it has no end."""

    def __init__(self, file: IO[bytes], opening: Opening) -> None:
        self._file = file
        self._opening = opening
        self._number = 0
        self._waiting = bytearray()
        file.write(opening.line)

    def write(self, data: bytes) -> int:
        self._waiting += data
        # The last chunk is never empty, and nobody knows yet whether this one is the last.
        while len(self._waiting) > CHUNK:
            self._shut(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(data)

    def finish(self) -> None:
        self._shut(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _shut(self, data: bytes, *, last: bool) -> None:
        nonce = self._opening.nonce(self._number, last=last)
        self._file.write(self._opening.seal.shut(nonce, data))
        self._number += 1


class ChunkReader:
    """Reads what a ChunkWriter was given, from `start` on; raises TransferRefused where a seal does not fit."""

    def __init__(self, file: IO[bytes], path: Path, opening: Opening, start: int = 0) -> None:
        self._file = file
        self._path = path
        self._opening = opening
        self._number, skipped = divmod(start, CHUNK)
        file.seek(len(opening.line) + self._number * (CHUNK + SEAL))
        self._next = file.read(CHUNK + SEAL)
        self._left = b""
        self._used = 0
        self._open_next()
        self._used = skipped

    def _open_next(self) -> bool:
        """Whether there was another chunk; it is in `_left` then."""
        sealed, number = self._next, self._number
        if not sealed and number:
            return False
        self._next = self._file.read(CHUNK + SEAL) if sealed else b""
        try:
            self._left = self._opening.seal.open(self._opening.nonce(number, last=not self._next), sealed)
        except InvalidTag:
            raise damaged(self._path, self._trouble_with(sealed)) from None
        self._used = 0
        self._number += 1
        return True

    def _trouble_with(self, sealed: bytes) -> str:
        place = len(self._opening.line) + self._number * (CHUNK + SEAL)
        if not self._next:
            try:
                self._opening.seal.open(self._opening.nonce(self._number, last=False), sealed)
            except InvalidTag:
                return f"is damaged or was cut short, at byte {place:,} or after it"
            return f"was cut short: it ends at byte {place + len(sealed):,}"
        return f"is damaged between the bytes {place:,} and {place + len(sealed):,}"

    @property
    def place(self) -> int:
        """How far into the file this is, in bytes."""
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

    def drain(self) -> None:
        """Read to the end, so that every seal was looked at."""
        while self._open_next():
            pass
        self._used = len(self._left)
