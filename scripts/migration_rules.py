"""What a migration may not do while visitors are there, and what to write instead.

Pure functions over the operations of one migration and the statements that each makes on PostgreSQL. A table or column
is "in use" when the code of the last released version knows it: that code runs while the migration does, and for some
time afterwards. docs/WRITING_MIGRATIONS.md has the same table in prose.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.migrations import RunPython, RunSQL, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

HINTS = {
    "rename": "the old code knows the old name: add the new one, write both, move over (three versions)",
    "drop": "the old code still reads and writes it: take it out of the models first (SeparateDatabaseAndState with "
    "state_operations), and drop it in the next version",
    "type": "every row is rewritten under a lock: add a column of the new type, write both, move over",
    "not-null": "the old code writes rows without it: give it a db_default; for a column that is there use "
    "migration_operations.AddConstraintNotValid with IS NOT NULL, then ValidateConstraint",
    "default": "a default of Python's is gone from the database at once, and the old code writes rows without it: "
    "use db_default",
    "rewrite": "every row is rewritten under a lock: add the column empty, fill it in batches "
    "(migration_operations.in_batches)",
    "unique": "nobody can write while its index is built: migration_operations.AddUniqueConcurrently",
    "index": "nobody can write while it is built or dropped: migration_operations.AddIndexConcurrently or "
    "RemoveIndexConcurrently; for a foreign key db_index=False and an index in Meta",
    "constraint": "all rows are looked at under a lock: migration_operations.AddConstraintNotValid, then "
    "ValidateConstraint in a separate migration (a positive number: an integer with such a constraint)",
    "validate": "it looks at all rows, and the locks of the other operations stay until the end: put it into a "
    "separate migration",
    "concurrently": "PostgreSQL refuses it inside a transaction: set atomic = False",
    "alone": "when the second fails, the first is done and not written down: without a transaction, one operation "
    "for each migration",
    "many-tables": "while it waits for the second table, visitors wait for the first: one migration for each table",
    "data": "its locks on rows stay until the end: set atomic = False and walk with migration_operations.in_batches",
    "data-and-schema": "the table stays locked while rows are changed: a migration for the data, another for the table",
    "no-way-back": "give it a way back (reverse_code, reverse_sql), or noop when nothing is to be undone",
    "forgets-not-null": "the new code writes rows without it, and the database refuses them: let it be null or have a "
    "default in the database first (RunSQL beside the state_operations)",
    "forgets-reference": "the new code deletes what it refers to, and the database refuses: drop its constraint, too "
    "(RunSQL beside the state_operations)",
}


@dataclass(frozen=True)
class Column:
    """A column as a model has it."""

    table: str
    name: str
    can_be_left_out: bool = True
    refers: bool = False


@dataclass
class Step:
    """One operation, the statements it makes, and the columns that it makes the models forget."""

    operation: Operation
    statements: list[str] = field(default_factory=list)
    lost: list[Column] = field(default_factory=list)
    widens: bool = False
    """It changes the type of a column to one that holds everything the old one did, without touching a row."""


@dataclass(frozen=True)
class InUse:
    """The tables and columns that the released code knows."""

    tables: frozenset[str] = frozenset()
    columns: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Fault:
    """A rule, and the operation that breaks it; None when it is the migration as a whole."""

    rule: str
    operation: Operation | None
    where: str = ""

    def __str__(self) -> str:
        what = " ".join(self.operation.describe().split()) if self.operation else "the migration"
        kind = f"{type(self.operation).__name__}: " if self.operation else ""
        return (
            f"{kind}{what}{f' ({self.where})' if self.where else ''}\n      {self.rule}: {HINTS[self.rule]}"
        )


_TABLE = r"(?:IF (?:NOT )?EXISTS )?(?:ONLY )?(?:\w+\.)?(?P<table>\w+)"
_ALTER = rf"^ALTER TABLE {_TABLE}\b"
_VOLATILE = r"(?:gen_random_uuid|uuid_generate_\w+|random|clock_timestamp|timeofday|nextval)\b"

# Rule → what a statement on a table in use may not look like (names without quotes, spaces single).
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
# Those that name no table; what they touch is in use unless the same migration made it.
_DROP_INDEX = re.compile(
    r"^(?:DROP INDEX (?!CONCURRENTLY\b)|REINDEX (?:\(.*\) )?INDEX (?!CONCURRENTLY\b))", re.IGNORECASE
)
_DROP_COLUMN = re.compile(
    rf"{_ALTER}.* DROP (?:COLUMN )?(?:IF EXISTS )?(?!CONSTRAINT\b|COLUMN\b)(?P<column>\w+)", re.IGNORECASE
)
_DROP_TABLE = re.compile(rf"^DROP TABLE {_TABLE}\b", re.IGNORECASE)
_DATA = re.compile(r"^(?:UPDATE|DELETE|INSERT|MERGE|TRUNCATE|COPY|WITH|DO|CALL)\b", re.IGNORECASE)
_RULES = [(rule, re.compile(pattern, re.IGNORECASE)) for rule, pattern in _PATTERNS]


def plain(statement: str) -> str:
    """A statement without comments, quotes of names, and needless spaces."""
    without_comments = re.sub(r"--[^\n]*|/\*.*?\*/", " ", statement, flags=re.DOTALL)
    return " ".join(without_comments.replace('"', "").split()).rstrip("; ")


def parts(operation: Operation) -> Iterator[Operation]:
    """The operation, or those in it that touch the database."""
    if isinstance(operation, SeparateDatabaseAndState):
        for inner in operation.database_operations:
            yield from parts(inner)
    else:
        yield operation


def faults_of(steps: list[Step], in_use: InUse, *, atomic: bool) -> list[Fault]:
    """Every rule that the migration breaks."""
    found: dict[tuple[str, int, str], Fault] = {}
    for step in steps:
        for rule, where in [
            *_of_statements(step, in_use),
            *_of_losses(step, in_use),
            *_without_way_back(step),
        ]:
            found.setdefault((rule, id(step), where), Fault(rule, step.operation, where))
    return [*found.values(), *_of_the_whole(steps, in_use, atomic=atomic)]


def _of_statements(step: Step, in_use: InUse) -> Iterator[tuple[str, str]]:
    for statement in step.statements:
        for rule, pattern in _RULES:
            match = pattern.search(statement)
            if match and match["table"] in in_use.tables and not (rule == "type" and step.widens):
                yield rule, match["table"]
        if _DROP_INDEX.search(statement):
            yield "index", ""
        if (match := _DROP_TABLE.search(statement)) and match["table"] in in_use.tables:
            yield "drop", match["table"]
        if (match := _DROP_COLUMN.search(statement)) and (match["table"], match["column"]) in in_use.columns:
            yield "drop", f"{match['table']}.{match['column']}"


def _of_losses(step: Step, in_use: InUse) -> Iterator[tuple[str, str]]:
    """Columns that the models forget while the database keeps them."""
    said = " ".join(step.statements)
    for column in step.lost:
        name = f"{column.table}.{column.name}"
        is_dropped = re.search(
            rf"DROP COLUMN (?:IF EXISTS )?{column.name}\b|DROP TABLE (?:IF EXISTS )?{column.table}\b", said
        )
        if (column.table, column.name) not in in_use.columns or is_dropped:
            continue
        is_freed = re.search(rf"\b{column.name} (?:DROP NOT NULL|SET DEFAULT)\b", said, re.IGNORECASE)
        if not column.can_be_left_out and not is_freed:
            yield "forgets-not-null", name
        if column.refers and "DROP CONSTRAINT" not in said.upper():
            yield "forgets-reference", name


def _is_data(operation: Operation) -> bool:
    return isinstance(operation, RunPython) or not operation.reduces_to_sql


def _without_way_back(step: Step) -> Iterator[tuple[str, str]]:
    for operation in parts(step.operation):
        if isinstance(operation, RunPython | RunSQL) and not operation.reversible:
            yield "no-way-back", ""


def _changes_data(step: Step) -> bool:
    return any(map(_is_data, parts(step.operation))) or any(map(_DATA.search, step.statements))


def _changes_tables(step: Step) -> bool:
    ours = [statement for statement in step.statements if not re.match(r"(?:SET|RESET|SELECT)\b", statement)]
    return any(not _DATA.search(statement) for statement in ours)


def _of_the_whole(steps: list[Step], in_use: InUse, *, atomic: bool) -> Iterator[Fault]:
    at_work = [step for step in steps if _changes_data(step) or _changes_tables(step)]
    changing = next(filter(_changes_data, steps), None)
    if changing and any(map(_changes_tables, steps)):
        yield Fault("data-and-schema", changing.operation)
    for step in steps:
        if len(at_work) > 1 and _says(step, "VALIDATE CONSTRAINT"):
            yield Fault("validate", step.operation)
        if atomic and _says(step, "CONCURRENTLY"):
            yield Fault("concurrently", step.operation)
    if atomic and changing:
        yield Fault("data", changing.operation)
    if not atomic and sum(len([*parts(step.operation)]) for step in at_work) > 1:
        yield Fault("alone", None)
    if atomic and len(tables := _altered(steps) & in_use.tables) > 1:
        yield Fault("many-tables", None, ", ".join(sorted(tables)))


def _says(step: Step, words: str) -> bool:
    return any(words in statement.upper() for statement in step.statements)


def _altered(steps: list[Step]) -> set[str]:
    statements = [statement for step in steps for statement in step.statements]
    matches = (re.match(_ALTER, statement, re.IGNORECASE) for statement in statements)
    return {match["table"] for match in matches if match}
