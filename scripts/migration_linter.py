"""The migration linter of `make lint`: refuses migrations that would block requests, or break the previous version.

It checks the migrations of all apps that follow those that pyproject.toml ([tool.migrations]) lists as released. It
generates the SQL that PostgreSQL would get, without a connection to a database.
"""

import os
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import django
import sqlparse
from django.db.backends.postgresql import base, operations, schema
from django.db.backends.postgresql.psycopg_any import sql as literal
from django.db.migrations import AlterField, Migration, SeparateDatabaseAndState
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED, Field
from django.db.utils import ConnectionHandler

from .migration_rules import (
    Column,
    CompiledOperation,
    ReleasedSchema,
    find_violations,
    normalize_statement,
)
from .programs import ROOT

OLDEST_POSTGRESQL = 140_000
Columns = dict[tuple[str, str], Column]


class OfflineSchemaEditor(schema.DatabaseSchemaEditor):
    """Collects statements; returns made-up names where Django's editor asks the database for them."""

    def _constraint_names(self, *args: Any, **kwargs: Any) -> list[str]:
        return ["existing_constraint"]

    def _get_sequence_name(self, table: str, column: str) -> str:
        return f"{table}_{column}_seq"


class OfflineOperations(operations.DatabaseOperations):
    """Quotes parameters without a connection."""

    def compose_sql(self, sql: str, params: Iterable[Any]) -> str:
        return sql % tuple(literal.quote(value) for value in params) if params else sql


class OfflineDatabase(base.DatabaseWrapper):
    """Django's PostgreSQL backend without a server."""

    SchemaEditorClass = OfflineSchemaEditor
    ops_class = OfflineOperations

    @cached_property
    def pg_version(self) -> int:
        return OLDEST_POSTGRESQL

    def connect(self) -> None:
        raise RuntimeError("This operation queries the database, and the linter has none.")


def create_offline_database() -> OfflineDatabase:
    """Return a connection that generates SQL and never connects."""
    handler = ConnectionHandler({"default": {"ENGINE": "django.db.backends.postgresql"}})
    return OfflineDatabase(handler["default"].settings_dict, "default")


def collect_columns(state: ProjectState) -> Columns:
    """Return the columns of all tables that the models of this state have."""
    return {
        (column.table, column.name): column
        for model in state.apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
        for model_field in model._meta.local_concrete_fields
        for column in [_column(model._meta.db_table, model_field)]
    }


def _column(table: str, model_field: "Field[Any, Any]") -> Column:
    has_default = model_field.db_default is not NOT_PROVIDED or model_field.generated
    is_foreign_key = bool(model_field.remote_field) and getattr(model_field, "db_constraint", False)
    is_optional = model_field.null or has_default
    return Column(table, str(model_field.column), is_optional=is_optional, is_foreign_key=is_foreign_key)


def extract_schema(state: ProjectState) -> ReleasedSchema:
    """Return the tables and columns that code with the models of this state uses."""
    columns = frozenset(collect_columns(state))
    return ReleasedSchema(frozenset(table for table, _ in columns), columns)


def compile_operations(migration: Migration, state: ProjectState) -> Iterator[CompiledOperation]:
    """Yield the operations with their SQL; `state` is the one before the migration, and is moved forwards."""
    connection, app = create_offline_database(), migration.app_label
    for operation in migration.operations:
        before, compiled = state.clone(), CompiledOperation(operation)
        operation.state_forwards(app, state)
        if isinstance(operation, SeparateDatabaseAndState) and operation.state_operations:
            compiled.removed_columns = [*_removed_columns(collect_columns(before), collect_columns(state))]
        compiled.statements = [*_statements(connection, operation, app, before, state)]
        compiled.extends_varchar = _extends_varchar(connection, operation, app, before, state)
        yield compiled


def _removed_columns(before: Columns, after: Columns) -> Iterator[Column]:
    tables = {table for table, _ in after}
    for key, column in before.items():
        if key not in after:
            # The new code inserts no rows into a table without a model.
            yield column if column.table in tables else replace(column, is_optional=True)


