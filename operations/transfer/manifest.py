"""What an export says about itself: `manifest.json`, written last, so that a folder without it is half an export."""

import hashlib
import json
import os
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .problems import Fault, TransferRefused
from .rows import Migration

FORMAT = 1
NAME = "manifest.json"


@dataclass(frozen=True)
class TableFacts:
    """A table of an export: rows, the hash over them, the hash of its file, the highest id ever given out."""

    rows: int
    hash: str
    sha256: str
    sequence: int


@dataclass(frozen=True)
class MediaFacts:
    """The files of an export; `copied` says whether they are in it, or only listed."""

    files: int
    bytes: int
    sha256: str
    copied: bool


@dataclass(frozen=True)
class Manifest:
    """See the module."""

    linkup: str
    made_at: str
    migrations: dict[str, list[str]]
    tables: dict[str, TableFacts]
    left_out: list[str]
    media: MediaFacts
    format: int = FORMAT

    @property
    def applied(self) -> set[Migration]:
        return {(app, name) for app, names in self.migrations.items() for name in names}

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())


def version() -> str:
    """The version of LinkUp that runs here."""
    try:
        project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())
        return str(project["project"]["version"])
    except (OSError, KeyError, ValueError):
        return "unknown"


def by_app(migrations: set[Migration]) -> dict[str, list[str]]:
    """Migrations as a manifest lists them."""
    apps = sorted({app for app, _ in migrations})
    return {app: sorted(name for other, name in migrations if other == app) for app in apps}


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write(manifest: Manifest, folder: Path) -> None:
    """Put the manifest into `folder` in one step: it is there whole, or not at all."""
    content = asdict(manifest)
    text = json.dumps({**content, "digest": _digest(content)}, indent=2) + "\n"
    unfinished = folder / f"{NAME}.part"
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / NAME)


def _parsed(text: str) -> Manifest:
    content = json.loads(text)
    if content["format"] != FORMAT:
        raise TransferRefused(
            f"The export has format {content['format']}; this version of LinkUp reads format {FORMAT}."
        )
    digest = content.pop("digest")
    if digest != _digest(content):
        raise ValueError("its content does not have the digest that it names")
    tables = {label: TableFacts(**facts) for label, facts in content.pop("tables").items()}
    media = MediaFacts(**content.pop("media"))
    return Manifest(**content, tables=tables, media=media)


def read(folder: Path) -> Manifest:
    """The manifest of an export. Raises TransferRefused when there is none, or when it is damaged."""
    path = folder / NAME
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TransferRefused(
            f"{folder} is not a complete export: it has no {NAME}, which is written last. Export again."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TransferRefused("The export is damaged:", [Fault(NAME, "", "", str(error))]) from error


def differences(one: set[Migration], other: set[Migration], here: str, there: str) -> list[Fault]:
    """The migrations that only one side has applied."""
    only_here = [
        Fault("", "", "", f"{app}.{name} is applied in {here} only") for app, name in sorted(one - other)
    ]
    only_there = [
        Fault("", "", "", f"{app}.{name} is applied in {there} only") for app, name in sorted(other - one)
    ]
    return [*only_here, *only_there]
