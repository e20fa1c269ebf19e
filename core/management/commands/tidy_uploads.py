"""`manage.py tidy_uploads`: list or delete unreferenced uploads, and move private files to private names."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.files import exposed_files, storage, unreferenced_files

# A file is stored before its row is committed: a younger file may belong to a running request.
SHORTEST_AGE, USUAL_AGE = 1, 24
MOST_SHOWN = 100


class Command(BaseCommand):
    help = (
        "Find uploads that no row references (left by an interrupted request), and private files with public URLs "
        "(pictures of old posts). Without --delete nothing changes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--delete", action="store_true", help="delete unreferenced uploads, move private files"
        )
        parser.add_argument(
            "--older-than",
            type=int,
            default=USUAL_AGE,
            metavar="HOURS",
            help=f"ignore younger files (default: {USUAL_AGE}, at least {SHORTEST_AGE})",
        )

    def handle(self, *args: Any, delete: bool, older_than: int, **options: Any) -> None:
        if older_than < SHORTEST_AGE:
            raise CommandError(
                f"--older-than {older_than}: at least {SHORTEST_AGE} hour, for running requests."
            )
        moved = lost = 0
        for exposed in exposed_files.find_exposed_rows():
            if delete and not exposed_files.move_to_private(exposed):
                lost += 1
                continue
            moved += 1
            self._print_limited(moved, f"public: {exposed}")
        files, size = self._remove_unnamed(older_than, act=delete)
        done = "Deleted" if delete else "Found"
        self.stdout.write(f"{done} {files:,} files ({size:,} bytes) that no row references.")
        if moved or lost:
            done = "Moved" if delete else "Would move"
            self.stdout.write(
                f"{done} the files of {moved:,} rows to private names; the files of {lost:,} rows are missing."
            )
        if not delete and (files or moved):
            self.stdout.write("Nothing was changed. Run it again with --delete.")

    def _remove_unnamed(self, hours: int, *, act: bool) -> tuple[int, int]:
        """Return how many files and bytes no row references; delete them when `act` is set."""
        count = size = 0
        is_trusted = unreferenced_files.has_referenced_files()
        for file in unreferenced_files.find_unreferenced_files(timezone.now() - timedelta(hours=hours)):
            if not is_trusted:
                raise CommandError(
                    "No row references a file, but there are files: is this the right database? Nothing was deleted."
                )
            count, size = count + 1, size + file.size
            self._print_limited(
                count, f"unreferenced: {file.name} ({file.size:,} bytes, {file.modified:%Y-%m-%d %H:%M})"
            )
            if act:
                storage.delete_files([file.name])
        return count, size

    def _print_limited(self, count: int, line: str) -> None:
        if count <= MOST_SHOWN:
            self.stdout.write(line)
        elif count == MOST_SHOWN + 1:
            self.stdout.write("(more are counted but not listed)")
