"""Backs the network up into one file (docs/BACKUP.md)."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.backup.backup_file import BackupFile
from operations.backup.create import create_backup
from operations.backup.keys import new_key, read_key
from operations.management.options import add_missing_files_option, number_from
from operations.transfer.problems import TransferRefused
from operations.transfer.tables import LEFT_OUT

# Exit code: made, but more uploads are missing than the operator knows of.
FILES_MISSING = 3


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Back the network up, database and uploads, into one file: in a folder, or under a name that ends with "
        ".backup. The site may run meanwhile. The file is read again and checked before it gets its name. "
        "It is encrypted when there is a key, in --key-file or in BACKUP_KEY. "
        "Exit code 0: made and checked; 1: refused, nothing was made; 3: made and checked, and files that rows name "
        "were not there: they are named, and no older backup was removed."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "destination", type=Path, nargs="?", help="a folder, or a file that ends with .backup"
        )
        parser.add_argument(
            "--key-file", type=Path, metavar="FILE", help="where the key is (default: BACKUP_KEY)"
        )
        parser.add_argument(
            "--keep", type=number_from(1), metavar="N", help="then remove older backups in the folder but N"
        )
        add_missing_files_option(parser)
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--check", type=Path, metavar="FILE", help="read a backup whole and verify it")
        what.add_argument("--new-key", action="store_true", help="print a new key")
        parser.add_argument("--quiet", action="store_true", help="no progress")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new_key"]:
            self.stdout.write(new_key())
            return
        if (options["destination"] is None) == (options["check"] is None):
            raise CommandError("Name the folder or file to back up to, or --check FILE.", returncode=2)
        progress = (lambda _words: None) if options["quiet"] else self.stderr.write
        try:
            key = read_key(options["key_file"], settings.BACKUP_KEY)
            if options["check"]:
                backup = BackupFile(options["check"], key, progress=progress)
                manifest = backup.manifest
                self.stdout.write(f"Sound: {backup.summary}, of {manifest.site}, {manifest.made_at}.")
                return
            created = create_backup(
                options["destination"],
                key,
                keep=options["keep"] or 0,
                missing_allowed=options["missing_files"],
                progress=progress,
                add_note=lambda words: self.stderr.write(f"Note: {words}"),
            )
        except TransferRefused as refused:
            raise CommandError(str(refused)) from refused
        for path in created.removed:
            self.stdout.write(f"Removed {path}.")
        self.stdout.write(f"Left out: {', '.join(LEFT_OUT)}.")
        self.stdout.write(f"Backed up and checked: {created.backup.summary}.")
        self.stdout.write(str(created.file))
        if not created.is_whole:
            raise CommandError(
                f"The backup was made, but {created.missing.rows:,} rows name files that are not there, and those are "
                "not in it. No older backup was removed: one of them may have the files.",
                returncode=FILES_MISSING,
            )
