"""Clocks that are wrong: each server process reads how much from a file that the test writes.

Shifted are the times of day that the product asks for: `time.time` (signatures, order and expiry in the channel layer)
and `django.utils.timezone.now` (everything stored, sessions). Monotonic clocks run on, as they do when a real one
jumps.
"""

import mmap
import os
import struct
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

# One double for each slot. gunicorn's workers share the slots from WEB on, by process id.
CLOCKS = 4
WEB = 2
FILE, SLOT = "DELIVERY_CLOCK", "DELIVERY_CLOCK_SLOT"


def make(path: Path) -> None:
    """The file, with all clocks right."""
    path.write_bytes(struct.pack(f"{CLOCKS}d", *[0.0] * CLOCKS))


def shift(path: Path, slot: int, seconds: float) -> None:
    """From now on the clock in `slot` is so many seconds ahead."""
    with path.open("r+b") as file:
        file.seek(8 * slot)
        file.write(struct.pack("d", seconds))


def wear() -> None:
    """Give this process the clock that the environment names. Before Django's models are imported: they keep `now`."""
    path = os.environ.get(FILE)
    if not path:
        return
    slot = int(os.environ[SLOT])
    if slot >= WEB:
        slot = WEB + os.getpid() % (CLOCKS - WEB)
    with Path(path).open("rb") as file:
        memory = mmap.mmap(file.fileno(), 8 * CLOCKS, access=mmap.ACCESS_READ)

    def ahead() -> float:
        return float(struct.unpack_from("d", memory, 8 * slot)[0])

    _put_on(ahead)


def _put_on(ahead: Callable[[], float]) -> None:
    from django.utils import timezone  # noqa: PLC0415 -- only where servers run

    right, right_ns, right_now = time.time, time.time_ns, timezone.now

    def now() -> datetime:
        return right_now() + timedelta(seconds=ahead())

    time.time = lambda: right() + ahead()
    time.time_ns = lambda: right_ns() + int(ahead() * 1e9)
    timezone.now = now
