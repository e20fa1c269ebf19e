"""The migration linter of `make lint`: refuses what would stop visitors, or the code that still runs, in an upgrade.

It looks at every migration, of every app, that came after those that pyproject.toml ([tool.migrations]) calls released.
The statements are those PostgreSQL would get; no database is asked, none is needed.
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

from .migration_rules import Column, Fault, InUse, Step, faults_of, plain
from .programs import ROOT

OLDEST_POSTGRESQL = 140_000
Columns = dict[tuple[str, str], Column]


class Editor(schema.DatabaseSchemaEditor):
    """Writes statements down; what only a database could tell gets a stand-in."""

    def _constraint_names(self, *args: Any, **kwargs: Any) -> list[str]:
        return ["constraint_that_is_there"]

    def _get_sequence_name(self, table: str, column: str) -> str:
        return f"{table}_{column}_seq"


class Operations(operations.DatabaseOperations):
    """Puts values into statements without asking a database how."""

    def compose_sql(self, sql: str, params: Iterable[Any]) -> str:
        return sql % tuple(literal.quote(value) for value in params) if params else sql


class Paper(base.DatabaseWrapper):
    """A PostgreSQL that is not there."""

    SchemaEditorClass = Editor
    ops_class = Operations

    @cached_property
    def pg_version(self) -> int:
        return OLDEST_POSTGRESQL

    def connect(self) -> None:
        raise RuntimeError("This operation asks the database what to do; the linter has none.")


def paper() -> Paper:
    """A connection for statements that nobody gets."""
    handler = ConnectionHandler({"default": {"ENGINE": "django.db.backends.postgresql"}})
    return Paper(handler["default"].settings_dict, "default")


def columns_of(state: ProjectState) -> Columns:
    """The columns of all tables that the models of this state have."""
    return {
        (column.table, column.name): column
        for model in state.apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
        for one in model._meta.local_concrete_fields
        for column in [_column(model._meta.db_table, one)]
    }


def _column(table: str, one: "Field[Any, Any]") -> Column:
    has_default = one.db_default is not NOT_PROVIDED or one.generated
    refers = bool(one.remote_field) and getattr(one, "db_constraint", False)
    return Column(table, str(one.column), can_be_left_out=one.null or has_default, refers=refers)


def in_use(state: ProjectState) -> InUse:
    """What code of this state leans on."""
    columns = frozenset(columns_of(state))
    return InUse(frozenset(table for table, _ in columns), columns)


def steps_of(migration: Migration, state: ProjectState) -> Iterator[Step]:
    """The operations with their statements; `state` is that before the migration, and is after it when all were had."""
    connection = paper()
    for operation in migration.operations:
        before, step = state.clone(), Step(operation)
        operation.state_forwards(migration.app_label, state)
        if isinstance(operation, SeparateDatabaseAndState) and operation.state_operations:
            step.lost = [*_lost(columns_of(before), columns_of(state))]
        step.statements = [*_statements(connection, operation, migration.app_label, before, state)]
        step.widens = _widens(connection, operation, migration.app_label, before, state)
        yield step


def _lost(before: Columns, after: Columns) -> Iterator[Column]:
    tables = {table for table, _ in after}
    for key, column in before.items():
        if key not in after:
            # Nobody writes rows of a table that the models forget as a whole.
            yield column if column.table in tables else replace(column, can_be_left_out=True)


def _statements(
    connection: Paper, operation: Operation, app: str, before: ProjectState, after: ProjectState
) -> Iterator[str]:
    if isinstance(operation, SeparateDatabaseAndState):
        for inner in operation.database_operations:
            between = before.clone()
            inner.state_forwards(app, between)
            yield from _statements(connection, inner, app, before, between)
            before = between
    elif operation.reduces_to_sql:
        # Without a transaction of the editor's own, which would need a database; the migration's is looked at apart.
        with connection.schema_editor(collect_sql=True, atomic=False) as editor:
            operation.database_forwards(app, editor, before, after)
        for collected in editor.collected_sql or ():
            yield from filter(None, map(plain, sqlparse.split(str(collected))))


def _widens(
    connection: Paper, operation: Operation, app: str, before: ProjectState, after: ProjectState
) -> bool:
    """Whether a column of text takes longer texts from now on: PostgreSQL then changes nothing but its catalogue."""
    if not isinstance(operation, AlterField):
        return False
    old, new = (
        state.apps.get_model(app, operation.model_name)._meta.get_field(operation.name).db_type(connection)
        or ""
        for state in (before, after)
    )
    if not old.startswith("varchar("):
        return False
    return new in {"text", "varchar"} or (new.startswith("varchar(") and _length(new) >= _length(old))


def _length(kind: str) -> int:
    return int(kind.removeprefix("varchar(").rstrip(")"))


@dataclass(frozen=True)
class Rules:
    """What pyproject.toml says: the last released migration of each app, and what is allowed in spite of a rule."""

    released: list[str]
    allowed: dict[str, dict[str, str]]

    @classmethod
    def read(cls) -> "Rules":
        """The section [tool.migrations]."""
        section = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["migrations"]
        return cls(section["released"], section.get("allowed", {}))


def lint(loader: MigrationLoader, rules: Rules) -> list[str]:
    """A line for each fault: the migration, the operation, the rule and the cure."""
    graph = loader.graph
    last = [_key(name) for name in rules.released]
    if unknown := [".".join(key) for key in last if key not in graph.nodes]:
        return [f"{name}\n   pyproject.toml calls it released, and it is not there" for name in unknown]
    done = {key for one in last for key in graph.forwards_plan(one)}
    used = in_use(loader.project_state(last))
    state, said = ProjectState(), []
    allowed = {(name, rule) for name, by_rule in rules.allowed.items() for rule in by_rule}
    for key in _in_order(loader):
        migration = graph.nodes[key]
        if key in done:
            migration.mutate_state(state, preserve=False)
            continue
        for fault in faults_of([*steps_of(migration, state)], used, atomic=migration.atomic):
            if (".".join(key), fault.rule) in allowed:
                allowed.discard((".".join(key), fault.rule))
            else:
                said.append(_line(key, fault))
    unneeded = [
        f"{name}\n   pyproject.toml allows {rule}, which it does not break" for name, rule in sorted(allowed)
    ]
    return said + unneeded


def _key(name: str) -> tuple[str, str]:
    app, _, migration = name.partition(".")
    return app, migration


def _line(key: tuple[str, str], fault: Fault) -> str:
    return f"{'.'.join(key)}\n   {fault}"


def _in_order(loader: MigrationLoader) -> Iterator[tuple[str, str]]:
    """Every migration after those it leans on."""
    seen: set[tuple[str, str]] = set()
    for leaf in sorted(loader.graph.leaf_nodes()):
        for key in loader.graph.forwards_plan(leaf):
            if key not in seen:
                seen.add(key)
                yield key


def main(arguments: list[str]) -> int:
    """1 when a migration breaks a rule. With `released` print the section's list as it is after a release."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "professional_network.settings.test")
    django.setup()
    loader = MigrationLoader(None)
    if arguments == ["released"]:
        print("\n".join(f'    "{".".join(leaf)}",' for leaf in sorted(loader.graph.leaf_nodes())))
        return 0
    faults = lint(loader, Rules.read())
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
