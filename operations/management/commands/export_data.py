"""Exports the network of a SQLite installation into a folder (docs/DATABASE_MIGRATION.md)."""

from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.management.options import take_missing_files
from operations.transfer.exports import Exported, export
from operations.transfer.media import named_folder
from operations.transfer.problems import TransferRefused
from operations.transfer.source import SqliteSource
from operations.transfer.tables import LEFT_OUT, all_tables

# It was made, and more uploads are missing than the operator knows of.
FILES_MISSING = 3


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Export a SQLite installation, uploaded files included, into a folder that import_data reads. "
        "The source is opened read-only, and the site may run meanwhile. "
        "Exit code 0: exported; 1: refused, nothing was exported; 3: exported, and files that rows name were not "
        "there: they are named."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "folder", type=Path, help="where the export goes; an older export there is replaced"
        )
        parser.add_argument(
            "--source", type=Path, metavar="FILE", help="the SQLite file (default: of the settings)"
        )
        parser.add_argument("--media", type=Path, metavar="FOLDER", help="the uploads (default: MEDIA_ROOT)")
        parser.add_argument(
            "--without-media-files", action="store_true", help="list the uploads with their hashes, copy none"
        )
        take_missing_files(parser)
        parser.add_argument("--quiet", action="store_true", help="no progress")

    def handle(self, *args: Any, **options: Any) -> None:
        say = (lambda _words: None) if options["quiet"] else self.stderr.write
        try:
            path = options["source"] or source_of_the_settings()
            media = named_folder(options["media"], Path(settings.MEDIA_ROOT))
            with closing(SqliteSource(path, media, all_tables())) as source:
                made = export(
                    source,
                    options["folder"],
                    copy_media=not options["without_media_files"],
                    missing_allowed=options["missing_files"],
                    progress=say,
                    note=lambda words: self.stderr.write(f"Note: {words}"),
                )
        except TransferRefused as refused:
            raise CommandError(f"{refused}\nNothing was exported.") from refused
        self._tell(made, options["missing_files"])

    def _tell(self, made: Exported, missing_allowed: int) -> None:
        told = made.manifest
        files = f"{told.media.files} files ({'copied' if told.media.copied else 'listed'})"
        self.stdout.write(f"Exported {told.rows:,} rows of {len(told.tables)} tables and {files}.")
        self.stdout.write(f"Left out: {', '.join(LEFT_OUT)}.")
        if made.missing.rows > missing_allowed:
            raise CommandError(
                f"The export was made, but {made.missing.rows:,} rows name files that are not in the media folder, "
                "and so they are not in the export either.",
                returncode=FILES_MISSING,
            )


def source_of_the_settings() -> Path:
    """The SQLite file of the settings. Raises TransferRefused when they name another kind of database."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        raise TransferRefused("The settings do not name a SQLite database; say which one: --source FILE.")
    return Path(database["NAME"])
