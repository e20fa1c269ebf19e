"""The command blocks of the guides, as they stand on the page."""

import re
from dataclasses import dataclass
from pathlib import Path

from scripts.programs import ROOT

DOCS = ROOT / "docs"
GUIDE = DOCS / "DEPLOYMENT.md"
DOCKER = DOCS / "DEPLOYMENT_DOCKER.md"
HEROKU = DOCS / "DEPLOYMENT_HEROKU.md"
DIGITALOCEAN = DOCS / "DEPLOYMENT_DIGITALOCEAN.md"
AWS = DOCS / "DEPLOYMENT_AWS.md"
KUBERNETES = ROOT / "deploy" / "kubernetes" / "README.md"
MIGRATION = DOCS / "DATABASE_MIGRATION.md"
UPGRADING = DOCS / "UPGRADING.md"
WRITING = DOCS / "WRITING_MIGRATIONS.md"
BACKUP = DOCS / "BACKUP.md"
MONITORING = DOCS / "MONITORING.md"
PAGES = [
    *sorted(DOCS.glob("DEPLOYMENT*.md")),
    *(UPGRADING, WRITING, BACKUP, MONITORING, MIGRATION, KUBERNETES, ROOT / "README.md"),
]

# A fence may be indented, below a point of a list.
FENCE = re.compile(
    r"^(?P<margin> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=margin)```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """The lines between two fences; `above` is the paragraph before it, on one line."""

    page: Path
    line: int
    section: str
    language: str
    text: str
    above: str

    @property
    def location(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def reason(self) -> str:
        """Why it is not run by a test; "" where nothing is said."""
        said, _, reason = self.above.partition("By hand: ")
        return "" if said else reason


def blocks_of(page: Path) -> list[Block]:
    """All fenced blocks of the page, in order."""
    whole = page.read_text()
    found = []
    for fence in FENCE.finditer(whole):
        before = whole[: fence.start()]
        paragraph = before.rstrip().rpartition("\n\n")[2]
        section = re.findall(r"^## (.*)$", before, re.MULTILINE)
        found.append(
            Block(
                page,
                before.count("\n") + 1,
                section[-1] if section else "",
                fence["language"],
                fence["text"],
                " ".join(paragraph.split()),
            )
        )
    return found
