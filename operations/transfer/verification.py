"""Compares the target with the source: migrations, rows, sequences, foreign keys, files. Only reads."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import psycopg2
from django.core.files.storage import Storage, default_storage

from . import manifest
from .comparison import MAX_NAMED_ROWS, TableComparison, compare_rows
from .files.media import MEDIA, find_file_problem
from .problems import Problem, TransferRefused
from .progress import Progress
from .rows import Source
from .schema import compare_schemas, load_description
from .tables import Table
from .target import Target, first_line


@dataclass
class VerificationResult:
    """The result of a verification. `notes` do not count as differences."""

    tables: list[TableComparison] = field(default_factory=list)
    differences: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    sequences: int = 0
    references: int = 0

    @property
    def is_same(self) -> bool:
        return not self.differences

    @property
    def summary(self) -> str:
        """How much was compared, for a message."""
        rows = sum(table.source.rows for table in self.tables)
        return (
            f"{rows:,} rows of {len(self.tables)} tables, {self.sequences} sequences, "
            f"{self.references} foreign keys, {self.files:,} files"
        )


class Verification:
    """Compares a source with the target of the settings. Names at most `max_named` rows of a table."""

    def __init__(
        self,
        source: Source,
        target: Target,
        *,
        storage: Storage = default_storage,
        max_named: int = MAX_NAMED_ROWS,
        progress: Callable[[str], None] = lambda _words: None,
    ) -> None:
        self._source = source
        self._target = target
        self._storage = storage
        self._max_named = max_named
        self._progress = progress
        self.findings = VerificationResult()

    def compare_all(self) -> VerificationResult:
        """Run all comparisons. Raises TransferRefused when one side cannot be read."""
        try:
            migration_differences = manifest.compare_migrations(
                self._source.migrations, self._target.migrations, "the source", "the target"
            )
            if migration_differences:
                self.findings.differences += migration_differences
                self.findings.notes.append("Nothing else was compared: the migrations differ.")
                return self.findings
            self.compare_schema()
            self.compare_tables()
            for table in self._source.tables:
                self.compare_sequence(table)
                self.check_references(table)
        except psycopg2.Error as error:
            raise TransferRefused(
                f"{self._target.description} cannot be read: {first_line(error)}"
            ) from error
        self.compare_files()
        return self.findings

    def compare_schema(self) -> None:
        """Compare columns, constraints, indexes, triggers and sequences with those that the migrations create."""
        target_schema = self._target.read_schema()
        if target_schema is None:
            return
        expected = load_description()
        # Migrations of other apps are ignored: their tables are not compared.
        apps = {app for app, _ in expected.migrations}
        if {(app, name) for app, name in self._target.migrations if app in apps} != expected.migrations:
            self.findings.notes.append(
                "Constraints and indexes were not compared: the stored schema belongs to other migrations."
            )
            return
        self.findings.differences += compare_schemas(expected.parts, target_schema)

    def compare_tables(self) -> None:
        """Compare counts and rows."""
        progress = Progress(
            self._progress, "verification", sum(map(self._source.count_rows, self._source.tables))
        )
        for table in self._source.tables:
            rows = progress.track_rows(self._source.read_rows(table), table.label)
            found = compare_rows(table, rows, self._target.read_rows(table), self._max_named)
            self.findings.tables.append(found)
            self.findings.differences += found.problems
            if found.differing > self._max_named:
                more = found.differing - self._max_named
                self.findings.differences.append(Problem(table.label, "", "", f"{more} more rows differ"))
        progress.finish()

    def compare_sequence(self, table: Table) -> None:
        """Check that the next id is free, and note when it was issued before."""
        sequence = self._target.sequence_of(table)
        if table.auto_id is None:
            return
        self.findings.sequences += 1
        name = table.auto_id.name
        if sequence is None:
            self.findings.differences.append(Problem(table.label, "", name, "has no sequence in the target"))
            return
        next_id, highest = self._target.next_id(sequence), self._target.highest_id(table)
        issued = self._source.last_issued_id(table)
        if next_id <= highest:
            description = f"the sequence is behind: the next id is {next_id}, but {highest} already exists"
            self.findings.differences.append(Problem(table.label, "", name, description))
        elif next_id <= issued:
            self.findings.notes.append(
                f"{table.label}: ids from {next_id} to {issued} belonged to rows that were deleted, "
                "and will be reused."
            )

    def check_references(self, table: Table) -> None:
        """Check that foreign keys exist, are validated, and have no violations."""
        self.findings.references += len(table.references)
        self.findings.differences += self._target.invalid_references(table)

    def compare_files(self) -> None:
        """Check that every file of the source is in the target's storage, with the same content."""
        progress = Progress(self._progress, "files", 0, "bytes")
        differing = 0
        for file in self._source.list_files():
            problem = find_file_problem(file, self._storage)
            self.findings.files += 1
            progress.add_units(file.size, file.name)
            differing += bool(problem)
            if problem and differing <= self._max_named:
                self.findings.differences.append(Problem(MEDIA, file.name, "", problem))
        if differing > self._max_named:
            self.findings.differences.append(
                Problem(MEDIA, "", "", f"{differing - self._max_named} more files differ")
            )


def verify_target(
    source: Source, *, max_named: int = MAX_NAMED_ROWS, progress: Callable[[str], None] = lambda _words: None
) -> VerificationResult:
    """Compare `source` with the database and the storage of the settings; see Verification."""
    with closing(Target(source.tables, read_only=True)) as target:
        return Verification(source, target, max_named=max_named, progress=progress).compare_all()
