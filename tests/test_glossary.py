"""Names of the code are words of the field: the left column of the glossary does not come back.

Checked are the names that the code gives: modules, classes, functions, arguments and variables. A word that has a
usual meaning too is allowed in the files where it has that one.
"""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from scripts.programs import ROOT

APPS = [path.parent.name for path in sorted(ROOT.glob("*/apps.py"))]
# As whole names, in any case, with or without an underscore before them.
NEVER = {
    "told", "tell", "tell_mine", "standing", "standings", "switchboard", "regroup", "hand_out", "heal", "courier",
    "carry", "bring", "bring_in", "settle", "pulse", "beat", "on_pulse", "opentab", "toofast", "toooften", "slots",
    "outage", "memo", "turn", "exists_for", "with_answers_of", "circle", "displayed", "says_something", "beginnings",
    "choosing", "attendance", "material", "talk", "talks", "apart", "reached", "further", "news", "holding",
    "silently", "ties", "tie", "place", "fault", "faults", "cure", "misfit", "placement", "given", "making",
    "restoring", "seal", "diary", "bell", "dice", "weather", "everywhere", "worlds", "tomorrow", "house", "rooms",
    "anew",
}  # fmt: skip
# Modules that were renamed.
MODULES = {
    "lines", "reading", "tabs", "addresses", "ranges", "close_codes", "migrating", "shown",
    "windows", "stage", "library", "questions", "states", "places", "chunks", "scrollers", "words", "test_house",
}  # fmt: skip
# File patterns in which a word has its usual meaning.
USUAL = {
    "faults": ["scripts/*", "tests/*"],  # faults that are put into code
    "fault": ["scripts/*", "tests/*"],
    "turn": ["*/test_*.py", "bench/*"],
    "talk": ["tests/e2e/acts.py"],  # a post that is talked about
    "bell": ["notifications/context_processors.py"],
    "material": ["operations/backup/container.py"],  # of a key
}


def sources() -> Iterator[tuple[str, str]]:
    for app in [*APPS, "professional_network"]:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if "migrations" not in path.parts and "tests" not in path.parts:
                yield name, path.read_text(encoding="utf-8")


def sources_of_tests() -> Iterator[tuple[str, str]]:
    """The tests of the whole site; those of apps and of tests/ itself follow."""
    for folder in ("integration", "e2e"):
        for path in sorted((ROOT / "tests" / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def names_in(source: str) -> Iterator[str]:
    """The names that a module gives to what it makes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname


def is_usual(word: str, file: str) -> bool:
    return any(fnmatch(file, pattern) for pattern in USUAL.get(word, ()))


def test_no_name_is_of_the_left_column() -> None:
    found = {
        f"{file}: {name}"
        for file, source in (*sources(), *sources_of_tests())
        for name in names_in(source)
        if not name.startswith("__")
        and (word := name.strip("_").lower()) in NEVER
        and not is_usual(word, file)
    }
    assert sorted(found) == []


def test_no_module_is_of_the_left_column() -> None:
    modules = [
        path
        for app in [*APPS, "professional_network"]
        for path in (ROOT / app).rglob("*")
        if path.suffix in {".py", ".js"} and "migrations" not in path.parts
    ]
    found = [str(path.relative_to(ROOT)) for path in modules if path.stem.lower() in NEVER | MODULES]
    assert found == []


@pytest.mark.parametrize("code", ["def tell(): ...", "class Standing: ...", "def f(told): ...", "_ties = 1"])
def test_every_kind_of_name_is_seen(code: str) -> None:
    assert {name.strip("_").lower() for name in names_in(code)} & NEVER


def test_functions_are_named_with_more_than_one_word() -> None:
    """Verb and object; adjectives of QuerySets, views, properties and hooks of Django may be one word."""
    functions = [
        node.name.strip("_")
        for _file, source in sources()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("__")
    ]
    one_word = [name for name in functions if not re.search(r"[a-z0-9]_[a-z0-9]", name)]
    assert len(one_word) <= 0.4 * len(functions)


def test_the_patterns_name_files() -> None:
    everything = [
        str(Path(path).relative_to(ROOT)) for path in ROOT.rglob("*.py") if ".venv" not in path.parts
    ]
    for patterns in USUAL.values():
        assert all(any(fnmatch(name, pattern) for name in everything) for pattern in patterns)
