"""Imports an export into an empty PostgreSQL (docs/DATABASE_MIGRATION.md)."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.transfer.exports import ExportFolder
from operations.transfer.imports import import_export
from operations.transfer.problems import TransferRefused
from operations.transfer.tables import all_tables


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Bring an export of export_data into the PostgreSQL of DATABASE_URL, which `migrate` has prepared and which is "
        "empty. It is there whole or not at all; run again, it says that it is there."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="the export")
        parser.add_argument("--quiet", action="store_true", help="no progress")

    def handle(self, *args: Any, **options: Any) -> None:
        progress = (lambda _words: None) if options["quiet"] else self.stderr.write
        try:
            folder = ExportFolder(options["folder"], all_tables())
            outcome = import_export(folder, progress=progress)
        except TransferRefused as refused:
            raise CommandError(str(refused)) from refused
        if outcome.was_there:
            self.stdout.write(
                f"Already complete: the target holds exactly this export ({outcome.rows:,} rows)."
            )
        else:
            self.stdout.write(f"Imported {outcome.rows:,} rows.")
        if folder.media_folder is None:
            self.stdout.write(
                "The export lists its files and does not hold them: copy the media folder yourself."
            )
        else:
            self.stdout.write(
                f"Stored {outcome.files} files; those that were there already were left as they are."
            )
