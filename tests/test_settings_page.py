"""docs/SETTINGS.md, .env.example and the code name the same variables (R7.1)."""

import re

from scripts.programs import ROOT

from .environment_variables import find_used_variables

NAME = re.compile(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)*\b")


def documented() -> set[str]:
    """The variables in the first column of the page's tables of variables."""
    page = (ROOT / "docs" / "SETTINGS.md").read_text()
    tables = page.split("## Required in production")[1]
    rows = [line.split("|")[1] for line in tables.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in NAME.findall(row)}


def test_the_page_names_every_variable_and_no_other() -> None:
    assert documented() == find_used_variables()
