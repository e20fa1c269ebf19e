"""Finds rows whose private files have public URLs, and moves the files (`manage.py tidy_uploads`)."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.core.files.base import File
from django.core.files.storage import default_storage

from .fields import StoredFileField
from .row_files import file_fields
from .storage import PRIVATE, delete_files, is_public

# Rows in memory at a time.
BATCH = 200


@dataclass(frozen=True)
class ExposedRow:
    """A row whose private files have public URLs."""

    field: StoredFileField
    row: int
    value: str

    def __str__(self) -> str:
        return (
            f"{self.field.model._meta.label_lower} {self.row}: {', '.join(self.field.files_of(self.value))}"
        )


def find_exposed_rows() -> Iterator[ExposedRow]:
    """Yield the rows whose files must be below `private/` and are not."""
    for field in file_fields():
        if not field.private:
            continue
        rows = field.model._base_manager.exclude(**{field.name: ""})
        rows = rows.exclude(**{f"{field.name}__startswith": f"{PRIVATE}/"}).order_by("pk")
        for pk, value in rows.values_list("pk", field.name).iterator(chunk_size=BATCH):
            # Names outside the storage are not ours to move.
            if is_public(value):
                yield ExposedRow(field, pk, value)


def move_to_private(exposed: ExposedRow) -> bool:
    """Move the files of a row below `private/`; return whether they exist.

    First the files are copied, then the row is updated, then the originals are deleted: after an interruption the row
    still references existing files, and the rest is found the next time.
    """
    target = f"{PRIVATE}/{exposed.value}"
    former = exposed.field.files_of(exposed.value)
    if not all(default_storage.exists(name) for name in former):
        return False
    for name in former:
        copy = f"{PRIVATE}/{name}"
        if default_storage.exists(copy):
            default_storage.delete(copy)
        with default_storage.open(name) as file:
            default_storage.save(copy, File(file))
    rows = exposed.field.model._base_manager.filter(pk=exposed.row, **{exposed.field.name: exposed.value})
    if rows.update(**{exposed.field.name: target}):
        delete_files(former)
    return True


def move_exposed_files() -> None:
    """Move the files of all rows whose private files have public URLs."""
    for exposed in find_exposed_rows():
        move_to_private(exposed)
