"""Parses the example of docs/WRITING_MIGRATIONS.md, so that the tests run it."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from scripts.programs import ROOT

PAGE = ROOT / "docs" / "WRITING_MIGRATIONS.md"


@dataclass(frozen=True)
class Edit:
    """A replacement of text in a file."""

    path: str
    old: str
    new: str

    def apply(self, folder: Path) -> None:
        """Change the file in `folder`. Raises AssertionError unless the old text is there exactly once."""
        file = folder / self.path
        text = file.read_text()
        assert text.count(self.old) == 1, (
            f"docs/WRITING_MIGRATIONS.md: {self.path} does not contain {self.old!r} once"
        )
        file.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True)
class Release:
    """A version of the example: migrations by path, and edits of code."""

    migrations: dict[str, str] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)


def load_releases() -> dict[str, Release]:
    """Return the versions of the example by number, in order."""
    found = {}
    _, *parts = re.split(
        r"^### (\d+\.\d+):.*$", PAGE.read_text().split("## What the linter")[0], flags=re.MULTILINE
    )
    for number, text in zip(parts[::2], parts[1::2], strict=True):
        release = found[number] = Release()
        for path, code in re.findall(r"^```python\n# (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            release.migrations[path] = code
        for block in re.findall(r"^```diff\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            release.edits.extend(_edits(block))
    return found


def _edits(block: str) -> list[Edit]:
    pattern = re.compile(r"((?:^-.*\n)+)((?:^\+.*\n)+)", re.MULTILINE)
    edits = []
    for path, lines in re.findall(r"^--- (\S+)\n((?:^(?!---).*\n)+)", block, re.MULTILINE):
        for old, new in pattern.findall(lines):
            edits.append(Edit(path, _remove_markers(old), _remove_markers(new)))
    return edits


def _remove_markers(lines: str) -> str:
    return "\n".join(line[1:] for line in lines.splitlines())
