"""Whether the target holds what the source holds: migrations, rows, sequences, foreign keys, files. Only reads."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import psycopg2
from django.core.files.storage import Storage, default_storage

from . import manifest
from .comparison import MAX_NAMED_ROWS, TableComparison, compare_rows
from .media import MEDIA, find_file_problem
from .problems import Problem, TransferRefused
from .progress import Progress
from .rows import Migration, Source
from .schema import Schema, compare_schemas, load_description
from .tables import Table
from .target import Target, first_line


@dataclass
class Findings:
    """What a verification found. `differences` names them, `unnamed` counts rows and files that were not named;
    `notes` are no differences."""

    tables: list[TableComparison] = field(default_factory=list)
    differences: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    sequences: int = 0
    references: int = 0

    @property
    def same(self) -> bool:
        return not self.differences

    @property
    def compared(self) -> str:
        """How much was compared, for people."""
        rows = sum(table.source.rows for table in self.tables)
        return (
            f"{rows:,} rows of {len(self.tables)} tables, {self.sequences} sequences, "
            f"{self.references} foreign keys, {self.files:,} files"
        )


class Verification:
    """Compares an origin with the target of the settings. At most `named` rows of a table are named."""

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
        self.findings = Findings()

    def compare_all(self) -> Findings:
        """All checks. Raises TransferRefused when one side cannot be read."""
        try:
            others = manifest.compare_migrations(
                self._source.migrations, self._target.migrations, "the source", "the target"
            )
            if others:
                self.findings.differences += others
                self.findings.notes.append(
                    "Rows were not compared: the tables are those of different versions."
                )
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
        """Columns, constraints, indexes, triggers and sequences are those that the migrations make."""
        parts = self._target.read_schema()
        if parts is None:
            return
        expected = load_description()
        if (
            not expected.migrations
            <= self._target.migrations
            <= expected.migrations | self._foreign(expected)
        ):
            self.findings.notes.append(
                "Constraints and indexes were not compared: their description is of other migrations."
            )
            return
        self.findings.differences += compare_schemas(expected.parts, parts)

    def _foreign(self, expected: Schema) -> set[Migration]:
        """Migrations of apps that are none of ours: their tables are not compared."""
        ours = {app for app, _ in expected.migrations}
        return {(app, name) for app, name in self._target.migrations if app not in ours}

    def compare_tables(self) -> None:
        """Counts and rows."""
        shown = Progress(
            self._progress, "verification", sum(map(self._source.count_rows, self._source.tables))
        )
        for table in self._source.tables:
            rows = shown.count_rows(self._source.read_rows(table), table.label)
            found = compare_rows(table, rows, self._target.read_rows(table), self._max_named)
            self.findings.tables.append(found)
            self.findings.differences += found.problems
            if found.differing > self._max_named:
                more = found.differing - self._max_named
                self.findings.differences.append(Problem(table.label, "", "", f"{more} more rows differ"))
        shown.finish()

    def compare_sequence(self, table: Table) -> None:
        """The next id must be free; better still, it was never given out before."""
        sequence = self._target.sequence_of(table)
        if table.auto_id is None:
            return
        self.findings.sequences += 1
        name = table.auto_id.name
        if sequence is None:
            self.findings.differences.append(Problem(table.label, "", name, "has no sequence in the target"))
            return
        coming, highest = self._target.next_id(sequence), self._target.highest_id(table)
        given_out = self._source.last_issued_id(table)
        if coming <= highest:
            what = f"the sequence is behind: it would give out {coming}, and {highest} is taken"
            self.findings.differences.append(Problem(table.label, "", name, what))
        elif coming <= given_out:
            self.findings.notes.append(
                f"{table.label}: ids from {coming} to {given_out} belonged to rows that were deleted, "
                "and will be given out again."
            )

    def check_references(self, table: Table) -> None:
        """Foreign keys are there, were checked, and hold."""
        self.findings.references += len(table.references)
        self.findings.differences += self._target.invalid_references(table)

    def compare_files(self) -> None:
        """Every file of the source is in the target's storage, with the same content."""
        shown = Progress(self._progress, "files", 0, "bytes")
        wrong = 0
        for file in self._source.list_files():
            trouble = find_file_problem(file, self._storage)
            self.findings.files += 1
            shown.add_units(file.size, file.name)
            wrong += bool(trouble)
            if trouble and wrong <= self._max_named:
                self.findings.differences.append(Problem(MEDIA, file.name, "", trouble))
        if wrong > self._max_named:
            self.findings.differences.append(
                Problem(MEDIA, "", "", f"{wrong - self._max_named} more files differ")
            )


def verify_target(
    source: Source, *, max_named: int = MAX_NAMED_ROWS, progress: Callable[[str], None] = lambda _words: None
) -> Findings:
    """Compare `origin` with the database and the storage of the settings; see Verification."""
    with closing(Target(source.tables, read_only=True)) as target:
        return Verification(source, target, max_named=max_named, progress=progress).compare_all()
