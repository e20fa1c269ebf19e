"""Restores a backup into an empty server (docs/BACKUP.md)."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.backup.backup_file import BackupFile
from operations.backup.keys import read_key
from operations.backup.restore import restore_backup
from operations.transfer.problems import TransferRefused

DIFFERENT = 3


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Restore a backup into the empty database of the settings, which needs no tables, and into its storage. It is "
        "read and checked whole before anything is written; all rows arrive or none; then everything is compared. "
        "Exit code 0: restored and the same; 1: refused, nothing is restored; 3: restored, and something differs."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the backup")
        parser.add_argument(
            "--key-file", type=Path, metavar="FILE", help="where its key is (default: BACKUP_KEY)"
        )
        parser.add_argument("--check", action="store_true", help="read and verify it only; restore nothing")
        parser.add_argument("--quiet", action="store_true", help="no progress")

    def handle(self, *args: Any, **options: Any) -> None:
        progress = (lambda _words: None) if options["quiet"] else self.stderr.write
        try:
            key = read_key(options["key_file"], settings.BACKUP_KEY)
            backup = BackupFile(options["file"], key, progress=progress)
            manifest = backup.manifest
            self.stdout.write(f"Sound: {backup.summary}, of {manifest.site}, {manifest.made_at}.")
            if options["check"]:
                return
            result = restore_backup(backup, progress=progress)
        except TransferRefused as refused:
            raise CommandError(str(refused)) from refused
        was = "Already there" if result.was_there else "Restored"
        self.stdout.write(
            f"{was}: {result.rows:,} rows. Files stored: {result.files:,}; the others were there."
        )
        findings = result.findings
        for note in findings.notes:
            self.stdout.write(f"Note: {note}")
        for difference in findings.differences:
            self.stdout.write(f"Different: {difference}")
        if not findings.is_same:
            raise CommandError(
                f"What was restored differs from the backup (compared: {findings.summary}).",
                returncode=DIFFERENT,
            )
        self.stdout.write(f"The same as in the backup: {findings.summary}.")
        if result.forward:
            self.stdout.write(f"Migrations that are newer than the backup were run: {result.forward}.")
        self.stdout.write("Nobody is signed in. Empty Redis, or name a new one, and start the servers.")
