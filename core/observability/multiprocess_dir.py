"""Reusable process ids for prometheus_client's multiprocess folder, reserved with flock.

With the ids of the operating system in the file names, as is prometheus_client's default, each worker would leave its
files behind.
"""

import fcntl
import json
import os
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

LOCK = "slot_{}.lock"
# Prefix of files whose metrics are valid only while their process runs.
LIVE = "gauge_live"


class ProcessIds:
    """The ids of one folder. A process locks the file of its id; the kernel releases the lock when the process ends.

    Lock files are never deleted: two processes could hold the locks of a deleted file and of its successor.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._pid = 0
        self._number = 0
        self._lock = -1

    def own_id(self) -> int:
        """Return the id of this process; a forked child gets another one. Raises OSError on an unwritable folder."""
        if self._pid != os.getpid():
            if self._lock >= 0:
                os.close(self._lock)  # inherited from the parent, which has its own handle
            flags = os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC
            for number in count():
                handle = os.open(self._folder / LOCK.format(number), flags, 0o640)
                if _try_lock(handle, fcntl.LOCK_EX):
                    break
                os.close(handle)
            for path in self._folder.glob(f"*_{number}.db"):
                # Gauges of the previous process, such as its open tabs, are over; its counters continue.
                if path.name.startswith(LIVE) or not _is_readable(path):
                    path.unlink()
            self._number, self._lock, self._pid = number, handle, os.getpid()
        return self._number

    @contextmanager
    def _free_ids(self) -> Iterator[list[int]]:
        """Yield the ids that no process has, and reserve them during the block."""
        with ExitStack() as handles:
            free: list[int] = []
            for path in self._lock_files():
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                handles.callback(os.close, handle)
                # Shared, so that two readers at once get the same result.
                if _try_lock(handle, fcntl.LOCK_SH):
                    free.append(int(path.stem.rpartition("_")[2]))
            yield free

    def _lock_files(self) -> list[Path]:
        return list(self._folder.glob(LOCK.format("*")))

    def live_files(self) -> tuple[int, list[str]]:
        """Return the number of running processes, and the files to sum, without live gauges of ended processes."""
        with self._free_ids() as free:
            ended = {f"_{number}.db" for number in free}
            files = [
                str(path)
                for path in sorted(self._folder.glob("*.db"))
                if not (path.name.startswith(LIVE) and path.name[path.name.rindex("_") :] in ended)
                and path.stat().st_size  # a file is empty for a moment while it is created
            ]
            return len(self._lock_files()) - len(free), files

    def remove_ended(self) -> None:
        """Delete the files of ended processes, and of the id of this process, which should end afterwards."""
        with self._free_ids() as free:
            for number in [*free, self.own_id()]:
                for path in self._folder.glob(f"*_{number}.db"):
                    path.unlink()


def _try_lock(handle: int, mode: int) -> bool:
    try:
        fcntl.flock(handle, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_readable(path: Path) -> bool:
    """Return whether prometheus_client can read the file, which a power failure may have damaged."""
    try:
        for key, *_ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
            json.loads(key)
    except (RuntimeError, ValueError, struct.error):
        return False
    return True
