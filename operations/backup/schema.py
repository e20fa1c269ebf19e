"""The tables after given migrations. A backup is made before `migrate` as well as after it, and restored by a newer
LinkUp: the migrations of the database count, not the models of the code.
"""

from collections.abc import Iterable
from dataclasses import replace

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from ..transfer.problems import Problem, TransferRefused
from ..transfer.rows import Migration
from ..transfer.tables import Table, tables_of


class Migrations:
    """The migrations of this code, and the tables that they create."""

    def __init__(self) -> None:
        # Without a database, and without squashing: every name that was ever recorded is found.
        self._loader = MigrationLoader(None, replace_migrations=False)

    @property
    def known(self) -> set[Migration]:
        return set(self._loader.graph.nodes)

    def refuse_unknown(self, applied: Iterable[Migration], description: str) -> None:
        """Raise TransferRefused when `description` has migrations that this code does not know."""
        unknown = sorted(set(applied) - self.known)
        if unknown:
            raise TransferRefused(
                f"{description} is of a newer LinkUp than this code, which does not know these migrations. "
                "Install that version and run the command again:",
                [Problem("", "", "", f"{app}.{name}") for app, name in unknown],
            )

    def of_installed_apps(self, applied: Iterable[Migration]) -> set[Migration]:
        """Return those of installed apps: a removed app leaves its migrations in the table."""
        installed = {app.label for app in apps.get_app_configs()}
        return {(app, name) for app, name in applied if app in installed}

    def tables_after(self, applied: set[Migration]) -> list[Table]:
        """Return the tables after those migrations, in the order of a backup."""
        state = self._loader.project_state(sorted(self._without_replacements(applied)))
        return tables_of(state.apps.get_models(include_auto_created=True))

    def leaf_migrations(self, applied: set[Migration]) -> list[Migration]:
        """Return the latest ones of each app: Django would migrate back to any earlier one."""
        nodes, single = self._loader.graph.node_map, self._without_replacements(applied)
        return sorted(
            key
            for key in single
            if not any(child.key in single and child.key[0] == key[0] for child in nodes[key].children)
        )

    def _without_replacements(self, applied: set[Migration]) -> set[Migration]:
        """Leave out squashed migrations whose replaced ones are present as well."""
        replaced = {key: set(squashed.replaces) for key, squashed in self._loader.replacements.items()}
        return {key for key in applied if key not in replaced or not replaced[key] <= applied & self.known}


def reorder_columns(table: Table, fields: list[str]) -> Table:
    """Return the table with its columns in the order of `fields`: squashed migrations may have another one."""
    columns = {column.name: column for column in table.columns}
    key = tuple(fields.index(table.columns[position].name) for position in table.key)
    return replace(table, columns=tuple(columns[name] for name in fields), key=key)


def applied_migrations() -> set[Migration]:
    """Return the applied migrations of the database of the settings; none when it has no tables."""
    return set(MigrationExecutor(connections[DEFAULT_DB_ALIAS]).recorder.applied_migrations())


def migrate_to(leaves: list[Migration]) -> None:
    """Migrate forward to `leaves`. Without signals: a backup has the rows that they would create."""
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    executor.loader.replace_migrations = False  # type: ignore[attr-defined]  # the stubs do not know it
    executor.loader.build_graph()
    executor.migrate(leaves)
