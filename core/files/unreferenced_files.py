"""Finds uploads that no row references (`manage.py tidy_uploads`)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.core.files.storage import default_storage

from .row_files import file_fields
from .storage import delete_files

# Names per query.
BATCH = 200
# Depth of folders: `private/posts/3f/`, and one more for folders of operators.
DEEPEST = 4
# Names as core.files.storage creates them (a storage may add characters before the extension), and interrupted copies.
OURS = re.compile(r"(?:private/)?[a-z]+/[0-9a-f]{2}/[0-9a-f]{32}[-_0-9A-Za-z]*\.[a-z0-9]+(?:\.linkup-part)?")
SIZE = re.compile(r"-\d+(?:_[0-9A-Za-z]+)?\.webp$")


@dataclass(frozen=True)
class UnreferencedFile:
    """A file that no row references."""

    name: str
    size: int
    modified: datetime


def list_stored_names(folder: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the names of all files in the storage, with one folder in memory at a time."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}{file}" for file in sorted(files) if file)
    if depth < DEEPEST:
        for inner in sorted(folders):
            yield from list_stored_names(f"{folder}{inner}/", depth + 1)


def find_unreferenced_files(before: datetime) -> Iterator[UnreferencedFile]:
    """Yield files with names of LinkUp that no row references, last modified before that moment."""
    names = (name for name in list_stored_names() if OURS.fullmatch(name))
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
                file = UnreferencedFile(
                    name, default_storage.size(name), default_storage.get_modified_time(name)
                )
            except FileNotFoundError:
                continue
            if file.modified < before:
                yield file


def has_referenced_files() -> bool:
    """Return whether any row references a file."""
    return any(field.model._base_manager.exclude(**{field.name: ""}).exists() for field in file_fields())


class NoReferencesError(Exception):
    """No row references a file although there are files: this may be the wrong database."""


def delete_unreferenced_files(before: datetime) -> int:
    """Delete the files that no row references, last modified before that moment; return how many.

    Raises NoReferencesError, and deletes nothing, when no row references any file.
    """
    deleted, is_trusted = 0, has_referenced_files()
    for file in find_unreferenced_files(before):
        if not is_trusted:
            raise NoReferencesError("no row references a file, but there are files: nothing was deleted")
        delete_files([file.name])
        deleted += 1
    return deleted
