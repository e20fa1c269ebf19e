"""Fields that name uploads: one register of which rows name which files, so that both end together.

Pictures and documents are names in text columns (decision 6). The field knows which files belong to a value; whoever
lists, moves, exports or tidies files asks `file_fields`. When a row is deleted, by a verb, by a cascade or in the
admin, its files are deleted once the transaction has committed.
"""

from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.signals import class_prepared, post_delete

from . import storage


class StoredFileField(models.CharField):  # type: ignore[type-arg]
    """The name of a file, or of a picture without the ends of its sizes; "" where there is none.

    `sizes` are those of a picture, `private` tells that the files must lie below `private/`, and `length_field` is the
    column that holds how many bytes the file has (of a picture: its first size).
    """

    def __init__(
        self,
        *args: Any,
        sizes: tuple[int, ...] = (),
        private: bool = False,
        length_field: str = "",
        **options: Any,
    ) -> None:
        self.sizes, self.private, self.length_field = sizes, private, length_field
        super().__init__(*args, **options)

    def deconstruct(self) -> Any:
        """To migrations it is the text column that it is in the database."""
        name, _path, arguments, options = super().deconstruct()
        return name, "django.db.models.CharField", arguments, options

    def files_of(self, value: str) -> list[str]:
        """The names of the files that a row with `value` has."""
        return files_of(value, self.sizes)


def files_of(value: str, sizes: tuple[int, ...]) -> list[str]:
    """The whole names of the files behind `value`: a file's own name has an ending, a picture's has none."""
    if not value:
        return []
    if not sizes or "." in value.rpartition("/")[2]:
        return [value]
    return [f"{value}-{size}.webp" for size in sizes]


def file_fields() -> list[StoredFileField]:
    """All fields that name files, in the order of their models' labels."""
    found = [
        field
        for model in apps.get_models()
        if not model._meta.proxy
        for field in model._meta.local_concrete_fields
        if isinstance(field, StoredFileField)
    ]
    return sorted(found, key=lambda field: (field.model._meta.label_lower, field.name))


def files_of_row(row: models.Model) -> list[str]:
    """The names of all files that belong to a row."""
    fields = (field for field in row._meta.concrete_fields if isinstance(field, StoredFileField))
    return [name for field in fields for name in field.files_of(getattr(row, field.attname))]


def _delete_files(sender: type[models.Model], instance: models.Model, **_rest: Any) -> None:
    storage.delete_on_commit(*files_of_row(instance))


def _watch(sender: type[models.Model], **_rest: Any) -> None:
    # Proxies too: what is deleted through one is told under its name.
    if any(isinstance(field, StoredFileField) for field in sender._meta.concrete_fields):
        post_delete.connect(_delete_files, sender=sender, weak=False, dispatch_uid="core.files.fields")


class_prepared.connect(_watch)
