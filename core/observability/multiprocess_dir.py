"""Numbers for processes that count in one folder: each has one for as long as it lives, and the next takes it over.

With process ids in the files' names, as prometheus_client has them by itself, each worker would leave its files behind.
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
# The beginning of the names of files whose figures hold only while their process lives.
LIVE = "gauge_live"


class ProcessIds:
    """The numbers of one folder. Who has one holds the lock of its file, which the kernel lets go whatever ends the
    process. The lock files stay: one that is deleted and made anew could be held twice."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._pid = 0
        self._number = 0
        self._lock = -1

    def mine(self) -> int:
        """The number of this process; a forked child gets one of its own. Raises OSError when none can be written."""
        if self._pid != os.getpid():
            if self._lock >= 0:
                os.close(self._lock)  # the parent's, which keeps its own handle of it
            self._number, self._lock = self._take()
            self._pid = os.getpid()
        return self._number

    def _take(self) -> tuple[int, int]:
        for number in count():
            handle = os.open(
                self._folder / LOCK.format(number), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o640
            )
            if _locked(handle, fcntl.LOCK_EX):
                for path in self._folder.glob(f"*_{number}.db"):
                    # What was true of the one before, such as its open tabs, is over; its counts go on.
                    if path.name.startswith(LIVE) or not _is_whole(path):
                        path.unlink()
                return number, handle
            os.close(handle)
        raise AssertionError  # there is always another number

    @contextmanager
    def _free(self) -> Iterator[list[int]]:
        """The numbers that no process has; none is given away meanwhile."""
        with ExitStack() as handles:
            free: list[int] = []
            for path in self._locks():
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                handles.callback(os.close, handle)
                # Shared, so that two who look at once see the same.
                if _locked(handle, fcntl.LOCK_SH):
                    free.append(int(path.stem.rpartition("_")[2]))
            yield free

    def _locks(self) -> list[Path]:
        return list(self._folder.glob(LOCK.format("*")))

    def living(self) -> tuple[int, list[str]]:
        """How many processes have a number, and the files to add up: what told only of one that ended is left out."""
        with self._free() as free:
            over = {f"_{number}.db" for number in free}
            files = [
                str(path)
                for path in sorted(self._folder.glob("*.db"))
                if not (path.name.startswith(LIVE) and path.name[path.name.rindex("_") :] in over)
                and path.stat().st_size  # one that is being made is empty for a moment
            ]
            return len(self._locks()) - len(free), files

    def sweep(self) -> None:
        """Forget what processes had counted that have ended, and what this one took over, which should end now."""
        with self._free() as free:
            for number in [*free, self.mine()]:
                for path in self._folder.glob(f"*_{number}.db"):
                    path.unlink()


def _locked(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_whole(path: Path) -> bool:
    """Whether prometheus_client will be able to read the file: a disk may have lost a part of it with the power."""
    try:
        for key, *_ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
            json.loads(key)
    except (RuntimeError, ValueError, struct.error):
        return False
    return True
