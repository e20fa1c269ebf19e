"""The migration linter refuses what breaks a rule of docs/WRITING_MIGRATIONS.md, and accepts what its hint proposes."""

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
from scripts.migration_linter import LinterSettings, compile_operations, extract_schema, lint_migrations
from scripts.migration_rules import HINTS, ReleasedSchema, Violation, find_violations
from scripts.programs import ROOT

from .cases import all_cases
from .migration_example import load_releases

NAME = "0099_sample"


@cache
def load_migrations() -> MigrationLoader:
    return MigrationLoader(None)


@cache
def current_state() -> ProjectState:
    """The models after all our migrations."""
    return load_migrations().project_state()


@cache
def current_schema() -> ReleasedSchema:
    return extract_schema(current_state())


def sample(*operations: Operation, atomic: bool = True, app: str = "feed") -> Migration:
    attributes = {"operations": list(operations), "atomic": atomic}
    kind: type[Migration] = type("Sample", (Migration,), attributes)
    return kind(NAME, app)


def find_violations_after_ours(migration: Migration) -> list[Violation]:
    """What the linter finds in a migration that comes after all of ours."""
    compiled = [*compile_operations(migration, current_state().clone())]
    return find_violations(compiled, current_schema(), atomic=migration.atomic)


def fill(apps: object, editor: object) -> None:
    """A function for RunPython; the linter does not call it."""


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
        "several-operations",
        sample(
            migration_operations.AddIndexConcurrently("post", INDEX),
            migration_operations.RemoveIndexConcurrently("post", "feed_post_of_author"),
            atomic=False,
        ),
    ),
    (
        "several-operations",
        sample(migrations.RunPython(fill, fill), migrations.RunPython(fill, fill), atomic=False),
    ),
    (
        "several-tables",
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
    ("irreversible", sample(migrations.RunPython(fill), atomic=False)),
    ("irreversible", sample(RAW("ALTER TABLE feed_post ADD COLUMN mood text"))),
    (
        "removed-not-null",
        sample(
            migrations.SeparateDatabaseAndState(
                state_operations=[migrations.RemoveField("post", "document_name")]
            )
        ),
    ),
    (
        "removed-foreign-key",
        sample(
            migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("post", "original")])
        ),
    ),
    (
        "removed-foreign-key",
        sample(migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("SavedPost")])),
    ),
]

