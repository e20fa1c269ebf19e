"""Two sides of a transfer, row by row: which rows are lost, doubled or changed, and in which fields."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from .problems import Fault, TransferRefused, shortened
from .rows import Row, TableHash, row_hash, values_of
from .tables import Key, Table

NAMED = 20
# How far two texts are looked at, and how many of their characters are told by number.
LOOKED_AT, POINTS = 40, 6


@dataclass
class TableComparison:
    """What a comparison of one table found. `faults` names the first ones, `differing` counts all rows that differ."""

    table: Table
    source: TableHash = field(default_factory=TableHash)
    target: TableHash = field(default_factory=TableHash)
    faults: list[Fault] = field(default_factory=list)
    differing: int = 0

    @property
    def same(self) -> bool:
        return not self.differing


class _Pairs:
    """Walks over both sides at once, in the order of their keys; holds one row of each."""

    def __init__(self, table: Table, source: Iterator[Row], target: Iterator[Row], named: int) -> None:
        self.found = TableComparison(table)
        self._source = _in_order(table, source, "source")
        self._target = _in_order(table, target, "target")
        self._named = named
        self._latest: Key | None = None

    def walk(self) -> TableComparison:
        left, right = next(self._source, None), next(self._target, None)
        while left is not None or right is not None:
            if right is None or (left is not None and left.key < right.key):
                assert left is not None  # noqa: S101 -- for the type checker; the loop's condition says it
                self._only_source(left)
                left = next(self._source, None)
            elif left is None or right.key < left.key:
                self._only_target(right)
                right = next(self._target, None)
            else:
                self._both(left, right)
                left, right = next(self._source, None), next(self._target, None)
        return self.found

    def _both(self, left: Row, right: Row) -> None:
        one, other = row_hash(left.line), row_hash(right.line)
        self.found.source.add(one)
        self.found.target.add(other)
        self._latest = right.key
        if one != other:
            self._tell(left.key, *self._changes(left, right))

    def _only_source(self, row: Row) -> None:
        self.found.source.add(row_hash(row.line))
        self._tell(row.key, ("", "is lost: the target does not have it"))

    def _only_target(self, row: Row) -> None:
        self.found.target.add(row_hash(row.line))
        if row.key == self._latest:
            self._tell(row.key, ("", "is doubled: the target has it twice"))
        elif not self.found.table.given:  # a newer content type or permission is no loss
            self._tell(row.key, ("", "is in the target only"))
        self._latest = row.key

    def _changes(self, left: Row, right: Row) -> Iterator[tuple[str, str]]:
        pairs = zip(self.found.table.columns, values_of(left.line), values_of(right.line), strict=True)
        for column, one, other in pairs:
            if one != other:
                told = "differs (not shown)" if column.hidden else _told(one, other)
                yield column.name, told

    def _tell(self, key: Key, *changes: tuple[str, str]) -> None:
        self.found.differing += 1
        if self.found.differing <= self._named:
            row = self.found.table.named(key)
            self.found.faults += [Fault(self.found.table.label, row, name, what) for name, what in changes]


def _in_order(table: Table, rows: Iterator[Row], side: str) -> Iterator[Row]:
    """The same rows; raises TransferRefused when one comes too early, as it may from a damaged index."""
    latest: Key | None = None
    for row in rows:
        if latest is not None and row.key < latest:
            fault = Fault(table.label, table.named(row.key), "", f"comes out of order from the {side}")
            raise TransferRefused(
                "A table cannot be read in the order of its keys (a damaged index?):", [fault]
            )
        latest = row.key
        yield row


def _told(one: str | None, other: str | None) -> str:
    """Both values, from shortly before where they part."""
    if one is None or other is None:
        texts = ["NULL" if text is None else shortened(text) for text in (one, other)]
    else:
        pairs = enumerate(zip(one, other, strict=False))
        parting = next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
        start = max(0, parting - 10) if parting > 30 else 0
        texts = [("…" if start else "") + shortened(text[start:]) for text in (one, other)]
        if _look_alike(one[parting:], other[parting:]):
            texts = [
                f"{texts[0]} ({_code_points(one[parting:])})",
                f"{texts[1]} ({_code_points(other[parting:])})",
            ]
    return f"{texts[0]} in the source, {texts[1]} in the target"


def _look_alike(one: str, other: str) -> bool:
    """Whether they look the same: they differ in blanks, invisible characters or how letters are composed."""
    return _visible(one[:LOOKED_AT]) == _visible(other[:LOOKED_AT])


def _visible(text: str) -> str:
    shown = unicodedata.normalize("NFKD", text)
    return "".join(
        char for char in shown if unicodedata.category(char)[0] not in "CZM" and not char.isspace()
    )


def _code_points(text: str) -> str:
    """The first characters, as U+0061."""
    return " ".join(f"U+{ord(char):04X}" for char in text[:POINTS]) or "the end"


def compare_rows(
    table: Table, source: Iterator[Row], target: Iterator[Row], named: int = NAMED
) -> TableComparison:
    """Compare the rows of both sides, which come in the order of their keys; nothing is kept but what differs."""
    return _Pairs(table, source, target, named).walk()
