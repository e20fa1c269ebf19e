"""Exports the network of a SQLite installation into a folder (docs/DATABASE_MIGRATION.md)."""

from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.management.options import add_missing_files_option
from operations.transfer.exports import export_network
from operations.transfer.files.media import choose_media_folder
from operations.transfer.problems import TransferRefused
from operations.transfer.source import SqliteSource
from operations.transfer.tables import LEFT_OUT, all_tables

# Exit code: exported, but more uploads are missing than the operator knows of.
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
        add_missing_files_option(parser)
        parser.add_argument("--quiet", action="store_true", help="no progress")

    def handle(self, *args: Any, **options: Any) -> None:
        progress = (lambda _words: None) if options["quiet"] else self.stderr.write
        try:
            path = options["source"] or find_settings_file()
            media = choose_media_folder(options["media"], Path(settings.MEDIA_ROOT))
            with closing(SqliteSource(path, media, all_tables())) as source:
                result = export_network(
                    source,
                    options["folder"],
                    copy_media=not options["without_media_files"],
                    missing_allowed=options["missing_files"],
                    progress=progress,
                    add_note=lambda words: self.stderr.write(f"Note: {words}"),
                )
        except TransferRefused as refused:
            raise CommandError(f"{refused}\nNothing was exported.") from refused
        manifest = result.manifest
        files = f"{manifest.media.files} files ({'copied' if manifest.media.copied else 'listed'})"
        self.stdout.write(f"Exported {manifest.rows:,} rows of {len(manifest.tables)} tables and {files}.")
        self.stdout.write(f"Left out: {', '.join(LEFT_OUT)}.")
        if result.missing.rows > options["missing_files"]:
            raise CommandError(
                f"The export was made, but {result.missing.rows:,} rows name files that are not in the media folder, "
                "and so they are not in the export either.",
                returncode=FILES_MISSING,
            )


def find_settings_file() -> Path:
    """Return the SQLite file of the settings. Raises TransferRefused when they name another kind of database."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        raise TransferRefused("The settings do not name a SQLite database; say which one: --source FILE.")
    return Path(database["NAME"])