GOOD: list[tuple[str, Migration]] = [
    ("a new table with indexes and constraints", sample(
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
    ("a text without a limit", sample(migrations.AlterField("post", "document", models.TextField()))),
    ("one more choice", sample(
        migrations.AlterField("reaction", "kind", models.CharField(max_length=10, choices=[("sad", "Sad")]))
    )),
    ("null allowed", sample(migrations.AlterField("post", "text", models.TextField(null=True)))),
    ("a reference without an index", sample(migrations.AddField(
        "post", "editor", models.ForeignKey("users.User", models.CASCADE, null=True, db_index=False)
    ))),
    ("an index built concurrently", sample(migration_operations.AddIndexConcurrently("post", INDEX), atomic=False)),
    ("an index dropped concurrently", sample(
        migration_operations.RemoveIndexConcurrently("post", "feed_post_of_author"), atomic=False
    )),
    ("a unique constraint", sample(migration_operations.AddUniqueConcurrently("post", unique("created_at")),
    atomic=False)), ("a unique index", sample(
        migration_operations.AddUniqueConcurrently("tag", models.UniqueConstraint(Lower("name"), name="lower")),
    atomic=False )),
    ("a constraint for new rows", sample(migration_operations.AddConstraintNotValid(*check()))),
    ("a constraint for old rows", sample(migration_operations.ValidateConstraint("post", "feed_post_has_audience"))),
    ("rows in batches", sample(migrations.RunPython(fill, migrations.RunPython.noop), atomic=False)),
    ("a constraint removed", sample(migrations.RemoveConstraint("post", "feed_post_has_audience"))),
    ("a column removed from the models", sample(migrations.SeparateDatabaseAndState(
        [RAW('ALTER TABLE "feed_post" ALTER COLUMN "document_name" SET DEFAULT \'\'', NOOP)],
        [migrations.RemoveField("post", "document_name")],
    ))),
    ("a foreign key removed from the models", sample(migrations.SeparateDatabaseAndState(
        [RAW("ALTER TABLE feed_post DROP CONSTRAINT feed_post_original_id_fk", NOOP)],
        [migrations.RemoveField("post", "original")],
    ))),
    ("a column dropped that no model has", sample(RAW("ALTER TABLE feed_post DROP COLUMN forgotten", NOOP))),
    ("a table dropped that no model has", sample(RAW("DROP TABLE feed_forgotten", NOOP))),
]  # fmt: skip


def test_what_breaks_a_rule_is_refused_with_its_hint() -> None:
    with all_cases() as case:
        for rule, migration in BAD:
            with case(f"{rule}: {migration.operations}"):
                violations = {found.rule: found for found in find_violations_after_ours(migration)}
                assert rule in violations
                assert HINTS[rule] in str(violations[rule])
                operation = violations[rule].operation
                assert operation is None or type(operation).__name__ in str(violations[rule])


def test_what_a_hint_proposes_is_accepted() -> None:
    with all_cases() as case:
        for description, migration in GOOD:
            with case(description):
                assert [str(found) for found in find_violations_after_ours(migration)] == []


def test_every_rule_has_a_sample() -> None:
    assert {rule for rule, _ in BAD} == set(HINTS)


def test_every_rule_is_documented() -> None:
    page = (ROOT / "docs" / "WRITING_MIGRATIONS.md").read_text()
    assert [rule for rule in HINTS if f"| `{rule}` |" not in page] == []


def load_with_sample(*operations: Operation) -> MigrationLoader:
    """Load our migrations, and a sample after the last one of feed."""
    loader = MigrationLoader(None)
    migration, key = sample(*operations), ("feed", NAME)
    loader.graph.add_node(key, migration)
    loader.graph.add_dependency(migration, key, ("feed", "0004_top_comments_index"))
    return loader


RENAME = migrations.RenameField("post", "text", "words")
RELEASED = [".".join(leaf) for leaf in MigrationLoader(None).graph.leaf_nodes()]


def test_our_own_migrations_keep_the_rules() -> None:
    assert lint_migrations(load_migrations(), LinterSettings.load()) == []


def test_the_message_names_migration_operation_and_hint() -> None:
    [line] = lint_migrations(load_with_sample(RENAME), LinterSettings(RELEASED, {}))
    assert line.splitlines() == [
        "feed.0099_sample",
        "   RenameField: Rename field text on post to words (feed_post)",
        f"      rename: {HINTS['rename']}",
    ]


def test_released_migrations_are_not_checked() -> None:
    released = [name for name in RELEASED if not name.startswith("feed.")] + [f"feed.{NAME}"]
    assert lint_migrations(load_with_sample(RENAME), LinterSettings(released, {})) == []


def test_the_rules_do_not_concern_a_table_that_was_never_released() -> None:
    others = [name for name in RELEASED if not name.startswith(("feed.", "notifications."))]
    assert lint_migrations(load_with_sample(RENAME), LinterSettings(others, {})) == []


def test_an_exception_is_reported_when_it_is_not_needed() -> None:
    allowed = {f"feed.{NAME}": {"rename": "the servers are stopped for this one"}}
    assert lint_migrations(load_with_sample(RENAME), LinterSettings(RELEASED, allowed)) == []
    [line] = lint_migrations(load_with_sample(), LinterSettings(RELEASED, allowed))
    assert "allows rename, which it does not break" in line


def test_an_exception_allows_all_violations_of_its_rule() -> None:
    allowed = {f"feed.{NAME}": {"rename": "the servers are stopped for this one"}}
    loader = load_with_sample(RENAME, migrations.RenameField("comment", "text", "words"))
    for exceptions, renames in (({}, 2), (allowed, 0)):
        messages = lint_migrations(loader, LinterSettings(RELEASED, exceptions))
        assert sum(" rename: " in message for message in messages) == renames


def test_a_released_migration_must_exist() -> None:
    [line] = lint_migrations(load_migrations(), LinterSettings([*RELEASED, "feed.0042_gone"], {}))
    assert line.startswith("feed.0042_gone")


def load_example() -> Iterator[tuple[str, list[Migration]]]:
    """Yield the versions of the documented example with their migrations."""
    for number, release in load_releases().items():
        found = []
        for path, code in release.migrations.items():
            namespace: dict[str, Any] = {}
            exec(compile(code, path, "exec"), namespace)  # noqa: S102 -- our own documentation
            found.append(namespace["Migration"](Path(path).stem, "feed"))
        yield number, found


def test_the_documented_example_keeps_the_rules() -> None:
    state, messages = current_state().clone(), {}
    for number, found in load_example():
        released = extract_schema(state)
        for migration in found:
            compiled = [*compile_operations(migration, state)]
            violations = find_violations(compiled, released, atomic=migration.atomic)
            messages[f"{number} {migration.name}"] = list(map(str, violations))
    assert list(messages) == [
        "0.2 0005_post_file_name",
        "0.2 0006_post_by_date",
        "0.3 0007_fill_file_name",
        "0.4 0008_forget_document_name",
        "0.5 0009_drop_document_name",
    ]
    assert {name: lines for name, lines in messages.items() if lines} == {}


def test_the_documented_example_in_one_version_is_refused() -> None:
    state = current_state().clone()
    rules = [
        violation.rule
        for _, found in load_example()
        for migration in found
        for violation in find_violations(
            [*compile_operations(migration, state)], current_schema(), atomic=migration.atomic
        )
    ]
    assert rules == ["drop"]


@pytest.mark.django_db(transaction=True)
def test_the_documented_example_runs_forwards_and_backwards() -> None:
    def columns() -> set[str]:
        with connection.cursor() as cursor:
            described = connection.introspection.get_table_description(cursor, "feed_post")
        return {column.name for column in described} & {"document_name", "file_name"}

    state, undo = current_state().clone(), []
    for migration in [migration for _, found in load_example() for migration in found]:
        undo.append((migration, state.clone()))
        with connection.schema_editor(atomic=migration.atomic) as editor:
            state = migration.apply(state, editor)
    assert columns() == {"file_name"}
    for migration, before in reversed(undo):
        with connection.schema_editor(atomic=migration.atomic) as editor:
            migration.unapply(before, editor)
    assert columns() == {"document_name"}
