"""Tasks that remove files that nobody refers to. Imported in CoreConfig.ready, which registers them."""

from datetime import timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

from .bounces.suppression import forget_old_failures
from .files.exposed_files import move_exposed_files
from .files.storage import delete_remote_files_by
from .files.unreferenced_files import delete_unreferenced_files
from .tasks import enqueue_on_commit, periodic, task

DELETE_TASK = "core.delete_files"
# A file is stored before its row is committed: a younger file may belong to a running request.
MIN_FILE_AGE = timedelta(hours=24)


@periodic("core.tidy_uploads", every=timedelta(days=1), offset=timedelta(hours=4, minutes=40), seconds=1500)
def tidy_uploads() -> None:
    """Delete unreferenced uploads, and move private files to private names, as `manage.py tidy_uploads --delete`."""
    move_exposed_files()
    delete_unreferenced_files(timezone.now() - MIN_FILE_AGE)


@periodic("core.forget_old_failures", every=timedelta(days=1), offset=timedelta(hours=4, minutes=10))
def forget_faded_failures() -> None:
    """Delete soft failures of delivery that are long ago."""
    forget_old_failures()


@task(DELETE_TASK, seconds=600, is_atomic=False)
def delete_named_files(names: list[str]) -> None:
    """Delete stored files; one that is gone already counts as deleted. Raises what the storage raises."""
    for name in names:
        default_storage.delete(name)


def enqueue_deletion(names: list[str]) -> None:
    """Delete files of a remote storage by a task, once the transaction has committed."""
    enqueue_on_commit(DELETE_TASK, names=names)


delete_remote_files_by(enqueue_deletion)
