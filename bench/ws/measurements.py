"""Measurements, their targets, and the table of them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], share: float) -> float:
    """Return the percentile `share` (0 to 1) of the values; NaN when there are none."""
    if not values:
        return float("nan")
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def format_percentiles(values: Sequence[float], *shares: float) -> str:
    """Format percentiles of seconds, and their maximum, in milliseconds: "3.1 / 8.0"."""
    percentiles = [percentile(values, share) for share in shares]
    return " / ".join(f"{1000 * value:.1f}" for value in [*percentiles, max(values, default=float("nan"))])


def median_ms(values: Sequence[float]) -> float:
    """Return the median of seconds in milliseconds; NaN when there are none."""
    return 1000 * statistics.median(values) if values else float("nan")


@dataclass(frozen=True)
class Measurement:
    """A row of the table. `target` is a maximum or, with `is_minimum`, a minimum; None: for information.

    `details` is shown beside the value.
    """

    step: str
    name: str
    value: float
    unit: str
    target: float | None = None
    is_minimum: bool = False
    details: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the target is met; never when nothing was measured."""
        if self.target is None:
            return True
        return self.value >= self.target if self.is_minimum else self.value <= self.target

    @property
    def verdict(self) -> str:
        return "" if self.target is None else ("ok" if self.is_met else "missed")

    def format_row(self) -> str:
        """Return the measurement as a row of the table."""
        target = "" if self.target is None else f"{'≥' if self.is_minimum else '≤'} {self.target:g}"
        value = f"{self.value:,.{0 if float(self.value).is_integer() else 1}f}"
        return f"{self.step:<8} {self.name:<46} {value:>10} {self.unit:<6} {target:<9} {self.verdict:<6} {self.details}"


def format_table(measurements: Sequence[Measurement]) -> str:
    """Return the table, with a header."""
    header = f"{'step':<8} {'what':<46} {'value':>10} {'':<6} {'target':<9} {'':<6} details"
    return "\n".join([header, "-" * len(header), *(row.format_row() for row in measurements)])
