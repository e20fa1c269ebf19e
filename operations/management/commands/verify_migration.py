"""Compares a SQLite installation, or an export of one, with the PostgreSQL of DATABASE_URL."""

from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.management.options import add_missing_files_option
from operations.transfer.comparison import MAX_NAMED_ROWS
from operations.transfer.exports import ExportFolder
from operations.transfer.files.media import choose_media_folder, file_size, is_storage_folder, names_below
from operations.transfer.files.uploads import ReferencedFiles
from operations.transfer.problems import TransferRefused
from operations.transfer.source import SqliteSource
from operations.transfer.tables import all_tables
from operations.transfer.verification import VerificationResult, verify_target

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
        add_missing_files_option(parser)
        parser.add_argument(
            "--rows",
            type=int,
            default=MAX_NAMED_ROWS,
            metavar="N",
            help=f"rows to name per table (default: {MAX_NAMED_ROWS})",
        )
        parser.add_argument("--quiet", action="store_true", help="no progress")

    def handle(self, *args: Any, **options: Any) -> None:
        progress = (lambda _words: None) if options["quiet"] else self.stderr.write
        try:
            root = choose_media_folder(options["media"], Path(settings.MEDIA_ROOT))
            findings = self._compare(
                options["source"],
                root,
                options["missing_files"],
                max_named=options["rows"],
                progress=progress,
            )
        except TransferRefused as refused:
            raise CommandError(f"Could not be compared. {refused}", returncode=NOT_COMPARED) from refused
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
        if not findings.is_same:
            raise CommandError(
                f"The target differs from the source (compared: {findings.summary}).", returncode=DIFFERENT
            )
        self.stdout.write(f"The same: {findings.summary}.")

    def _compare(self, path: Path, root: Path, missing_allowed: int, **options: Any) -> VerificationResult:
        if path.is_dir():
            folder = ExportFolder(path, all_tables())
            folder.check_tables()
            return verify_target(folder, **options)
        with closing(SqliteSource(path, root, all_tables())) as source:
            source.check_tables()
            files = {name: file_size(root / name) for name in names_below(root)}
            with closing(ReferencedFiles(source)) as referenced:
                missing = referenced.check_files(
                    files, source.reopen, location=str(root), allowed=missing_allowed
                )
            findings = verify_target(source, **options)
        if is_storage_folder(default_storage, root):
            findings.notes.append(
                f"The files were compared with themselves: {root} is the target's storage. "
                "Where the source has another folder, name it: --media FOLDER."
            )
            if missing.rows > missing_allowed:
                # The source may have had them: a folder that is both cannot show it.
                findings.differences += missing.problems
                return findings
        missing.write_notes(findings.notes.append)
        return findings
