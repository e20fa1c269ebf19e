"""The tables as they were after certain migrations. A backup is made before `migrate` as well as after it, and restored
by a newer LinkUp: what counts is never the models of the code, but the migrations that the database had.
"""

from collections.abc import Iterable
from dataclasses import replace

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from ..transfer.problems import Fault, TransferRefused
from ..transfer.rows import Migration
from ..transfer.tables import Table, tables_of


class Migrations:
    """The migrations that this code has, and what they make of a database."""

    def __init__(self) -> None:
        # Without a database, and without squashing: a name that was ever recorded is found.
        self._loader = MigrationLoader(None, replace_migrations=False)

    @property
    def all(self) -> set[Migration]:
        return set(self._loader.graph.nodes)

    def refuse_unknown(self, applied: Iterable[Migration], told: str) -> None:
        """Raise TransferRefused when `told` has migrations of which this code knows nothing."""
        unknown = sorted(set(applied) - self.all)
        if unknown:
            raise TransferRefused(
                f"{told} is of a newer LinkUp than this code, which does not know these migrations. "
                "Install that version and run the command again:",
                [Fault("", "", "", f"{app}.{name}") for app, name in unknown],
            )

    def own(self, applied: Iterable[Migration]) -> set[Migration]:
        """Those of the apps that are installed: an app that was taken out leaves its migrations in the table."""
        installed = {app.label for app in apps.get_app_configs()}
        return {(app, name) for app, name in applied if app in installed}

    def tables(self, applied: set[Migration]) -> list[Table]:
        """The tables after those migrations, in the order of a backup."""
        state = self._loader.project_state(sorted(self._single(applied)))
        return tables_of(state.apps.get_models(include_auto_created=True))

    def ends(self, applied: set[Migration]) -> list[Migration]:
        """The latest ones of each app: those to name to Django, which would go back to any earlier one."""
        nodes, single = self._loader.graph.node_map, self._single(applied)
        return sorted(
            key
            for key in single
            if not any(child.key in single and child.key[0] == key[0] for child in nodes[key].children)
        )

    def _single(self, applied: set[Migration]) -> set[Migration]:
        """Without squashed migrations that stand for others which are there, too: nothing is made twice."""
        replaced = {key: set(squashed.replaces) for key, squashed in self._loader.replacements.items()}
        return {key for key in applied if key not in replaced or not replaced[key] <= applied & self.all}


def in_order(table: Table, fields: list[str]) -> Table:
    """The same table with its columns in the order of `fields`: squashed migrations may give another one."""
    columns = {column.name: column for column in table.columns}
    key = tuple(fields.index(table.columns[place].name) for place in table.key)
    return replace(table, columns=tuple(columns[name] for name in fields), key=key)


def applied_here() -> set[Migration]:
    """The migrations of the database of the settings; none when it has no tables."""
    return set(MigrationExecutor(connections[DEFAULT_DB_ALIAS]).recorder.applied_migrations())


def migrate_to(ends: list[Migration]) -> None:
    """Bring the database to a state before which it is. No signals: what they make, a backup brings."""
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    executor.loader.replace_migrations = False  # type: ignore[attr-defined]  # the stubs do not know it
    executor.loader.build_graph()
    executor.migrate(ends)
