"""Periodic tasks that remove files that nobody refers to. Imported in CoreConfig.ready, which registers them."""

from datetime import timedelta

from django.utils import timezone

from .files.exposed_files import move_exposed_files
from .files.unreferenced_files import delete_unreferenced_files
from .tasks import periodic

# A file is stored before its row is committed: a younger file may belong to a running request.
MIN_FILE_AGE = timedelta(hours=24)


@periodic("core.tidy_uploads", every=timedelta(days=1), offset=timedelta(hours=4, minutes=40), seconds=1500)
def tidy_uploads() -> None:
    """Delete unreferenced uploads, and move private files to private names, as `manage.py tidy_uploads --delete`."""
    move_exposed_files()
    delete_unreferenced_files(timezone.now() - MIN_FILE_AGE)
