"""Names under which uploads are stored: unguessable, and free of anything the sender wrote."""

import secrets

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed names, gzip and brotli (R4.5); also for the modules that our scripts import from each other."""

    support_js_module_import_aggregation = True


def new_name(folder: str, extension: str) -> str:
    """A new name such as `photos/3f/3f…c1.webp`: 128 random bits, so that knowing one address tells no other."""
    key = secrets.token_hex(16)
    return f"{folder}/{key[:2]}/{key}.{extension}"


def store(name: str, data: bytes) -> str:
    """Store `data` under `name` in the default storage; returns the name that the storage gave it.

    When the surrounding transaction rolls back the file stays behind unreferenced; nothing points to it.
    """
    return default_storage.save(name, ContentFile(data))


def delete_on_commit(*names: str) -> None:
    """Delete the files `names` once the transaction that drops their last reference has committed."""

    def delete() -> None:
        for name in names:
            if name:
                default_storage.delete(name)

    transaction.on_commit(delete, robust=True)
