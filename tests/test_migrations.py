"""The migration linter refuses each kind of fault with the cure, and accepts every cure: docs/WRITING_MIGRATIONS.md."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, migrations, models
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.functions import Lower, Now

from core.database import migration_operations
from operations.transfer.manifest import ROWS_UNCHANGED
from operations.transfer.tables import tables_of
from scripts.migration_rules import HINTS, Fault, InUse, faults_of
from scripts.migrations import Rules, columns_of, in_use, lint, steps_of
from scripts.programs import ROOT

from .cases import all_cases
from .handbook import releases

NAME = "0099_sample"


@cache
def loaded() -> MigrationLoader:
    return MigrationLoader(None)


@cache
def ours() -> ProjectState:
    """What all our migrations lead to."""
    return loaded().project_state()


@cache
def used() -> InUse:
    return in_use(ours())


def sample(*given: Operation, atomic: bool = True, app: str = "feed") -> Migration:
    kind: type[Migration] = type("Sample", (Migration,), {"operations": list(given), "atomic": atomic})
    return kind(NAME, app)


def run_probes(migration: Migration) -> list[Fault]:
    """What is wrong with a migration that comes after all of ours."""
    steps = [*steps_of(migration, ours().clone())]
    return faults_of(steps, used(), atomic=migration.atomic)


def fill(apps: object, editor: object) -> None:
    """Stands for a change of rows; the linter runs nothing."""


def check(model: str = "post", name: str = "feed_sample") -> tuple[str, models.CheckConstraint]:
    return model, models.CheckConstraint(condition=models.Q(like_count__gte=0), name=name)


def unique(*fields: str) -> models.UniqueConstraint:
    return models.UniqueConstraint(fields=fields, name="feed_sample")


INDEX = models.Index(fields=["created_at"], name="feed_sample")
RAW = migrations.RunSQL
NOOP = migrations.RunSQL.noop
BAD: list[tuple[str, Migration]] = [
    ("rename", sample(migrations.RenameField("post", "text", "words"))),
    ("rename", sample(migrations.RenameModel("Tag", "Label"))),
    ("rename", sample(migrations.AlterModelTable("tag", "labels"))),
    ("rename", sample(RAW("alter table feed_post rename column text to words", NOOP))),
    ("rename", sample(RAW("ALTER TABLE feed_post RENAME text TO words", NOOP))),
    ("drop", sample(migrations.RemoveField("post", "document_name"))),
    ("drop", sample(migrations.DeleteModel("SavedPost"))),
    ("drop", sample(RAW("ALTER TABLE public.feed_post DROP COLUMN IF EXISTS document_name", NOOP))),
    ("drop", sample(migrations.RemoveField("user", "groups"), app="users")),
    ("type", sample(migrations.AlterField("post", "like_count", models.BigIntegerField(default=0)))),
    ("type", sample(migrations.AlterField("post", "document", models.CharField(max_length=60)))),
    ("type", sample(RAW("ALTER TABLE feed_post ALTER text SET DATA TYPE varchar(9)", NOOP))),
    ("not-null", sample(migrations.AlterField("post", "edited_at", models.DateTimeField(db_default=Now())))),
    ("not-null", sample(RAW("ALTER TABLE feed_post ADD place integer NOT NULL", NOOP))),
    (
        "not-null",
        sample(RAW("/* quick */ ALTER TABLE feed_post\n ALTER COLUMN edited_at SET NOT NULL", NOOP)),
    ),
    ("default", sample(migrations.AddField("post", "mood", models.CharField(max_length=9, default="calm")))),
    ("default", sample(migrations.AddField("post", "mood", models.CharField(max_length=9, blank=True)))),
    ("default", sample(migrations.AddField("post", "is_pinned", models.BooleanField(default=False)))),
    ("default", sample(migrations.AddField("post", "rank", models.IntegerField(null=True, default=1)))),
    ("rewrite", sample(RAW("ALTER TABLE feed_post ADD code uuid DEFAULT gen_random_uuid() NOT NULL", NOOP))),
    ("rewrite", sample(RAW("ALTER TABLE feed_post ADD COLUMN number bigserial", NOOP))),
    (
        "rewrite",
        sample(
            migrations.AddField(
                "post",
                "lower",
                models.GeneratedField(
                    expression=Lower("text"), output_field=models.TextField(), db_persist=True
                ),
            )
        ),
    ),
    ("rewrite", sample(RAW("VACUUM FULL feed_post", NOOP), atomic=False)),
    ("unique", sample(migrations.AddConstraint("post", unique("created_at")))),
    ("unique", sample(migrations.AddConstraint("tag", models.UniqueConstraint(Lower("name"), name="lower")))),
    (
        "unique",
        sample(migrations.AlterField("post", "document", models.CharField(max_length=120, unique=True))),
    ),
    ("unique", sample(migrations.AddField("post", "code", models.UUIDField(null=True, unique=True)))),
    ("unique", sample(migrations.AlterUniqueTogether("post", {("author", "created_at")}))),
    ("index", sample(migrations.AddIndex("post", INDEX))),
    ("index", sample(migrations.RemoveIndex("post", "feed_post_of_author"))),
    ("index", sample(migrations.AlterField("post", "created_at", models.DateTimeField(db_index=True)))),
    (
        "index",
        sample(
            migrations.AddField("post", "editor", models.ForeignKey("users.User", models.CASCADE, null=True))
        ),
    ),
    ("index", sample(RAW("REINDEX TABLE feed_post", NOOP))),
    ("constraint", sample(migrations.AddConstraint(*check()))),
    ("constraint", sample(migrations.AddField("post", "rank", models.PositiveIntegerField(null=True)))),
    (
        "constraint",
        sample(RAW("ALTER TABLE feed_post ADD FOREIGN KEY (author_id) REFERENCES users_user", NOOP)),
    ),
    (
        "constraint",
        sample(
            migrations.AddField(
                "post",
                "kind",
                models.ForeignKey("feed.Tag", models.CASCADE, db_default=1, db_index=False),
            )
        ),
    ),
    (
        "validate",
        sample(
            migration_operations.AddConstraintNotValid(*check()),
            migration_operations.ValidateConstraint("post", "feed_sample"),
        ),
    ),
    ("concurrently", sample(migration_operations.AddIndexConcurrently("post", INDEX))),
    ("concurrently", sample(RAW("CREATE INDEX CONCURRENTLY feed_sample ON feed_post (text)", NOOP))),
    (
        "alone",
        sample(
            migration_operations.AddIndexConcurrently("post", INDEX),
            migration_operations.RemoveIndexConcurrently("post", "feed_post_of_author"),
            atomic=False,
        ),
    ),
    ("alone", sample(migrations.RunPython(fill, fill), migrations.RunPython(fill, fill), atomic=False)),
    (
        "many-tables",
        sample(
            migrations.AddField("post", "mood", models.TextField(db_default="")),
            migrations.AddField("comment", "mood", models.TextField(db_default="")),
        ),
    ),
    ("data", sample(migrations.RunPython(fill, fill))),
    ("data", sample(RAW("UPDATE feed_post SET text = ''", NOOP))),
    ("data", sample(migrations.SeparateDatabaseAndState([migrations.RunPython(fill, fill)]))),
    (
        "data-and-schema",
        sample(
            migrations.AddField("post", "mood", models.TextField(db_default="")),
            migrations.RunPython(fill, fill),
        ),
    ),
    ("data-and-schema", sample(RAW("ALTER TABLE feed_post ADD a int; DELETE FROM feed_tag", NOOP))),
    ("no-way-back", sample(migrations.RunPython(fill), atomic=False)),
    ("no-way-back", sample(RAW("ALTER TABLE feed_post ADD COLUMN mood text"))),
    (
        "forgets-not-null",
        sample(
            migrations.SeparateDatabaseAndState(
                state_operations=[migrations.RemoveField("post", "document_name")]
            )
        ),
    ),
    (
        "forgets-reference",
        sample(
            migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("post", "original")])
        ),
    ),
    (
        "forgets-reference",
        sample(migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("SavedPost")])),
    ),
]

GOOD: list[tuple[str, Migration]] = [
    ("a new table with all it wants", sample(
        migrations.CreateModel("Poll", [
            ("id", models.BigAutoField(primary_key=True)),
            ("post", models.ForeignKey("feed.Post", models.CASCADE)),
            ("votes", models.PositiveIntegerField(default=0)),
        ]),
        migrations.AddIndex("poll", models.Index(fields=["votes"], name="feed_poll")),
        migrations.AddConstraint("poll", models.UniqueConstraint(fields=["post"], name="feed_poll_once")),
        migrations.AddField("poll", "title", models.CharField(max_length=80, default="", unique=True)),
        migrations.RenameField("poll", "title", "question"),
        migrations.RemoveField("poll", "votes"),
    )),
    ("a column that may be empty", sample(migrations.AddField("post", "mood", models.TextField(null=True)))),
    ("a default of the database", sample(
        migrations.AddField("post", "mood", models.CharField(max_length=9, default="calm", db_default="calm")),
        migrations.AddField("post", "is_pinned", models.BooleanField(default=False, db_default=False)),
        migrations.AddField("post", "shown_at", models.DateTimeField(db_default=Now())),
    )),
    ("a longer text", sample(migrations.AlterField("post", "document", models.CharField(max_length=200)))),
    ("a text without end", sample(migrations.AlterField("post", "document", models.TextField()))),
    ("a choice more", sample(
        migrations.AlterField("reaction", "kind", models.CharField(max_length=10, choices=[("sad", "Sad")]))
    )),
    ("null allowed", sample(migrations.AlterField("post", "text", models.TextField(null=True)))),
    ("a reference without an index", sample(migrations.AddField(
        "post", "editor", models.ForeignKey("users.User", models.CASCADE, null=True, db_index=False)
    ))),
    ("an index beside the traffic", sample(migration_operations.AddIndexConcurrently("post", INDEX), atomic=False)),
    ("an index taken away", sample(
        migration_operations.RemoveIndexConcurrently("post", "feed_post_of_author"), atomic=False
    )),
    ("a unique constraint", sample(migration_operations.AddUniqueConcurrently("post", unique("created_at")),
    atomic=False)), ("a unique index", sample(
        migration_operations.AddUniqueConcurrently("tag", models.UniqueConstraint(Lower("name"), name="lower")),
    atomic=False )),
    ("a constraint for what comes", sample(migration_operations.AddConstraintNotValid(*check()))),
    ("a look at what was there", sample(migration_operations.ValidateConstraint("post", "feed_post_has_audience"))),
    ("rows in batches", sample(migrations.RunPython(fill, migrations.RunPython.noop), atomic=False)),
    ("a constraint less", sample(migrations.RemoveConstraint("post", "feed_post_has_audience"))),
    ("a column forgotten by the models", sample(migrations.SeparateDatabaseAndState(
        [RAW('ALTER TABLE "feed_post" ALTER COLUMN "document_name" SET DEFAULT \'\'', NOOP)],
        [migrations.RemoveField("post", "document_name")],
    ))),
    ("a reference forgotten by the models", sample(migrations.SeparateDatabaseAndState(
        [RAW("ALTER TABLE feed_post DROP CONSTRAINT feed_post_original_id_fk", NOOP)],
        [migrations.RemoveField("post", "original")],
    ))),
    ("a column dropped that no model has", sample(RAW("ALTER TABLE feed_post DROP COLUMN forgotten", NOOP))),
    ("a table dropped that no model has", sample(RAW("DROP TABLE feed_forgotten", NOOP))),
]  # fmt: skip


def test_a_fault_is_refused_with_its_cure() -> None:
    with all_cases() as case:
        for rule, migration in BAD:
            with case(f"{rule}: {migration.operations}"):
                faults = {fault.rule: fault for fault in run_probes(migration)}
                assert rule in faults
                assert HINTS[rule] in str(faults[rule])
                operation = faults[rule].operation
                assert operation is None or type(operation).__name__ in str(faults[rule])


def test_a_cure_is_accepted() -> None:
    with all_cases() as case:
        for words, migration in GOOD:
            with case(words):
                assert [str(fault) for fault in run_probes(migration)] == []


def test_every_rule_has_a_sample() -> None:
    assert {rule for rule, _ in BAD} == set(HINTS)


def test_every_rule_is_in_the_handbook() -> None:
    handbook = (ROOT / "docs" / "WRITING_MIGRATIONS.md").read_text()
    assert [rule for rule in HINTS if f"| `{rule}` |" not in handbook] == []


def with_sample(*given: Operation) -> MigrationLoader:
    """Our migrations, and a sample after the last one of feed."""
    loader = MigrationLoader(None)
    migration, key = sample(*given), ("feed", NAME)
    loader.graph.add_node(key, migration)
    loader.graph.add_dependency(migration, key, ("feed", "0004_top_comments_index"))
    return loader


RENAME = migrations.RenameField("post", "text", "words")
RELEASED = [".".join(leaf) for leaf in MigrationLoader(None).graph.leaf_nodes()]


def test_our_own_migrations_keep_the_rules() -> None:
    assert lint(loaded(), Rules.read()) == []


def test_migrations_that_change_no_row_rename_in_python_or_add_indexes() -> None:
    for key in ROWS_UNCHANGED:
        before = loaded().project_state([key], at_end=False)
        after = loaded().project_state([key])
        steps = [*steps_of(loaded().graph.nodes[key], before.clone())]
        statements = [statement for step in steps for statement in step.statements]
        harmless = ("CREATE INDEX CONCURRENTLY", "DROP INDEX CONCURRENTLY IF EXISTS", "SET ", "RESET ")
        assert [each for each in statements if not each.startswith(harmless)] == []
        assert columns_of(before) == columns_of(after)
        tables, later_tables = (tables_of(state.apps.get_models()) for state in (before, after))
        assert [(table.label, sorted(table.fields)) for table in tables] == [
            (table.label, sorted(table.fields)) for table in later_tables
        ]


def test_the_message_names_migration_operation_and_cure() -> None:
    [line] = lint(with_sample(RENAME), Rules(RELEASED, {}))
    assert line.splitlines() == [
        "feed.0099_sample",
        "   RenameField: Rename field text on post to words (feed_post)",
        f"      rename: {HINTS['rename']}",
    ]


def test_what_is_released_is_not_looked_at_again() -> None:
    released = [name for name in RELEASED if not name.startswith("feed.")] + [f"feed.{NAME}"]
    assert lint(with_sample(RENAME), Rules(released, {})) == []


def test_a_table_that_was_never_released_is_nobodys_yet() -> None:
    without = [name for name in RELEASED if not name.startswith(("feed.", "notifications."))]
    assert lint(with_sample(RENAME), Rules(without, {})) == []


def test_an_exception_says_why_and_is_taken_away_when_it_is_not_needed() -> None:
    allowed = {f"feed.{NAME}": {"rename": "the servers are stopped for this one"}}
    assert lint(with_sample(RENAME), Rules(RELEASED, allowed)) == []
    [line] = lint(with_sample(), Rules(RELEASED, allowed))
    assert "allows rename, which it does not break" in line


def test_a_released_migration_that_is_gone_is_a_fault() -> None:
    [line] = lint(loaded(), Rules([*RELEASED, "feed.0042_gone"], {}))
    assert line.startswith("feed.0042_gone")


def example() -> Iterator[tuple[str, list[Migration]]]:
    """The versions of the handbook's example with their migrations."""
    for number, release in releases().items():
        found = []
        for path, code in release.migrations.items():
            namespace: dict[str, Any] = {}
            exec(compile(code, path, "exec"), namespace)  # noqa: S102 -- our own page
            found.append(namespace["Migration"](Path(path).stem, "feed"))
        yield number, found


