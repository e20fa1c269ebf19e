"""Rows and their files: which fields name files, the files of a row, and their deletion with the row.

Code that lists, moves, exports, backs up or deletes files asks `file_fields`. When a row is deleted, by a service, a
cascade (such as that of a deleted account) or the admin, its files are deleted once the transaction has committed.
"""

from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.signals import post_delete

from . import storage
from .fields import StoredFileField


def file_fields() -> list[StoredFileField]:
    """Return all fields that name files, in the order of their models' labels."""
    found = [
        field
        for model in apps.get_models()
        if not model._meta.proxy
        for field in model._meta.local_concrete_fields
        if isinstance(field, StoredFileField)
    ]
    return sorted(found, key=lambda field: (field.model._meta.label_lower, field.name))


def file_field(label: str, name: str) -> StoredFileField:
    """Return the field `name` of the model `label`; TypeError when it names no files."""
    field = apps.get_model(label)._meta.get_field(name)
    if not isinstance(field, StoredFileField):
        raise TypeError(f"{label}.{name} names no files")
    return field


def files_of_row(row: models.Model) -> list[str]:
    """Return the names of all files that belong to a row."""
    fields = (field for field in row._meta.concrete_fields if isinstance(field, StoredFileField))
    return [name for field in fields for name in field.files_of(getattr(row, field.attname))]


def delete_files_with_rows() -> None:
    """Let the deletion of a row of any model delete the row's files. Called once all models are there."""
    for model in apps.get_models(include_auto_created=True):
        # Proxies too: the signal of a row that is deleted through a proxy names the proxy.
        if any(isinstance(field, StoredFileField) for field in model._meta.concrete_fields):
            post_delete.connect(_delete_files_of_row, sender=model)


def _delete_files_of_row(sender: type[models.Model], instance: models.Model, **_rest: Any) -> None:
    storage.delete_on_commit(*files_of_row(instance))
