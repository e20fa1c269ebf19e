"""Migration operations that do not block visitors: concurrent on PostgreSQL, Django's own elsewhere.

docs/WRITING_MIGRATIONS.md says when to use which; `make lint` requires them. The concurrent ones need `atomic = False`
and a separate migration. Each may run again after a failure: it first removes what an earlier try left behind.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.contrib.postgres import operations
from django.db import models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddConstraint, AddIndex, RemoveIndex
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

Row = TypeVar("Row", bound=models.Model)


def _is_postgresql(editor: BaseDatabaseSchemaEditor) -> bool:
    return editor.connection.vendor == "postgresql"


@contextmanager
def _without_lock_timeout(editor: BaseDatabaseSchemaEditor) -> Iterator[None]:
    """Remove the lock timeout: a concurrent build waits for old transactions, and blocks nothing meanwhile."""
    editor.execute("SET lock_timeout = 0", params=None)
    yield
    editor.execute("RESET lock_timeout", params=None)


def _drop_index(editor: BaseDatabaseSchemaEditor, index: str) -> None:
    """Drop the invalid index that an interrupted build leaves behind."""
    editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {editor.quote_name(index)}", params=None)


class AddIndexConcurrently(operations.AddIndexConcurrently):
    """Add an index without blocking reads and writes."""

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
        with _without_lock_timeout(schema_editor):
            _drop_index(schema_editor, self.index.name)
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
        with _without_lock_timeout(schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class RemoveIndexConcurrently(operations.RemoveIndexConcurrently):
    """Remove an index without blocking reads and writes."""

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
        with _without_lock_timeout(schema_editor):
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
        with _without_lock_timeout(schema_editor):
            _drop_index(schema_editor, self.name)
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class AddUniqueConcurrently(operations.NotInTransactionMixin, AddConstraint):
    """Add a UniqueConstraint: build its index concurrently, then attach it at once."""

    atomic = False

    def __init__(self, model_name: str, constraint: models.UniqueConstraint) -> None:
        """Raise TypeError for constraints that cannot use an existing index: deferrable, or with nulls_distinct."""
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
        # With a condition or an expression it is only an index; with plain columns it is a constraint of the table.
        is_index = statement.startswith("CREATE UNIQUE INDEX ")
        columns = statement.partition(" UNIQUE ")[2]
        index = statement.removeprefix("CREATE UNIQUE INDEX ") if is_index else f"{name} ON {table} {columns}"
        with _without_lock_timeout(schema_editor):
            _drop_index(schema_editor, self.constraint.name)
            schema_editor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {index}", params=None)
        if not is_index:
            attach = f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}"
            schema_editor.execute(attach, params=None)

    def describe(self) -> str:
        return f"Concurrently create unique constraint {self.constraint.name} on model {self.model_name}"


class AddConstraintNotValid(operations.AddConstraintNotValid):
    """Add a CheckConstraint for new writes; ValidateConstraint checks the existing rows."""

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
    """Check the existing rows against the constraint without blocking reads and writes."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if _is_postgresql(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class SetTableStorage(Operation):
    """Set storage parameters of a table on PostgreSQL, such as `fillfactor=70`; nothing elsewhere."""

    reversible = True
    atomic = True
    reduces_to_sql = True

    def __init__(self, model_name: str, **parameters: float) -> None:
        self.model_name = model_name
        self.parameters = parameters

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model_name], dict(self.parameters)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models do not know these parameters."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        chosen = ", ".join(f"{name} = {value}" for name, value in self.parameters.items())
        self._alter(schema_editor, to_state.apps.get_model(app_label, self.model_name), f"SET ({chosen})")

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        self._alter(schema_editor, model, f"RESET ({', '.join(self.parameters)})")

    @staticmethod
    def _alter(editor: BaseDatabaseSchemaEditor, model: type[models.Model], change: str) -> None:
        if _is_postgresql(editor):
            editor.execute(f"ALTER TABLE {editor.quote_name(model._meta.db_table)} {change}", params=None)

    def describe(self) -> str:
        return f"Set storage parameters of {self.model_name}"


def in_batches(
    rows: models.QuerySet[Row], change: Callable[[models.QuerySet[Row]], Any], size: int = 1000
) -> int:
    """Call `change` with `size` rows at a time, one transaction per batch; return the number of rows.

    For RunPython in a migration with `atomic = False`: no row stays locked for longer than its batch takes. Batches
    follow the primary key, so `change` may remove rows from `rows`. After a failure it starts from the beginning: let
    `rows` select only unfinished rows.
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