def test_the_handbooks_example_keeps_the_rules() -> None:
    state, said = ours().clone(), {}
    for number, found in example():
        released = in_use(state)
        for migration in found:
            faults = faults_of([*steps_of(migration, state)], released, atomic=migration.atomic)
            said[f"{number} {migration.name}"] = list(map(str, faults))
    assert list(said) == [
        "0.2 0005_post_file_name",
        "0.2 0006_post_by_date",
        "0.3 0007_fill_file_name",
        "0.4 0008_forget_document_name",
        "0.5 0008_drop_document_name",
    ]
    assert {name: faults for name, faults in said.items() if faults} == {}


def test_the_handbooks_example_in_one_version_would_be_refused() -> None:
    state, released = ours().clone(), used()
    migrations_of_all = [migration for _, found in example() for migration in found]
    faults = [
        fault.rule
        for migration in migrations_of_all
        for fault in faults_of([*steps_of(migration, state)], released, atomic=migration.atomic)
    ]
    assert faults == ["drop"]


@pytest.mark.django_db(transaction=True)
def test_the_handbooks_example_runs_forwards_and_backwards() -> None:
    def columns() -> set[str]:
        with connection.cursor() as cursor:
            described = connection.introspection.get_table_description(cursor, "feed_post")
        return {column.name for column in described} & {"document_name", "file_name"}

    state, undo = ours().clone(), []
    for migration in [migration for _, found in example() for migration in found]:
        undo.append((migration, state.clone()))
        with connection.schema_editor(atomic=migration.atomic) as editor:
            state = migration.apply(state, editor)
    assert columns() == {"file_name"}
    for migration, before in reversed(undo):
        with connection.schema_editor(atomic=migration.atomic) as editor:
            migration.unapply(before, editor)
    assert columns() == {"document_name"}
