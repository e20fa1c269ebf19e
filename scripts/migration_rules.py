"""Rules for migrations that run while the previous version still serves requests, with a hint for each rule.

The functions check the operations of one migration and the SQL that each generates on PostgreSQL; they need no
database. A table or column is "in use" when the models of the last release have it: that code runs during the migration
and for some time afterwards. docs/WRITING_MIGRATIONS.md has the same rules in a table.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.migrations import RunPython, RunSQL, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

# Rule → what is wrong, and what to write instead.
HINTS = {
    "rename": "the old code uses the old name: add the new one, write both, then read the new one (three versions)",
    "drop": "the old code still reads and writes it: remove it from the models first (SeparateDatabaseAndState with "
    "state_operations), and drop it in the next version",
    "type": "every row is rewritten under a lock: add a column of the new type, write both, then read the new one",
    "not-null": "the old code inserts rows without it: give it a db_default; for an existing column use "
    "migration_operations.AddConstraintNotValid with IS NOT NULL, then ValidateConstraint",
    "default": "Django removes a Python default from the database at once, and the old code inserts rows without it: "
    "use db_default",
    "rewrite": "every row is rewritten under a lock: add the column empty, fill it in batches "
    "(migration_operations.in_batches)",
    "unique": "writes wait while its index is built: migration_operations.AddUniqueConcurrently",
    "index": "writes wait while it is built or dropped: migration_operations.AddIndexConcurrently or "
    "RemoveIndexConcurrently; for a foreign key db_index=False and an index in Meta",
    "constraint": "all rows are checked under a lock: migration_operations.AddConstraintNotValid, then "
    "ValidateConstraint in a separate migration (a positive number: an integer with such a constraint)",
    "validate": "it checks all rows, and the locks of the other operations are held until the end: put it into a "
    "separate migration",
    "concurrently": "PostgreSQL refuses it inside a transaction: set atomic = False",
    "several-operations": "when the second fails, the first is done but not recorded: without a transaction, one "
    "operation for each migration",
    "several-tables": "while it waits for the second table, requests wait for the first: one migration for each table",
    "data": "its row locks are held until the end: set atomic = False and use migration_operations.in_batches",
    "data-and-schema": "the table stays locked while rows are changed: a migration for the data, another for the table",
    "irreversible": "make it reversible (reverse_code, reverse_sql), with noop when nothing has to be undone",
    "removed-not-null": "the new code inserts rows without it, and the database refuses them: first allow null or set "
    "a default in the database (RunSQL beside the state_operations)",
    "removed-foreign-key": "the new code deletes rows that it refers to, and the database refuses: drop its "
    "constraint, too (RunSQL beside the state_operations)",
}


@dataclass(frozen=True)
class Column:
    """A column of a model's table."""

    table: str
    name: str
    is_optional: bool = True
    """Rows can be inserted without it: it is nullable, generated or has a default in the database."""
    is_foreign_key: bool = False


@dataclass
class CompiledOperation:
    """An operation of a migration with its SQL statements."""

    operation: Operation
    statements: list[str] = field(default_factory=list)
    removed_columns: list[Column] = field(default_factory=list)
    """Columns that the operation removes from the models while the database keeps them."""
    extends_varchar: bool = False
    """It only allows longer texts in a column, which PostgreSQL does without a rewrite."""


@dataclass(frozen=True)
class ReleasedSchema:
    """The tables and columns of the last release."""

    tables: frozenset[str] = frozenset()
    columns: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Violation:
    """A rule, and the operation that breaks it; None when it is the migration as a whole."""

    rule: str
    operation: Operation | None
    subject: str = ""
    """The table or column."""

    def __str__(self) -> str:
        if self.operation:
            kind, what = f"{type(self.operation).__name__}: ", " ".join(self.operation.describe().split())
        else:
            kind, what = "", "the migration"
        subject = f" ({self.subject})" if self.subject else ""
        return f"{kind}{what}{subject}\n      {self.rule}: {HINTS[self.rule]}"


_TABLE = r"(?:IF (?:NOT )?EXISTS )?(?:ONLY )?(?:\w+\.)?(?P<table>\w+)"
_ALTER = rf"^ALTER TABLE {_TABLE}\b"
_VOLATILE = r"(?:gen_random_uuid|uuid_generate_\w+|random|clock_timestamp|timeofday|nextval)\b"

