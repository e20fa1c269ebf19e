"""Names under which uploads are stored: unguessable, and free of anything the sender wrote.

What stands under `private/` reaches people through core.web.media_views.deliver alone; the rest is public to whoever
knows its address.
"""

import logging
import secrets
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

logger = logging.getLogger(__name__)

PRIVATE = "private"

# What was stored inside the innermost removed_on_failure.
_stored: ContextVar[list[str] | None] = ContextVar("stored files", default=None)


# What Django itself looks for in modules, for all files or none.
MODULE_IMPORTS = CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]  # noqa: SLF001


class CachingCompressor(Compressor):  # type: ignore[misc]
    """Compresses each content once: most files exist twice, with and without a hash in their name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.compress_brotli = cache(super().compress_brotli)
        self.compress_gzip = cache(super().compress_gzip)


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed names, gzip and brotli (R4.5); also for the modules that our scripts import from each other.

    Only ours: packages' scripts show imports in their comments, of files that they do not bring.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        *((f"{app}/*.js", MODULE_IMPORTS) for app in ("core", "theme", "feed", "messaging", "notifications")),
    )
    # A module gets its final name after all that it imports. In which order the disk lists them is its own choice: with
    # the longest chain in the worst order each module takes one pass.
    max_post_process_passes = 30

    def create_compressor(self, **options: Any) -> CachingCompressor:
        """Return the compressor of one `collectstatic`."""
        return CachingCompressor(**options)


def new_name(folder: str, extension: str) -> str:
    """A new name such as `photos/3f/3f…c1.webp`: 128 random bits, so that knowing one address tells no other."""
    key = secrets.token_hex(16)
    return f"{folder}/{key[:2]}/{key}.{extension}"


def new_private_name(folder: str, extension: str) -> str:
    """The same for a file that only some may have: `private/documents/3f/3f…c1.pdf`."""
    return new_name(f"{PRIVATE}/{folder}", extension)


def is_public(name: str) -> bool:
    """Whether a visitor may ask for the stored file `name` by its address.

    Refused are private files, hidden ones, and every name that a file system could read as another than it looks:
    empty or dotted parts, backslashes, invisible characters, other forms of the same letters (Unicode TR 36).
    """
    parts = name.split("/")
    if any(not part or part.startswith(".") or "\\" in part or not part.isprintable() for part in parts):
        return False
    return unicodedata.normalize("NFKC", parts[0]).casefold() != PRIVATE


class CannotStore(Exception):
    """The storage took no more: the disk is full, or cannot be written. The text is for the member."""


def store(name: str, data: bytes) -> str:
    """Store `data` under `name` in the default storage; returns the name that the storage gave it.

    Raises CannotStore, with the fault in the log, when the storage refuses; nothing half written stays. See
    removed_on_failure for what becomes of the file when the rest fails.
    """
    try:
        stored = default_storage.save(name, ContentFile(data))
    except OSError as error:
        logger.exception("an upload of %d bytes could not be stored", len(data))
        delete_files([name])
        raise CannotStore(
            _("There is no room for files on the server at the moment. Try again later, or without the file.")
        ) from error
    if (names := _stored.get()) is not None:
        names.append(stored)
    return stored


@contextmanager
def removed_on_failure() -> Iterator[None]:
    """Delete what was stored inside when it ends with an exception: the rows that name it are not there either.

    To stand around the transaction; also as a decorator.
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
    """Delete the files `names` now. One that cannot be deleted is told in the log, and left to `tidy_uploads`."""
    for name in names:
        try:
            if name:
                default_storage.delete(name)
        except Exception:
            logger.exception("an upload could not be deleted")


def delete_on_commit(*names: str) -> None:
    """Delete the files `names` once the transaction that drops their last reference has committed."""
    transaction.on_commit(lambda: delete_files(names))
