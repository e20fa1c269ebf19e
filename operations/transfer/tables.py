"""The tables of a transfer and their columns: every concrete model of every app.

Left out are sessions, the cache table and outgoing mail: they end with the old server, and a restored copy must not
send old mail again. `migrate` creates content types and permissions in the target with other ids; a reference to one is
transferred as its name (`feed.post`, `feed.post.view_post`) and gets the target's id. `django_migrations` is only
compared.

Backups and exports name tables and columns as the database does: a model or field that gets another name in Python,
with `db_table` or `db_column`, changes nothing in them.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.apps import apps
from django.db.models import AutoField, BigAutoField, Field, ForeignKey, Model, SmallAutoField

from .problems import Problem, TransferRefused
from .values.kinds import Kind, kind_of

LEFT_OUT = (
    "sessions.session",
    "core.cacheentry",
    "core.outgoingmail",
    "core.queuedtask",
    "core.taskworker",
)
CONTENT_TYPES = "contenttypes.contenttype"
PERMISSIONS = "auth.permission"
# Created by `migrate`; compared and completed by name. The identifying columns come first.
PREDEFINED = {
    CONTENT_TYPES: (("app_label", "model"), 2),
    PERMISSIONS: (("content_type_id", "codename", "name"), 2),
}
# Columns whose values no message shows, and texts that only two members should read.
HIDDEN = re.compile(r"password|secret|token|session|digest|salt|code$|^(data|key)$|_key$")
PRIVATE = {"messaging.entry": {"text", "html"}}

Key = tuple[int | str, ...]
Values = list[str | None]


@dataclass(frozen=True)
class Column:
    """One column. `named_by` is the predefined table that it refers to, by names instead of ids, or ""."""

    name: str
    kind: Kind
    null: bool
    hidden: bool
    named_by: str = ""

    @property
    def is_number(self) -> bool:
        """Return whether its canonical text is a whole number."""
        return self.kind.is_number and not self.named_by


@dataclass(frozen=True)
class Reference:
    """A foreign key: `column` holds the `other_column` of a row of `other_table`, or NULL."""

    name: str
    column: str
    other_table: str
    other_column: str


@dataclass(frozen=True)
class Table:
    """A table of both databases. `key` are the positions of the columns that identify a row."""

    label: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[int, ...]
    auto_id: Column | None
    references: tuple[Reference, ...]

    @property
    def predefined(self) -> bool:
        return self.label in PREDEFINED

    @property
    def fields(self) -> list[str]:
        return [column.name for column in self.columns]

    @cached_property
    def key_of(self) -> Callable[[Values], Key]:
        """A function that returns the key of a row's values, sorted as both databases sort."""
        numbers = [self.columns[position].is_number for position in self.key]
        if len(self.key) == 1 and numbers[0]:
            position = self.key[0]
            return lambda values: (int(values[position] or 0),)
        pairs = list(zip(self.key, numbers, strict=True))
        return lambda values: tuple(int(values[p] or 0) if number else values[p] or "" for p, number in pairs)

    @property
    def key_list(self) -> str:
        """The columns of the key as a SELECT list, for the table as `t`."""
        return ", ".join(f"t.{quote_name(self.columns[position].name)}" for position in self.key)

    def without_column(self, name: str) -> "Table":
        """Return the table as it was before the column `name`, which is not a part of the key."""
        position = self.fields.index(name)
        return replace(
            self,
            columns=tuple(column for column in self.columns if column.name != name),
            key=tuple(index - (index > position) for index in self.key),
        )

    def format_key(self, key: Key) -> str:
        """Return a row's key for messages."""
        if any(self.columns[position].hidden for position in self.key):
            return "(key not shown)"
        return ", ".join(str(part) for part in key)

    def order_by(self, collation: str) -> str:
        """Return the ORDER BY list, for the table as `t`, with the same order in both databases."""
        parts = []
        for position in self.key:
            column = self.columns[position]
            # A UUID is text in SQLite only; both databases sort it by its bytes.
            plain = column.kind.is_number or column.kind.is_uuid
            parts.append("t." + quote_name(column.name) + ("" if plain else f" COLLATE {collation}"))
        return ", ".join(parts)


