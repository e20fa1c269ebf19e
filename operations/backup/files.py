"""The uploads of a network, in whatever storage they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import FileSystemStorage, Storage

from ..transfer.media import MEDIA, UNFINISHED, is_safe, names_below, size_of
from ..transfer.problems import Fault, TransferRefused


@contextmanager
def bucket_answers() -> Iterator[None]:
    """Inside, a bucket that is away or refuses is told as TransferRefused."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise TransferRefused(f"The bucket does not answer as it should: {error}. Run it again.") from error


def names_in(storage: Storage, folder: str = "") -> Iterator[str]:
    """The name of every file, in order; what an interrupted copy left is none.

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
        if not is_safe(name):
            fault = Fault(MEDIA, ascii(name), "", "is a file name with characters that no name of LinkUp has")
            raise TransferRefused("The storage holds what cannot be backed up:", [fault])
        if not name.endswith(UNFINISHED):
            yield name
    for inner in sorted(folders):
        yield from names_in(storage, f"{folder}{inner}/")


def place_of(storage: Storage) -> str:
    """Where the files of a storage are, as an operator calls it."""
    if isinstance(storage, FileSystemStorage):
        return str(storage.location)
    return f"the bucket {getattr(storage, 'bucket_name', '')}".rstrip()


def bytes_in(storage: Storage) -> int:
    """How many bytes the files have together; 0 for a bucket, which would have to be asked for each one."""
    if not isinstance(storage, FileSystemStorage):
        return 0
    return sum(size_of(Path(storage.path(name))) for name in names_in(storage))
