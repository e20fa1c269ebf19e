"""Compares a SQLite installation, or an export of one, with the PostgreSQL of DATABASE_URL."""

from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from professional_network.transfer.comparison import NAMED
from professional_network.transfer.exports import ExportFolder
from professional_network.transfer.faults import TransferRefused
from professional_network.transfer.source import SqliteSource
from professional_network.transfer.tables import all_tables
from professional_network.transfer.verification import Findings, verify

DIFFERENT = 1
NOT_COMPARED = 2


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Compare the source (a SQLite file, or a folder of export_data) with the PostgreSQL of DATABASE_URL: "
        "migrations, every row of every table, sequences, foreign keys, files. Nothing is written. "
        "Exit code 0: the same; 1: differences, listed; 2: could not be compared."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=Path, help="the SQLite file, or the folder of an export")
        parser.add_argument(
            "--media", type=Path, metavar="FOLDER", help="the uploads of a SQLite file (default: MEDIA_ROOT)"
        )
        parser.add_argument(
            "--rows", type=int, default=NAMED, metavar="N", help=f"rows to name per table (default: {NAMED})"
        )
        parser.add_argument("--quiet", action="store_true", help="no progress")

    def handle(self, *args: Any, **options: Any) -> None:
        say = (lambda _words: None) if options["quiet"] else self.stderr.write
        try:
            findings = self._compare(options["source"], options["media"], named=options["rows"], progress=say)
        except TransferRefused as refused:
            raise CommandError(f"Could not be compared. {refused}", returncode=NOT_COMPARED) from refused
        self._tell(findings)

    def _compare(self, path: Path, media: Path | None, **options: Any) -> Findings:
        if path.is_dir():
            folder = ExportFolder(path, all_tables())
            folder.check_tables()
            return verify(folder, **options)
        with closing(SqliteSource(path, media or Path(settings.MEDIA_ROOT), all_tables())) as source:
            source.check_tables()
            return verify(source, **options)

    def _tell(self, findings: Findings) -> None:
        if findings.tables:
            self.stdout.write(f"{'table':36} {'source':>12} {'target':>12}")
        for table in findings.tables:
            verdict = f"hash {table.source.text[:16]}" if table.same else f"{table.differing} rows differ"
            self.stdout.write(
                f"{table.table.label:36} {table.source.rows:>12,} {table.target.rows:>12,}  {verdict}"
            )
        for note in findings.notes:
            self.stdout.write(f"Note: {note}")
        for difference in findings.differences:
            self.stdout.write(f"Different: {difference}")
        if not findings.same:
            raise CommandError(
                f"The target differs from the source (compared: {findings.compared}).", returncode=DIFFERENT
            )
        self.stdout.write(f"The same: {findings.compared}.")
