"""Migrations after which an export from before is still imported: they change no row of an export."""

import re

from django.db.migrations.loader import MigrationLoader

from operations.transfer.manifest import COLUMNS_ADDED, ROWS_UNCHANGED, TABLES_ADDED
from operations.transfer.tables import LEFT_OUT, tables_of
from scripts.migration_linter import collect_columns, compile_operations


def test_such_a_migration_renames_in_python_or_adds_indexes_or_tables_of_no_export() -> None:
    loader = MigrationLoader(None)
    left_out = {label.replace(".", "_") for label in LEFT_OUT}
    for key in ROWS_UNCHANGED:
        before = loader.project_state([key], at_end=False)
        after = loader.project_state([key])
        steps = [*compile_operations(loader.graph.nodes[key], before.clone())]
        statements = [statement for step in steps for statement in step.statements]
        statements = [each for each in statements if not left_out & set(re.findall(r"\w+", each))]
        harmless = ("CREATE INDEX CONCURRENTLY", "DROP INDEX CONCURRENTLY IF EXISTS", "SET ", "RESET ")
        assert [each for each in statements if not each.startswith(harmless)] == []
        former, later = (
            {column for column in collect_columns(state) if column[0] not in left_out}
            for state in (before, after)
        )
        assert former == later
        tables, later_tables = (tables_of(state.apps.get_models()) for state in (before, after))
        assert [(table.label, sorted(table.fields)) for table in tables] == [
            (table.label, sorted(table.fields)) for table in later_tables
        ]


def test_a_migration_that_adds_a_table_changes_no_other() -> None:
    loader = MigrationLoader(None)
    for label, key in TABLES_ADDED.items():
        before = loader.project_state([key], at_end=False)
        after = loader.project_state([key])
        former, later = (
            {table.label: sorted(table.fields) for table in tables_of(state.apps.get_models())}
            for state in (before, after)
        )
        assert later.keys() - former.keys() == {label}
        assert former.items() <= later.items()
        steps = [*compile_operations(loader.graph.nodes[key], before.clone())]
        statements = [statement for step in steps for statement in step.statements]
        table = label.replace(".", "_")
        assert [each for each in statements if table not in each] == []


def test_a_migration_that_adds_a_column_leaves_it_null_and_changes_nothing_else() -> None:
    loader = MigrationLoader(None)
    for key, (label, name) in COLUMNS_ADDED.items():
        before = loader.project_state([key], at_end=False)
        after = loader.project_state([key])
        former, later = (
            {table.label: table for table in tables_of(state.apps.get_models())} for state in (before, after)
        )
        assert later[label].fields == [*former[label].fields, name]
        later[label] = later[label].without_column(name)
        assert [(each.label, each.fields, each.key) for each in former.values()] == [
            (each.label, each.fields, each.key) for each in later.values()
        ]
        assert after.apps.get_model(label)._meta.get_field(name).null
        steps = [*compile_operations(loader.graph.nodes[key], before.clone())]
        assert all("ADD COLUMN" in statement for step in steps for statement in step.statements)
