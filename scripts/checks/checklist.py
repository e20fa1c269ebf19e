"""Parses docs/PRODUCTION_CHECKLIST.md: what is checked, by which command, and where."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..programs import ROOT
from ..stack import BINARIES
from .results import ELSEWHERE, CheckFailed

PAGE = ROOT / "docs" / "PRODUCTION_CHECKLIST.md"
HEADER = ["what", "command", "shows", "where"]
HERE = "here"
# The section whose items need no server.
CODE = "The code"
NAME = "your.name.org"
MAX_COMMAND_SECONDS = 300


@dataclass(frozen=True)
class ChecklistItem:
    """An item of the checklist; `section` is the heading above its table."""

    section: str
    title: str
    action: str
    expected_text: str
    where: str

    @property
    def command(self) -> str:
        """The shell command; empty when the line is an instruction for a person."""
        found = re.fullmatch(r"`([^`]+)`", self.action)
        return found[1] if found else ""

    @property
    def expected(self) -> list[str]:
        """What the command must print: everything in code style in `expected_text`."""
        return re.findall(r"`([^`]+)`", self.expected_text)


def parse_checklist(text: str) -> list[ChecklistItem]:
    """Return the items of all tables with this HEADER. Raises ValueError for a malformed one."""
    items = []
    section, inside = "", False
    for source in text.splitlines():
        if source.startswith("#"):
            section = source.lstrip("# ")
        cells = [cell.strip() for cell in source.strip().strip("|").split("|")]
        if not source.startswith("|"):
            inside = False
        elif cells == HEADER:
            inside = True
        elif inside and set(source) - set("|- "):
            if len(cells) != len(HEADER) or cells[3] not in {HERE, ELSEWHERE}:
                raise ValueError(f"{PAGE.name}: {source!r} is no line of the checklist")
            items.append(ChecklistItem(section, *cells))
    return items


def read_checklist() -> list[ChecklistItem]:
    """Return the items of this repository's checklist."""
    return parse_checklist(PAGE.read_text())


def run_command(
    item: ChecklistItem, environment: Mapping[str, str], origins: Mapping[str, str], before: str = ""
) -> str:
    """Run the command of the item; return the last line of its output. Raises CheckFailed when it fails.

    `origins` are the real origins for `https://your.name.org` and the like; `before` is run in the same shell.
    """

    def insert_origins(text: str) -> str:
        for example, real in origins.items():
            text = text.replace(example, real)
        return text

    completed = subprocess.run(
        ["/bin/bash", "-c", f"{before}\n{insert_origins(item.command)}"],
        cwd=ROOT,
        env={**environment, "PATH": f"{BINARIES}{os.pathsep}{environment['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=MAX_COMMAND_SECONDS,
        check=False,
    )
    output = f"{completed.stdout}{completed.stderr}".strip()
    if completed.returncode:
        raise CheckFailed(f"exit code {completed.returncode}: {item.command}\n{output}")
    missing = [words for words in map(insert_origins, item.expected) if words not in output]
    if missing:
        raise CheckFailed(f"does not show {missing[0]!r}: {item.command}\n{output}")
    return output.splitlines()[-1].strip() if output else "exit code 0"


def files_named(text: str) -> list[str]:
    """Return everything in code style that is a path or a file name."""
    tokens = re.findall(r"`([^`\s]+)`", text)
    return [token for token in tokens if re.search(r"[./]", token) and not Path(token).is_absolute()]