def _statements(
    connection: OfflineDatabase, operation: Operation, app: str, before: ProjectState, after: ProjectState
) -> Iterator[str]:
    if isinstance(operation, SeparateDatabaseAndState):
        for inner in operation.database_operations:
            between = before.clone()
            inner.state_forwards(app, between)
            yield from _statements(connection, inner, app, before, between)
            before = between
    elif operation.reduces_to_sql:
        # atomic=False: a transaction needs a connection. The rules look at the migration's `atomic` instead.
        with connection.schema_editor(collect_sql=True, atomic=False) as editor:
            operation.database_forwards(app, editor, before, after)
        for collected in editor.collected_sql or ():
            yield from filter(None, map(normalize_statement, sqlparse.split(str(collected))))


def _extends_varchar(
    connection: OfflineDatabase, operation: Operation, app: str, before: ProjectState, after: ProjectState
) -> bool:
    """Return whether the operation only allows longer texts, for which PostgreSQL changes only its catalogue."""
    if not isinstance(operation, AlterField):
        return False
    old, new = (
        state.apps.get_model(app, operation.model_name)._meta.get_field(operation.name).db_type(connection)
        or ""
        for state in (before, after)
    )
    if not old.startswith("varchar("):
        return False
    return new in {"text", "varchar"} or (new.startswith("varchar(") and _max_length(new) >= _max_length(old))


def _max_length(db_type: str) -> int:
    return int(db_type.removeprefix("varchar(").rstrip(")"))


@dataclass(frozen=True)
class LinterSettings:
    """[tool.migrations] of pyproject.toml: the last released migration of each app, and exceptions by migration."""

    released: list[str]
    allowed: dict[str, dict[str, str]]

    @classmethod
    def load(cls) -> "LinterSettings":
        """Read them from pyproject.toml."""
        section = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["migrations"]
        return cls(section["released"], section.get("allowed", {}))


def lint_migrations(loader: MigrationLoader, settings: LinterSettings) -> list[str]:
    """Return a message for each violation: the migration, the operation, the rule and the hint."""
    graph = loader.graph
    last_released = [_migration_key(name) for name in settings.released]
    if unknown := [".".join(key) for key in last_released if key not in graph.nodes]:
        return [f"{name}\n   pyproject.toml lists it as released, and it does not exist" for name in unknown]
    released = {key for leaf in last_released for key in graph.forwards_plan(leaf)}
    released_schema = extract_schema(loader.project_state(last_released))
    state, messages = ProjectState(), []
    unused = {(name, rule) for name, by_rule in settings.allowed.items() for rule in by_rule}
    for key in _in_dependency_order(loader):
        migration, name = graph.nodes[key], ".".join(key)
        if key in released:
            migration.mutate_state(state, preserve=False)
            continue
        compiled = [*compile_operations(migration, state)]
        for violation in find_violations(compiled, released_schema, atomic=migration.atomic):
            if violation.rule in settings.allowed.get(name, {}):
                unused.discard((name, violation.rule))
            else:
                messages.append(f"{name}\n   {violation}")
    messages += [
        f"{name}\n   pyproject.toml allows {rule}, which it does not break" for name, rule in sorted(unused)
    ]
    return messages


def _migration_key(name: str) -> tuple[str, str]:
    app, _, migration = name.partition(".")
    return app, migration


def _in_dependency_order(loader: MigrationLoader) -> Iterator[tuple[str, str]]:
    seen: set[tuple[str, str]] = set()
    for leaf in sorted(loader.graph.leaf_nodes()):
        for key in loader.graph.forwards_plan(leaf):
            if key not in seen:
                seen.add(key)
                yield key


def main(arguments: list[str]) -> int:
    """Print the violations; return 1 when there are any. With `released`, print the list for the next release."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "professional_network.settings.test")
    django.setup()
    loader = MigrationLoader(None)
    if arguments == ["released"]:
        print("\n".join(f'    "{".".join(leaf)}",' for leaf in sorted(loader.graph.leaf_nodes())))
        return 0
    messages = lint_migrations(loader, LinterSettings.load())
    for message in messages:
        print(message, file=sys.stderr)
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
