"""Figures, their bars, and the table."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of all lie; not a number where there is none."""
    if not values:
        return float("nan")
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def times(values: Sequence[float], *shares: float) -> str:
    """Percentiles of seconds, in milliseconds: "3.1 / 8.0"; the last is the worst."""
    told = [percentile(values, share) for share in shares]
    return " / ".join(f"{1000 * value:.1f}" for value in [*told, max(values, default=float("nan"))])


def median(values: Sequence[float]) -> float:
    """The one in the middle, in milliseconds."""
    return 1000 * statistics.median(values) if values else float("nan")


@dataclass(frozen=True)
class Figure:
    """One line of the table. `bar` is the most (or, with `least`, the least) that it may be; None: for information."""

    step: str
    name: str
    value: float
    unit: str
    bar: float | None = None
    least: bool = False
    beside: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it holds its bar; where nothing was measured, it does not."""
        if self.bar is None:
            return True
        return self.value >= self.bar if self.least else self.value <= self.bar

    @property
    def verdict(self) -> str:
        return "" if self.bar is None else ("ok" if self.is_well else "below")

    def line(self) -> str:
        """The figure as a line of the table."""
        bar = "" if self.bar is None else f"{'≥' if self.least else '≤'} {self.bar:g}"
        value = f"{self.value:,.{0 if float(self.value).is_integer() else 1}f}"
        return f"{self.step:<8} {self.name:<46} {value:>10} {self.unit:<6} {bar:<9} {self.verdict:<6} {self.beside}"


def table(figures: Sequence[Figure]) -> str:
    """All of them, with a head."""
    head = f"{'step':<8} {'what':<46} {'figure':>10} {'':<6} {'bar':<9} {'':<6} beside it"
    return "\n".join([head, "-" * len(head), *(figure.line() for figure in figures)])
