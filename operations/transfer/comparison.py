"""Compares both sides of a transfer row by row: which rows are lost, doubled or changed, and in which fields."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from .problems import Problem, TransferRefused, shorten_value
from .rows import Row, TableHash, decode_values, row_hash
from .tables import Key, Table

MAX_NAMED_ROWS = 20
# How many characters of two texts are compared by appearance, and how many are shown as code points.
LOOKED_AT, POINTS = 40, 6


@dataclass
class TableComparison:
    """The result for one table. `problems` names the first differing rows, `differing` counts all of them."""

    table: Table
    source: TableHash = field(default_factory=TableHash)
    target: TableHash = field(default_factory=TableHash)
    problems: list[Problem] = field(default_factory=list)
    differing: int = 0

    @property
    def same(self) -> bool:
        return not self.differing


class _RowComparison:
    """Reads both sides at once, in the order of their keys; holds one row of each."""

    def __init__(self, table: Table, source: Iterator[Row], target: Iterator[Row], max_named: int) -> None:
        self.found = TableComparison(table)
        self._source = _check_order(table, source, "source")
        self._target = _check_order(table, target, "target")
        self._max_named = max_named
        self._latest: Key | None = None

    def compare_all(self) -> TableComparison:
        """Compare all rows."""
        left, right = next(self._source, None), next(self._target, None)
        while left is not None or right is not None:
            if right is None or (left is not None and left.key < right.key):
                assert left is not None  # noqa: S101 -- for the type checker; the loop's condition says it
                self.found.source.add_row(row_hash(left.line))
                self._add_difference(left.key, ("", "is lost: the target does not have it"))
                left = next(self._source, None)
            elif left is None or right.key < left.key:
                self.found.target.add_row(row_hash(right.line))
                if right.key == self._latest:
                    self._add_difference(right.key, ("", "is doubled: the target has it twice"))
                elif not self.found.table.predefined:  # a newer content type or permission is no loss
                    self._add_difference(right.key, ("", "is in the target only"))
                self._latest = right.key
                right = next(self._target, None)
            else:
                source_hash, target_hash = row_hash(left.line), row_hash(right.line)
                self.found.source.add_row(source_hash)
                self.found.target.add_row(target_hash)
                self._latest = right.key
                if source_hash != target_hash:
                    columns = self.found.table.columns
                    values = zip(columns, decode_values(left.line), decode_values(right.line), strict=True)
                    changes = [
                        (
                            column.name,
                            "differs (not shown)" if column.hidden else _describe_difference(one, other),
                        )
                        for column, one, other in values
                        if one != other
                    ]
                    self._add_difference(left.key, *changes)
                left, right = next(self._source, None), next(self._target, None)
        return self.found

    def _add_difference(self, key: Key, *changes: tuple[str, str]) -> None:
        self.found.differing += 1
        if self.found.differing <= self._max_named:
            row = self.found.table.format_key(key)
            self.found.problems += [
                Problem(self.found.table.label, row, name, what) for name, what in changes
            ]


def _check_order(table: Table, rows: Iterator[Row], side: str) -> Iterator[Row]:
    """Yield the rows; TransferRefused when one is out of order, as it may be with a damaged index."""
    latest: Key | None = None
    for row in rows:
        if latest is not None and row.key < latest:
            problem = Problem(
                table.label, table.format_key(row.key), "", f"comes out of order from the {side}"
            )
            raise TransferRefused(
                "A table cannot be read in the order of its keys (a damaged index?):", [problem]
            )
        latest = row.key
        yield row


def _describe_difference(one: str | None, other: str | None) -> str:
    """Return both values, from shortly before their first difference."""
    if one is None or other is None:
        texts = ["NULL" if text is None else shorten_value(text) for text in (one, other)]
        return f"{texts[0]} in the source, {texts[1]} in the target"
    pairs = enumerate(zip(one, other, strict=False))
    index = next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
    start = max(0, index - 10) if index > 30 else 0
    texts = [("…" if start else "") + shorten_value(text[start:]) for text in (one, other)]
    # They look the same when they differ in blanks, invisible characters or the composition of characters.
    if _visible_characters(one[index:]) == _visible_characters(other[index:]):
        texts = [f"{texts[0]} ({_code_points(one[index:])})", f"{texts[1]} ({_code_points(other[index:])})"]
    return f"{texts[0]} in the source, {texts[1]} in the target"


def _visible_characters(text: str) -> str:
    shown = unicodedata.normalize("NFKD", text[:LOOKED_AT])
    return "".join(
        char for char in shown if unicodedata.category(char)[0] not in "CZM" and not char.isspace()
    )


def _code_points(text: str) -> str:
    """Return the first characters, as U+0061."""
    return " ".join(f"U+{ord(char):04X}" for char in text[:POINTS]) or "the end"


def compare_rows(
    table: Table, source: Iterator[Row], target: Iterator[Row], max_named: int = MAX_NAMED_ROWS
) -> TableComparison:
    """Compare the rows of both sides, which are in the order of their keys; keeps only differences."""
    return _RowComparison(table, source, target, max_named).compare_all()
