"""The uploads of a network, in any storage."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import FileSystemStorage, Storage

from ..transfer.files.media import MEDIA, UNFINISHED, file_size, is_safe_name, names_below
from ..transfer.problems import Problem, TransferRefused


@contextmanager
def refuse_bucket_errors() -> Iterator[None]:
    """Turn the errors of a bucket inside the block into TransferRefused."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise TransferRefused(f"The bucket does not answer as it should: {error}. Run it again.") from error


def list_names(storage: Storage, folder: str = "") -> Iterator[str]:
    """Yield the name of every file, in order, except what an interrupted copy left.

    Raises TransferRefused for a name that is not UTF-8 or has a line break.
    """
    if isinstance(storage, FileSystemStorage):
        yield from names_below(Path(storage.location))
        return
    folders, files = storage.listdir(folder)
    for file in sorted(files):
        name = f"{folder}{file}"
        if not file:
            continue  # the "folder" itself, which some tools put into a bucket
        if not is_safe_name(name):
            problem = Problem(
                MEDIA, ascii(name), "", "is a file name with characters that no name of LinkUp has"
            )
            raise TransferRefused("The storage holds what cannot be backed up:", [problem])
        if not name.endswith(UNFINISHED):
            yield name
    for inner in sorted(folders):
        yield from list_names(storage, f"{folder}{inner}/")


def describe_storage(storage: Storage) -> str:
    """Return where the files of a storage are, for messages."""
    if isinstance(storage, FileSystemStorage):
        return str(storage.location)
    return f"the bucket {getattr(storage, 'bucket_name', '')}".rstrip()


def total_size(storage: Storage) -> int:
    """Return the bytes of all files; 0 for a bucket, which would need a request for each file."""
    if not isinstance(storage, FileSystemStorage):
        return 0
    return sum(file_size(Path(storage.path(name))) for name in list_names(storage))