# Rule → pattern of the normalized statements that it forbids on a table in use.
_PATTERNS: list[tuple[str, str]] = [
    ("rename", rf"{_ALTER} RENAME (?!CONSTRAINT\b)"),
    ("type", rf"{_ALTER}.* ALTER (?:COLUMN )?\w+ (?:SET DATA )?TYPE\b"),
    ("not-null", rf"{_ALTER}.* SET NOT NULL\b"),
    ("not-null", rf"{_ALTER} ADD (?:COLUMN )?(?!.*\bDEFAULT\b)(?!.*\bGENERATED\b)\w+ .*(?<!IS )\bNOT NULL\b"),
    ("default", rf"{_ALTER}.* ALTER (?:COLUMN )?\w+ DROP DEFAULT\b"),
    (
        "rewrite",
        rf"{_ALTER} ADD (?:COLUMN )?\w+ .*\b(?:GENERATED\b|(?:big|small)?serial\b|DEFAULT .*{_VOLATILE})",
    ),
    ("rewrite", rf"{_ALTER} SET (?:LOGGED|UNLOGGED|TABLESPACE|ACCESS METHOD)\b"),
    ("rewrite", rf"^(?:CLUSTER|VACUUM FULL) {_TABLE}\b"),
    ("unique", rf"{_ALTER}.* ADD (?!.*\bUSING INDEX\b).*\b(?:UNIQUE|PRIMARY KEY|EXCLUDE)\b"),
    ("unique", rf"^CREATE UNIQUE INDEX (?!CONCURRENTLY\b).*? ?ON {_TABLE}\b"),
    ("index", rf"^CREATE INDEX (?!CONCURRENTLY\b).*? ?ON {_TABLE}\b"),
    ("index", rf"^REINDEX (?:\(.*\) )?TABLE (?!CONCURRENTLY\b){_TABLE}\b"),
    ("constraint", rf"{_ALTER}.* ADD (?:COLUMN \w+ .*|CONSTRAINT \w+ )?CHECK\b(?!.*\bNOT VALID\b)"),
    ("constraint", rf"{_ALTER}.* ADD (?:CONSTRAINT \w+ )?FOREIGN KEY\b(?!.*\bNOT VALID\b)"),
    ("constraint", rf"{_ALTER} ADD COLUMN .*\bDEFAULT (?!NULL\b).*\bREFERENCES\b"),
]
# Statements that name no table: they always count as if their table were in use.
_DROP_INDEX = re.compile(
    r"^(?:DROP INDEX (?!CONCURRENTLY\b)|REINDEX (?:\(.*\) )?INDEX (?!CONCURRENTLY\b))", re.IGNORECASE
)
_DROP_COLUMN = re.compile(
    rf"{_ALTER}.* DROP (?:COLUMN )?(?:IF EXISTS )?(?!CONSTRAINT\b|COLUMN\b)(?P<column>\w+)", re.IGNORECASE
)
_DROP_TABLE = re.compile(rf"^DROP TABLE {_TABLE}\b", re.IGNORECASE)
_DATA = re.compile(r"^(?:UPDATE|DELETE|INSERT|MERGE|TRUNCATE|COPY|WITH|DO|CALL)\b", re.IGNORECASE)
_RULES = [(rule, re.compile(pattern, re.IGNORECASE)) for rule, pattern in _PATTERNS]


def normalize_statement(statement: str) -> str:
    """Return an SQL statement without comments, quotes of names, and superfluous spaces."""
    without_comments = re.sub(r"--[^\n]*|/\*.*?\*/", " ", statement, flags=re.DOTALL)
    return " ".join(without_comments.replace('"', "").split()).rstrip("; ")


def list_database_operations(operation: Operation) -> Iterator[Operation]:
    """Yield the operation, or the database operations inside a SeparateDatabaseAndState."""
    if isinstance(operation, SeparateDatabaseAndState):
        for inner in operation.database_operations:
            yield from list_database_operations(inner)
    else:
        yield operation


