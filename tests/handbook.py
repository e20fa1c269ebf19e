"""The worked example of docs/WRITING_MIGRATIONS.md, read from the page, so that the tests run what it says."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from scripts.programs import ROOT

PAGE = ROOT / "docs" / "WRITING_MIGRATIONS.md"


@dataclass(frozen=True)
class Edit:
    """In the file, the old words become the new ones."""

    path: str
    old: str
    new: str

    def apply(self, folder: Path) -> None:
        """Change the file under `folder`; AssertionError when the words are not there exactly once."""
        file = folder / self.path
        text = file.read_text()
        assert text.count(self.old) == 1, (
            f"docs/WRITING_MIGRATIONS.md: {self.path} does not hold {self.old!r} once"
        )
        file.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True)
class Release:
    """What a version brings: migrations by their path, and edits of code."""

    migrations: dict[str, str] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)


def releases() -> dict[str, Release]:
    """The versions of the example in their order."""
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
            edits.append(Edit(path, _words(old), _words(new)))
    return edits


def _words(lines: str) -> str:
    return "\n".join(line[1:] for line in lines.splitlines())
