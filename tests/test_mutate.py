"""scripts.mutate: which faults are made of a function, and that they arrive in what is loaded."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scripts.faults import Module
from scripts.mutate import Runner

# A function's body, and what its faults turn it into.
FAULTS: dict[str, list[str]] = {
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


def test_faults_are_small_and_each_is_one_change(tmp_path: Path) -> None:
    wrong = []
    for body, expected in FAULTS.items():
        file = tmp_path / "sample.py"
        file.write_text(f"def act(a, b=3):\n    {body}\n")
        found = [fault.key.partition(" → ")[2].strip() for fault in Module(str(file)).faults()]
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
    (tmp_path / "sample_of_faults.py").write_text(SAMPLE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sample_of_faults", raising=False)
    return importlib.import_module("sample_of_faults")


def test_a_fault_arrives_in_functions_that_are_there_and_in_those_that_are_loaded_again(
    sample: ModuleType,
) -> None:
    inner, other = sample.outer(), ModuleType("other")
    vars(other)["LIMIT"] = sample.LIMIT
    sys.modules["other"] = other

    def put_in(change: str) -> None:
        [fault] = [one for one in Module(str(sample.__file__)).faults() if one.key.endswith(change)]
        assert fault.put_in()

    found: list[Any] = []
    try:
        put_in("LIMIT > 2 → LIMIT >= 2")
        put_in("10 → 11")
        found.append(sample.count())
        put_in("LIMIT == 3 → LIMIT != 3")
        found.append(inner())
        put_in("LIMIT = 3: 3 → 4")
        found += [sample.Shelf().is_full, sample.LIMIT, other.LIMIT, importlib.reload(sample).LIMIT]
    finally:
        del sys.modules["other"]
    assert found == [11, False, True, 4, 4, 4]


def test_a_fault_that_no_test_reaches_survives() -> None:
    [fault, *_others] = Module("scripts/mutate.py").faults()
    assert Runner({}, {})._try(fault, [], None) == {"survived": "0 tests"}  # type: ignore[arg-type]