def find_violations(
    operations: list[CompiledOperation], released: ReleasedSchema, *, atomic: bool
) -> list[Violation]:
    """Return every rule that the migration breaks."""
    found: dict[tuple[str, int, str], Violation] = {}
    for compiled in operations:
        for rule, subject in [
            *_check_statements(compiled, released),
            *_check_removed_columns(compiled, released),
            *_check_reversible(compiled),
        ]:
            violation = Violation(rule, compiled.operation, subject)
            found.setdefault((rule, id(compiled), subject), violation)
    return [*found.values(), *_check_whole_migration(operations, released, atomic=atomic)]


def _check_statements(compiled: CompiledOperation, released: ReleasedSchema) -> Iterator[tuple[str, str]]:
    for statement in compiled.statements:
        for rule, pattern in _RULES:
            match = pattern.search(statement)
            is_free = rule == "type" and compiled.extends_varchar
            if match and match["table"] in released.tables and not is_free:
                yield rule, match["table"]
        if _DROP_INDEX.search(statement):
            yield "index", ""
        if (match := _DROP_TABLE.search(statement)) and match["table"] in released.tables:
            yield "drop", match["table"]
        if match := _DROP_COLUMN.search(statement):
            table, column = match["table"], match["column"]
            if (table, column) in released.columns:
                yield "drop", f"{table}.{column}"


def _check_removed_columns(
    compiled: CompiledOperation, released: ReleasedSchema
) -> Iterator[tuple[str, str]]:
    sql = " ".join(compiled.statements)
    for column in compiled.removed_columns:
        subject = f"{column.table}.{column.name}"
        is_dropped = re.search(
            rf"DROP COLUMN (?:IF EXISTS )?{column.name}\b|DROP TABLE (?:IF EXISTS )?{column.table}\b", sql
        )
        if (column.table, column.name) not in released.columns or is_dropped:
            continue
        becomes_optional = re.search(rf"\b{column.name} (?:DROP NOT NULL|SET DEFAULT)\b", sql, re.IGNORECASE)
        if not column.is_optional and not becomes_optional:
            yield "removed-not-null", subject
        if column.is_foreign_key and "DROP CONSTRAINT" not in sql.upper():
            yield "removed-foreign-key", subject


def _check_reversible(compiled: CompiledOperation) -> Iterator[tuple[str, str]]:
    for operation in list_database_operations(compiled.operation):
        if isinstance(operation, RunPython | RunSQL) and not operation.reversible:
            yield "irreversible", ""


def _changes_data(compiled: CompiledOperation) -> bool:
    runs_python = any(
        isinstance(operation, RunPython) or not operation.reduces_to_sql
        for operation in list_database_operations(compiled.operation)
    )
    return runs_python or any(map(_DATA.search, compiled.statements))


def _changes_schema(compiled: CompiledOperation) -> bool:
    return any(
        not _DATA.search(statement) and not re.match(r"(?:SET|RESET|SELECT)\b", statement)
        for statement in compiled.statements
    )


def _check_whole_migration(
    operations: list[CompiledOperation], released: ReleasedSchema, *, atomic: bool
) -> Iterator[Violation]:
    effective = [compiled for compiled in operations if _changes_data(compiled) or _changes_schema(compiled)]
    data_change = next(filter(_changes_data, operations), None)
    if data_change and any(map(_changes_schema, operations)):
        yield Violation("data-and-schema", data_change.operation)
    for compiled in operations:
        if len(effective) > 1 and _contains(compiled, "VALIDATE CONSTRAINT"):
            yield Violation("validate", compiled.operation)
        if atomic and _contains(compiled, "CONCURRENTLY"):
            yield Violation("concurrently", compiled.operation)
    if atomic and data_change:
        yield Violation("data", data_change.operation)
    if not atomic and sum(len([*list_database_operations(one.operation)]) for one in effective) > 1:
        yield Violation("several-operations", None)
    if atomic and len(tables := _altered_tables(operations) & released.tables) > 1:
        yield Violation("several-tables", None, ", ".join(sorted(tables)))


def _contains(compiled: CompiledOperation, keywords: str) -> bool:
    return any(keywords in statement.upper() for statement in compiled.statements)


def _altered_tables(operations: list[CompiledOperation]) -> set[str]:
    statements = [statement for compiled in operations for statement in compiled.statements]
    matches = (re.match(_ALTER, statement, re.IGNORECASE) for statement in statements)
    return {match["table"] for match in matches if match}
