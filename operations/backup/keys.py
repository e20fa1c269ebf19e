"""The key of a backup: 32 random bytes in base64, or a passphrase. It comes from a file or from the environment, never
from the command line, which every user of the machine can read.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ..transfer.problems import TransferRefused, lack_of_room

KEY_BYTES = 32
FEWEST_CHARACTERS = 16
MOST_BYTES = 4096
# 64 MiB and about a second for each guess (OWASP's second choice for scrypt); a part of format 1.
SCRYPT = {"n": 1 << 16, "r": 8, "p": 2}
PREFIX_BYTES = 7
CHECK_BYTES = 16


@dataclass(frozen=True)
class Material:
    """What one backup uses of a key: the key of AES, the beginning of each nonce, and what tells a wrong key."""

    key: bytes
    prefix: bytes
    check: bytes


def new_key() -> str:
    """A new key, as text."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def read_key(file: Path | None, from_environment: str) -> str:
    """The key's text; empty when there is none. A file wins. TransferRefused for one that is no good."""
    if file is None:
        return _checked(from_environment.strip(), "BACKUP_KEY")
    try:
        with file.open("rb") as opened:
            text = opened.read(MOST_BYTES).decode().strip()
    except OSError as error:
        raise TransferRefused(f"The key cannot be read: {lack_of_room(error)}") from error
    except UnicodeDecodeError:
        raise TransferRefused(f"{file} does not hold a key: it is not text.") from None
    if not text:
        raise TransferRefused(f"{file} does not hold a key: it is empty.")
    return _checked(text, str(file))


def _checked(text: str, where: str) -> str:
    if text and len(text) < FEWEST_CHARACTERS:
        raise TransferRefused(
            f"The key in {where} is too short: a passphrase has at least {FEWEST_CHARACTERS} characters. "
            "`python manage.py backup --new-key` makes a key."
        )
    return text


def _random_bytes(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if len(data) == KEY_BYTES else None


def material_of(text: str, salt: bytes) -> Material:
    """What the backup with this salt uses of the key `text`."""
    data = _random_bytes(text)
    if data is None:
        data = Scrypt(salt=salt, length=KEY_BYTES, **SCRYPT).derive(text.encode())
    lengths = (KEY_BYTES, PREFIX_BYTES, CHECK_BYTES)
    derived = HKDF(SHA256(), length=sum(lengths), salt=salt, info=b"LinkUp backup, format 1").derive(data)
    return Material(derived[:KEY_BYTES], derived[KEY_BYTES:-CHECK_BYTES], derived[-CHECK_BYTES:])
