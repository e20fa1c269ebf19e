"""Finds uploads that no row references, and rows whose private files have public URLs."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.core.files.base import File
from django.core.files.storage import default_storage

from .fields import StoredFileField, file_fields
from .storage import PRIVATE, delete_files, is_public

logger = logging.getLogger(__name__)

# Names per query.
BATCH = 200
# Depth of folders: `private/posts/3f/`, and one more for folders of operators.
DEEPEST = 4
# Names as core.files.storage creates them (a storage may add characters before the extension), and interrupted copies.
OURS = re.compile(r"(?:private/)?[a-z]+/[0-9a-f]{2}/[0-9a-f]{32}[-_0-9A-Za-z]*\.[a-z0-9]+(?:\.linkup-part)?")
SIZE = re.compile(r"-\d+(?:_[0-9A-Za-z]+)?\.webp$")


@dataclass(frozen=True)
class Unnamed:
    """A file that no row references."""

    name: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class Exposed:
    """A row whose private files have public URLs."""

    field: StoredFileField
    row: int
    value: str

    def __str__(self) -> str:
        return (
            f"{self.field.model._meta.label_lower} {self.row}: {', '.join(self.field.files_of(self.value))}"
        )


def stored_names(folder: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the names of all files in the storage, with one folder in memory at a time."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}{file}" for file in sorted(files) if file)
    if depth < DEEPEST:
        for inner in sorted(folders):
            yield from stored_names(f"{folder}{inner}/", depth + 1)


def unnamed_files(before: datetime) -> Iterator[Unnamed]:
    """Yield files with names of LinkUp that no row references, last modified before that moment."""
    names = (name for name in stored_names() if OURS.fullmatch(name))
    while batch := list(islice(names, BATCH)):
        values = {*batch, *(SIZE.sub("", name) for name in batch)}
        named: set[str] = set()
        for field in file_fields():
            rows = field.model._base_manager.filter(**{f"{field.name}__in": values})
            for value in rows.values_list(field.name, flat=True):
                named.update(field.files_of(value))
        for name in batch:
            if name in named:
                continue
            try:
                file = Unnamed(name, default_storage.size(name), default_storage.get_modified_time(name))
            except FileNotFoundError:
                continue
            if file.modified < before:
                yield file


def names_any_file() -> bool:
    """Return whether any row references a file."""
    return any(field.model._base_manager.exclude(**{field.name: ""}).exists() for field in file_fields())


def exposed_rows() -> Iterator[Exposed]:
    """Yield the rows whose files must be below `private/` and are not."""
    for field in file_fields():
        if not field.private:
            continue
        rows = field.model._base_manager.exclude(**{field.name: ""})
        rows = rows.exclude(**{f"{field.name}__startswith": f"{PRIVATE}/"}).order_by("pk")
        for pk, value in rows.values_list("pk", field.name).iterator(chunk_size=BATCH):
            # Names outside the storage are not ours to move.
            if is_public(value):
                yield Exposed(field, pk, value)


def move_to_private(exposed: Exposed) -> bool:
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


class NoReferencesError(Exception):
    """No row references a file although there are files: this may be the wrong database."""


def delete_unnamed_files(before: datetime) -> int:
    """Delete the files that no row references, last modified before that moment; return how many.

    Raises NoReferencesError, and deletes nothing, when no row references any file.
    """
    deleted, is_trusted = 0, names_any_file()
    for file in unnamed_files(before):
        if not is_trusted:
            raise NoReferencesError("no row references a file, but there are files: nothing was deleted")
        delete_files([file.name])
        deleted += 1
    return deleted


def move_exposed_files() -> None:
    """Move the files of all rows whose private files have public URLs."""
    for exposed in exposed_rows():
        move_to_private(exposed)
