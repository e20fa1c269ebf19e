"""Stores uploads under random names that contain nothing from the sender.

Files below `private/` are served by core.web.media.views.deliver_file only; all others are public to anyone who knows
the URL.
"""

import logging
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _

logger = logging.getLogger(__name__)

PRIVATE = "private"

# What deletes files of a remote storage after the commit: core.cleaning_tasks, which this package does not import.
_remote_deletions: list[Callable[[list[str]], None]] = []

# The files stored inside the innermost removed_on_failure.
_stored: ContextVar[list[str] | None] = ContextVar("stored files", default=None)


def new_name(folder: str, extension: str) -> str:
    """Return a new name such as `photos/3f/3f…c1.webp`, with 128 random bits, so that it cannot be guessed."""
    key = secrets.token_hex(16)
    return f"{folder}/{key[:2]}/{key}.{extension}"


def new_private_name(folder: str, extension: str) -> str:
    """Return a new name for a private file, such as `private/documents/3f/3f…c1.pdf`."""
    return new_name(f"{PRIVATE}/{folder}", extension)


def is_public(name: str) -> bool:
    """Return whether the stored file `name` may be served by its URL.

    Refused are private and hidden files, and every name that a file system may read differently: empty or dotted parts,
    backslashes, invisible characters, other Unicode forms of the same characters (Unicode TR 36).
    """
    parts = name.split("/")
    if any(not part or part.startswith(".") or "\\" in part or not part.isprintable() for part in parts):
        return False
    return unicodedata.normalize("NFKC", parts[0]).casefold() != PRIVATE


class CannotStore(Exception):
    """The storage is full or cannot be written. The message is for the member."""


def store_file(name: str, data: bytes) -> str:
    """Store `data` under `name` in the default storage; return the name that the storage gave it.

    Raises CannotStore, and logs the error, when the storage fails; a partial file is deleted. See removed_on_failure
    for later failures.
    """
    try:
        stored = default_storage.save(name, ContentFile(data))
    except OSError as error:
        logger.exception("an upload of %d bytes could not be stored", len(data))
        delete_files([name])
        raise CannotStore(
            _("The server cannot store files at the moment. Try again later, or without the file.")
        ) from error
    if (names := _stored.get()) is not None:
        names.append(stored)
    return stored


@contextmanager
def removed_on_failure() -> Iterator[None]:
    """Delete the files stored inside when the block raises, since their rows are rolled back.

    Put it around the transaction; it also works as a decorator.
    """
    names: list[str] = []
    outer = _stored.get()
    token = _stored.set(names)
    try:
        yield
    except BaseException:
        delete_files(names)
        raise
    finally:
        _stored.reset(token)
    if outer is not None:
        outer.extend(names)


def delete_files(names: Iterable[str]) -> None:
    """Delete the files `names` now. Failures are logged and left to `tidy_uploads`."""
    for name in names:
        try:
            if name:
                default_storage.delete(name)
        except Exception:
            logger.exception("an upload could not be deleted")


def delete_remote_files_by(enqueue: Callable[[list[str]], None]) -> None:
    """Let `enqueue`, called in a transaction, delete files of a remote storage after the commit."""
    _remote_deletions[:] = [enqueue]


def delete_on_commit(*names: str) -> None:
    """Delete the files `names` once the transaction that drops their last reference has committed.

    Where each deletion is a request to another server (`is_remote`), a background task does it, which is repeated
    until the server has answered.
    """
    wanted = [name for name in names if name]
    if wanted and _remote_deletions and getattr(default_storage, "is_remote", False):
        _remote_deletions[0](wanted)
    elif wanted:
        transaction.on_commit(lambda: delete_files(wanted))
