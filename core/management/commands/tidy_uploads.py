"""Shows, and with --delete removes, uploads that no row names; moves private files out of public reach."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.files import storage, tidy

# A file is stored before its row is committed: what is younger may belong to a request under way.
SHORTEST_AGE, USUAL_AGE = 1, 24
MOST_SHOWN = 100


class Command(BaseCommand):
    help = (
        "Find uploads that no row names any more (left by a request that broke off), and private files that "
        "lie at public addresses (pictures of posts from before they were private). Without --delete nothing changes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--delete", action="store_true", help="delete the former, move the latter")
        parser.add_argument(
            "--older-than",
            type=int,
            default=USUAL_AGE,
            metavar="HOURS",
            help=f"leave younger files alone (default: {USUAL_AGE}, at least {SHORTEST_AGE})",
        )

    def handle(self, *args: Any, delete: bool, older_than: int, **options: Any) -> None:
        if older_than < SHORTEST_AGE:
            raise CommandError(
                f"--older-than {older_than}: at least {SHORTEST_AGE} hour, for requests under way."
            )
        moved, lost = self._protect(act=delete)
        files, size = self._tidy(older_than, act=delete)
        done = "Deleted" if delete else "Found"
        self.stdout.write(f"{done} {files:,} files ({size:,} bytes) that no row names.")
        if moved or lost:
            done = "Moved" if delete else "Found, to be moved,"
            self.stdout.write(
                f"{done} the files of {moved:,} rows out of public reach; {lost:,} rows miss theirs."
            )
        if not delete and (files or moved):
            self.stdout.write("Nothing was changed. Run it again with --delete.")

    def _protect(self, *, act: bool) -> tuple[int, int]:
        """How many rows were, or would be, protected, and how many of them name files that are not there."""
        moved = lost = 0
        for exposed in tidy.exposed_rows():
            if act and not tidy.protect(exposed):
                lost += 1
                continue
            moved += 1
            self._show(moved, f"public: {exposed}")
        return moved, lost

    def _tidy(self, hours: int, *, act: bool) -> tuple[int, int]:
        """How many files, and bytes, no row names; deleted when `act`."""
        count = size = 0
        is_trusted = tidy.names_any_file()
        for file in tidy.unnamed_files(timezone.now() - timedelta(hours=hours)):
            if not is_trusted:
                raise CommandError(
                    "No row names any file, and there are files: is this the right database? Nothing was deleted."
                )
            count, size = count + 1, size + file.size
            self._show(count, f"unnamed: {file.name} ({file.size:,} bytes, {file.modified:%Y-%m-%d %H:%M})")
            if act:
                storage.delete_files([file.name])
        return count, size

    def _show(self, count: int, words: str) -> None:
        if count <= MOST_SHOWN:
            self.stdout.write(words)
        elif count == MOST_SHOWN + 1:
            self.stdout.write("and more, which are counted only")
