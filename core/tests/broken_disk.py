"""A storage whose disk has a broken place: what is named after it can be neither read nor deleted."""

import errno
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.test import override_settings


class BrokenDisk(FileSystemStorage):
    """Names with "broken" in them lie on that place."""

    def _open(self, name: str, mode: str = "rb") -> Any:
        self._reach(name)
        return super()._open(name, mode)  # type: ignore[misc]

    def delete(self, name: str) -> None:
        self._reach(name)
        super().delete(name)

    def _reach(self, name: str) -> None:
        if "broken" in name:
            raise OSError(errno.EIO, "Input/output error", name)


on_a_broken_disk = override_settings(
    STORAGES={**settings.STORAGES, "default": {"BACKEND": f"{__name__}.BrokenDisk"}}
)
