"""Names under which uploads are stored: unguessable, and free of anything the sender wrote.

What stands under `private/` reaches people through core.media_views.deliver alone; the rest is public to whoever knows
its address.
"""

import logging
import secrets
import unicodedata

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _
from whitenoise.storage import CompressedManifestStaticFilesStorage

logger = logging.getLogger(__name__)

PRIVATE = "private"


# What Django itself looks for in modules, for all files or none.
MODULE_IMPORTS = CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]  # noqa: SLF001


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed names, gzip and brotli (R4.5); also for the modules that our scripts import from each other.

    Only ours: packages' scripts show imports in their comments, of files that they do not bring.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        *((f"{app}/*.js", MODULE_IMPORTS) for app in ("core", "theme", "feed", "messaging", "notifications")),
    )


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

    Raises CannotStore, with the fault in the log, when the storage refuses. When the surrounding transaction rolls back
    the file stays behind unreferenced; nothing points to it.
    """
    try:
        return default_storage.save(name, ContentFile(data))
    except OSError as error:
        logger.exception("an upload of %d bytes could not be stored", len(data))
        raise CannotStore(
            _("There is no room for files on the server at the moment. Try again later, or without the file.")
        ) from error


def delete_on_commit(*names: str) -> None:
    """Delete the files `names` once the transaction that drops their last reference has committed."""

    def delete() -> None:
        for name in names:
            if name:
                default_storage.delete(name)

    transaction.on_commit(delete, robust=True)
