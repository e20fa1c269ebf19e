"""The progress of a transfer: a line every few seconds, with percentage and speed."""

import time
from collections.abc import Callable, Iterable, Iterator

from .rows import Row

REPORT_SECONDS = 2.0
ROWS_PER_CHECK = 1000


class Progress:
    """Counts units, rows or bytes of files, towards a total; writes a line every few seconds, and a last one."""

    def __init__(
        self, write_message: Callable[[str], None], what: str, total: int, unit: str = "rows"
    ) -> None:
        self._write_message = write_message
        self._what = what
        self._total = total
        self._unit = unit
        self._done = 0
        self._started = self._reported = time.monotonic()

    def add_units(self, units: int, item: str = "") -> None:
        """Count `units` more."""
        self._done += units
        if time.monotonic() - self._reported >= REPORT_SECONDS:
            self._report(item)

    def finish(self) -> None:
        """Write the last line."""
        self._report("done")

    def track_rows(self, rows: Iterable[Row], item: str) -> Iterator[Row]:
        """Yield the rows, and count them."""
        pending = 0
        for row in rows:
            yield row
            pending += 1
            if pending == ROWS_PER_CHECK:
                self.add_units(pending, item)
                pending = 0
        self.add_units(pending, item)

    def _report(self, item: str) -> None:
        self._reported = time.monotonic()
        speed = self._done / max(self._reported - self._started, 0.001)
        # Rows may be added meanwhile, so the total is an estimate; the percentage must not exceed 100.
        percent = min(100, 100 * self._done // self._total) if self._total else 100
        self._write_message(
            f"{self._what}: {percent} %, {self._done:,} {self._unit}, {speed:,.0f} {self._unit}/s, {item}"
        )
