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

from ..transfer.problems import TransferRefused, describe_os_error

KEY_BYTES = 32
MIN_CHARACTERS = 16
MAX_FILE_BYTES = 4096
# 64 MiB and about a second for each guess (OWASP's second choice for scrypt); a part of format 1.
SCRYPT = {"n": 1 << 16, "r": 8, "p": 2}
PREFIX_BYTES = 7
CHECK_BYTES = 16


@dataclass(frozen=True)
class KeyMaterial:
    """What one backup derives from a key: the AES key, the prefix of each nonce, and the check of the key."""

    key: bytes
    prefix: bytes
    check: bytes


def new_key() -> str:
    """Return a new key as text."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def read_key(file: Path | None, from_environment: str) -> str:
    """Return the key's text, "" without one. A file has priority. TransferRefused for an unusable key."""
    if file is None:
        return _check_length(from_environment.strip(), "BACKUP_KEY")
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_FILE_BYTES).decode().strip()
    except OSError as error:
        raise TransferRefused(f"The key cannot be read: {describe_os_error(error)}") from error
    except UnicodeDecodeError:
        raise TransferRefused(f"{file} does not hold a key: it is not text.") from None
    if not text:
        raise TransferRefused(f"{file} does not hold a key: it is empty.")
    return _check_length(text, str(file))


def _check_length(text: str, where: str) -> str:
    if text and len(text) < MIN_CHARACTERS:
        raise TransferRefused(
            f"The key in {where} is too short: a passphrase has at least {MIN_CHARACTERS} characters. "
            "`python manage.py backup --new-key` makes a key."
        )
    return text


def derive_key_material(text: str, salt: bytes) -> KeyMaterial:
    """Derive what the backup with this salt uses of the key `text`."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != KEY_BYTES:
        data = Scrypt(salt=salt, length=KEY_BYTES, **SCRYPT).derive(text.encode())
    lengths = (KEY_BYTES, PREFIX_BYTES, CHECK_BYTES)
    derived = HKDF(SHA256(), length=sum(lengths), salt=salt, info=b"LinkUp backup, format 1").derive(data)
    return KeyMaterial(derived[:KEY_BYTES], derived[KEY_BYTES:-CHECK_BYTES], derived[-CHECK_BYTES:])
