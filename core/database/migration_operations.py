"""Migration operations that do not block visitors: on PostgreSQL they build concurrently, elsewhere as usual.

docs/WRITING_MIGRATIONS.md says which one to take; `make lint` asks for them. The concurrent ones need `atomic = False`
and a migration of their own. Each may be run again after a failure: what an earlier try left is taken away first.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.contrib.postgres import operations
from django.db import models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddConstraint, AddIndex, RemoveIndex
from django.db.migrations.state import ProjectState

Row = TypeVar("Row", bound=models.Model)


def _is_postgresql(editor: BaseDatabaseSchemaEditor) -> bool:
    return editor.connection.vendor == "postgresql"


@contextmanager
def _patiently(editor: BaseDatabaseSchemaEditor) -> Iterator[None]:
    """Without a limit for locks: what is built concurrently waits for old transactions, and nobody waits for it."""
    editor.execute("SET lock_timeout = 0", params=None)
    yield
    editor.execute("RESET lock_timeout", params=None)


def _clear(editor: BaseDatabaseSchemaEditor, index: str) -> None:
    """An index whose building broke off stays, invalid; its name must be free again."""
    editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {editor.quote_name(index)}", params=None)


class AddIndexConcurrently(operations.AddIndexConcurrently):
    """Add an index while everybody reads and writes."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if not _is_postgresql(schema_editor):
            AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
            return
        self._ensure_not_in_transaction(schema_editor)
        with _patiently(schema_editor):
            _clear(schema_editor, self.index.name)
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if not _is_postgresql(schema_editor):
            AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)
            return
        self._ensure_not_in_transaction(schema_editor)
        with _patiently(schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class RemoveIndexConcurrently(operations.RemoveIndexConcurrently):
    """Take an index away while everybody reads and writes."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if not _is_postgresql(schema_editor):
            RemoveIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
            return
        self._ensure_not_in_transaction(schema_editor)
        with _patiently(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if not _is_postgresql(schema_editor):
            RemoveIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)
            return
        self._ensure_not_in_transaction(schema_editor)
        with _patiently(schema_editor):
            _clear(schema_editor, self.name)
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class AddUniqueConcurrently(operations.NotInTransactionMixin, AddConstraint):
    """Add a UniqueConstraint: its index is built concurrently, and then taken over in an instant."""

    atomic = False

    def __init__(self, model_name: str, constraint: models.UniqueConstraint) -> None:
        """TypeError for what cannot be made of an index that is there: deferrable, or with a word on nulls."""
        if constraint.deferrable or constraint.nulls_distinct is not None:
            raise TypeError("AddUniqueConcurrently takes no deferrable constraint and no nulls_distinct.")
        super().__init__(model_name, constraint)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if not _is_postgresql(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        self._ensure_not_in_transaction(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        name = schema_editor.quote_name(self.constraint.name)
        table = schema_editor.quote_name(model._meta.db_table)
        statement = str(self.constraint.create_sql(model, schema_editor))
        # With a condition or an expression it is an index and nothing else; one of plain columns stands in the table.
        is_index = statement.startswith("CREATE UNIQUE INDEX ")
        columns = statement.partition(" UNIQUE ")[2]
        index = statement.removeprefix("CREATE UNIQUE INDEX ") if is_index else f"{name} ON {table} {columns}"
        with _patiently(schema_editor):
            _clear(schema_editor, self.constraint.name)
            schema_editor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {index}", params=None)
        if not is_index:
            takes_over = f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}"
            schema_editor.execute(takes_over, params=None)

    def describe(self) -> str:
        return f"Concurrently create unique constraint {self.constraint.name} on model {self.model_name}"


class AddConstraintNotValid(operations.AddConstraintNotValid):
    """Add a CheckConstraint that holds for what is written from now on; ValidateConstraint looks at the rest."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if _is_postgresql(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            AddConstraint.database_forwards(self, app_label, schema_editor, from_state, to_state)


class ValidateConstraint(operations.ValidateConstraint):
    """Look whether the rows that were there keep the constraint, while everybody reads and writes."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if _is_postgresql(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)


def in_batches(
    rows: models.QuerySet[Row], change: Callable[[models.QuerySet[Row]], Any], size: int = 1000
) -> int:
    """Call `change` with `size` rows at a time, each time in a transaction of its own; returns how many there were.

    For RunPython in a migration with `atomic = False`: no row stays locked for longer than its batch takes. Rows are
    walked in the order of their primary key, so `change` may make them leave `rows`. Run again after a failure, it
    begins anew: let `rows` hold only what is still to do.
    """
    done, after = 0, None
    while True:
        left = rows.order_by("pk") if after is None else rows.order_by("pk").filter(pk__gt=after)
        keys = list(left.values_list("pk", flat=True)[:size])
        if not keys:
            return done
        with transaction.atomic(using=rows.db):
            change(rows.filter(pk__in=keys))
        done, after = done + len(keys), keys[-1]
