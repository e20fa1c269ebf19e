"""How far a transfer is: a line on stderr every few seconds, with percentage and speed."""

import time
from collections.abc import Callable, Iterable, Iterator

from .rows import Row

REPORT_SECONDS = 2.0
ROWS_PER_CHECK = 1000


class Progress:
    """Counts units (rows, then bytes of files) towards a total. `say` gets a line now and then, and a last one."""

    def __init__(
        self, write_message: Callable[[str], None], what: str, total: int, unit: str = "rows"
    ) -> None:
        self._write_message = write_message
        self._what = what
        self._total = total
        self._unit = unit
        self._done = 0
        self._started = self._reported = time.monotonic()

    def add_units(self, units: int, place: str = "") -> None:
        """So many units more are done."""
        self._done += units
        if time.monotonic() - self._reported >= REPORT_SECONDS:
            self._report(place)

    def finish(self) -> None:
        """Write the last line."""
        self._report("done")

    def count_rows(self, rows: Iterable[Row], place: str) -> Iterator[Row]:
        """The same rows, counted on their way."""
        pending = 0
        for row in rows:
            yield row
            pending += 1
            if pending == ROWS_PER_CHECK:
                self.add_units(pending, place)
                pending = 0
        self.add_units(pending, place)

    def _report(self, place: str) -> None:
        self._reported = time.monotonic()
        speed = self._done / max(self._reported - self._started, 0.001)
        # Rows may come while they are counted, so the total is a guess that must not pass 100.
        percent = min(100, 100 * self._done // self._total) if self._total else 100
        self._write_message(
            f"{self._what}: {percent} %, {self._done:,} {self._unit}, {speed:,.0f} {self._unit}/s, {place}"
        )
