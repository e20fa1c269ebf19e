"""scripts.mutate: the mutations of a function, and that they are applied to the loaded module."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scripts.mutate import Runner
from scripts.mutations import Module

# A function's body, and its mutations.
MUTATIONS: dict[str, list[str]] = {
    "return a < b": ["return None", "a <= b"],
    "return a == b": ["return None", "a != b"],
    "x = a and b": ["a or b", "b", "a"],
    "if a: pass": ["if not a:"],
    "x = not a": ["a"],
    "x = 7": ["8"],
    "x = True": ["False"],
    "del a": ["pass"],
    "raise KeyError": ["pass"],
    "a.save()": ["pass"],
    "a.b = c": ["pass"],
    "x = rows.filter(a=b, c__lt=d)": ["rows.filter(c__lt=d)", "rows.filter(a=b)", "c__lte=d"],
    "x = rows.order_by('-a', 'b')": ["rows.order_by('a', 'b')"],
    "x = rows.select_for_update()": ["rows"],
    "with locked(): a()": ["if True:", "pass"],
    "x = [a for a in b if c]": ["for a in b"],
    "x = min(a, b)": ["max(a, b)"],
    "x = Q(a=b) | Q(c=d)": ["Q(a=b) & Q(c=d)", "Q()", "Q()"],
    "x: int | None": [],
}


def test_mutations_are_small_and_each_is_one_change(tmp_path: Path) -> None:
    wrong = []
    for body, expected in MUTATIONS.items():
        file = tmp_path / "sample.py"
        file.write_text(f"def act(a, b=3):\n    {body}\n")
        found = [mutation.key.partition(" → ")[2].strip() for mutation in Module(str(file)).list_mutations()]
        if found != expected:
            wrong.append((body, found))
    assert not wrong


SAMPLE = """
from functools import cache

LIMIT = 3

class Shelf:
    @property
    def is_full(self):
        return LIMIT > 2

@cache
def count():
    return 10

def outer():
    def inner():
        return LIMIT == 3
    return inner
"""


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "sample_of_mutations.py").write_text(SAMPLE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sample_of_mutations", raising=False)
    return importlib.import_module("sample_of_mutations")


def test_a_mutation_changes_loaded_functions_and_those_that_are_loaded_again(
    sample: ModuleType,
) -> None:
    inner, other = sample.outer(), ModuleType("other")
    vars(other)["LIMIT"] = sample.LIMIT
    sys.modules["other"] = other

    def apply(change: str) -> None:
        [mutation] = [
            one for one in Module(str(sample.__file__)).list_mutations() if one.key.endswith(change)
        ]
        assert mutation.apply()

    found: list[Any] = []
    try:
        apply("LIMIT > 2 → LIMIT >= 2")
        apply("10 → 11")
        found.append(sample.count())
        apply("LIMIT == 3 → LIMIT != 3")
        found.append(inner())
        apply("LIMIT = 3: 3 → 4")
        found += [sample.Shelf().is_full, sample.LIMIT, other.LIMIT, importlib.reload(sample).LIMIT]
    finally:
        del sys.modules["other"]
    assert found == [11, False, True, 4, 4, 4]


def test_a_mutation_that_no_test_reaches_survives() -> None:
    [mutation, *_others] = Module("scripts/mutate.py").list_mutations()
    assert Runner({}, {})._test_mutation(mutation, [], None) == {"survived": "0 tests"}  # type: ignore[arg-type]
