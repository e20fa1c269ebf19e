"""Parses docs/PRODUCTION_CHECKLIST.md: what is checked, by which command, and where."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..programs import ROOT
from ..stack import BINARIES
from .rows import ELSEWHERE, CheckFailed

PAGE = ROOT / "docs" / "PRODUCTION_CHECKLIST.md"
HEAD = ["what", "command", "shows", "where"]
HERE = "here"
# The part of the page whose lines need no server.
CODE = "The code"
NAME = "your.name.org"
LONGEST_COMMAND = 300


@dataclass(frozen=True)
class Line:
    """A line of the page's tables; `section` is the heading above it."""

    section: str
    what: str
    does: str
    shows: str
    where: str

    @property
    def command(self) -> str:
        """The shell command; empty when the line is an instruction for a person."""
        found = re.fullmatch(r"`([^`]+)`", self.does)
        return found[1] if found else ""

    @property
    def expected(self) -> list[str]:
        """What the command must print: everything in code style in `shows`."""
        return re.findall(r"`([^`]+)`", self.shows)


def parse_lines(text: str) -> list[Line]:
    """Return the lines of all tables with our head. Raises ValueError for a malformed one."""
    lines = []
    section, inside = "", False
    for source in text.splitlines():
        if source.startswith("#"):
            section = source.lstrip("# ")
        cells = [cell.strip() for cell in source.strip().strip("|").split("|")]
        if not source.startswith("|"):
            inside = False
        elif cells == HEAD:
            inside = True
        elif inside and set(source) - set("|- "):
            if len(cells) != len(HEAD) or cells[3] not in {HERE, ELSEWHERE}:
                raise ValueError(f"{PAGE.name}: {source!r} is no line of the checklist")
            lines.append(Line(section, *cells))
    return lines


def read_checklist() -> list[Line]:
    """Return the lines of the checklist of this repository."""
    return parse_lines(PAGE.read_text())


def run_command(
    line: Line, environment: Mapping[str, str], origins: Mapping[str, str], before: str = ""
) -> str:
    """Run the line's command as it stands, but for the name of the site; CheckFailed when it does not show what it
    should. `origins` are what `https://your.name.org` and its like stand for; `before` is run in the same shell.
    """

    def here(text: str) -> str:
        for written, real in origins.items():
            text = text.replace(written, real)
        return text

    done = subprocess.run(
        ["/bin/bash", "-c", f"{before}\n{here(line.command)}"],
        cwd=ROOT,
        env={**environment, "PATH": f"{BINARIES}{os.pathsep}{environment['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_COMMAND,
        check=False,
    )
    output = f"{done.stdout}{done.stderr}".strip()
    if done.returncode:
        raise CheckFailed(f"exit code {done.returncode}: {line.command}\n{output}")
    missing = [words for words in map(here, line.expected) if words not in output]
    if missing:
        raise CheckFailed(f"does not show {missing[0]!r}: {line.command}\n{output}")
    return output.splitlines()[-1].strip() if output else "exit code 0"


def files_named(text: str) -> list[str]:
    """Return everything in code style that is a path or a file name."""
    tokens = re.findall(r"`([^`\s]+)`", text)
    return [token for token in tokens if re.search(r"[./]", token) and not Path(token).is_absolute()]