def quote_name(name: str) -> str:
    """Return a quoted SQL name, for both databases."""
    return '"' + name.replace('"', '""') + '"'


def _label_of(model: type[Model]) -> str:
    """The label of a model after its table: `feed.post` of `feed_post`; else Django's label of the model."""
    meta = model._meta
    prefix = f"{meta.app_label}_"
    return (
        f"{meta.app_label}.{meta.db_table.removeprefix(prefix)}"
        if meta.db_table.startswith(prefix)
        else meta.label_lower
    )


def _build_column(model: type[Model], field: "Field[Any, Any]") -> Column | Problem:
    label = _label_of(model)
    kind = kind_of(field)
    if kind is None:
        return Problem(
            label, "", field.name, f"there is no rule for columns of the kind {field.get_internal_type()}"
        )
    related = field.related_model if field.remote_field else None
    named_by = related._meta.label_lower if isinstance(related, type) else ""
    name = field.column or ""
    hidden = bool(HIDDEN.search(name)) or name in PRIVATE.get(label, ())
    return Column(
        name,
        kind,
        field.null,
        hidden,
        named_by if named_by in PREDEFINED else "",
    )


def build_table(model: type[Model]) -> Table:
    """Return the table of a concrete model. Raises TransferRefused for a field of an unknown kind."""
    meta, label = model._meta, _label_of(model)
    fields = [field for field in meta.local_concrete_fields if not field.generated]
    if label in PREDEFINED:
        fields = [next(field for field in fields if field.attname == name) for name in PREDEFINED[label][0]]
    columns = [_build_column(model, field) for field in fields]
    problems = [column for column in columns if isinstance(column, Problem)]
    known = tuple(column for column in columns if isinstance(column, Column))
    keys = [known[position] for position in range(PREDEFINED[label][1])] if label in PREDEFINED else []
    if not problems and not keys:
        keys = [column for field in meta.pk_fields for column in known if column.name == field.column]
        unsorted = [column for column in keys if not (column.kind.is_number or column.kind.is_text)]
        problems = [
            Problem(label, "", column.name, "there is no rule to sort rows by such a key")
            for column in unsorted
        ]
    if problems:
        raise TransferRefused("A table cannot be carried over:", problems)
    auto = isinstance(meta.pk, AutoField | BigAutoField | SmallAutoField) and label not in PREDEFINED
    constrained = [
        field for field in fields if isinstance(field, ForeignKey) and getattr(field, "db_constraint", True)
    ]
    return Table(
        label=label,
        name=meta.db_table,
        columns=known,
        key=tuple(known.index(column) for column in keys),
        auto_id=keys[0] if auto else None,
        references=tuple(
            Reference(
                field.name,
                field.column or "",
                field.target_field.model._meta.db_table,
                field.target_field.column or "",
            )
            for field in constrained
        ),
    )


def tables_of(models: Iterable[type[Model]]) -> list[Table]:
    """Return the tables of models, without proxies, unmanaged models and duplicates."""
    concrete = {
        model._meta.db_table: model for model in models if model._meta.managed and not model._meta.proxy
    }
    tables = [build_table(model) for model in concrete.values() if model._meta.label_lower not in LEFT_OUT]
    predefined = list(PREDEFINED)
    rank = {label: position for position, label in enumerate(predefined)}
    return sorted(tables, key=lambda table: (rank.get(table.label, len(predefined)), table.label))


def all_tables() -> list[Table]:
    """Return every transferred table; predefined ones first, since others refer to them by name."""
    return tables_of(apps.get_models(include_auto_created=True))


# Selects ids and names of the predefined tables, in both databases: `feed.post`, `feed.post.view_post`.
NAMES = {
    CONTENT_TYPES: "SELECT id, app_label || '.' || model FROM django_content_type",
    PERMISSIONS: "SELECT p.id, c.app_label || '.' || c.model || '.' || p.codename FROM auth_permission p "
    "JOIN django_content_type c ON c.id = p.content_type_id",
}
