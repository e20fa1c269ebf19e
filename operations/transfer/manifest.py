"""The manifest of an export, `manifest.json`: written last, so that a folder without it is an incomplete export."""

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .problems import Problem, TransferRefused
from .rows import Migration

FORMAT = 1
FILE_NAME = "manifest.json"
# Migrations that rename models and fields in Python, add indexes, or add tables that no export holds (tables.LEFT_OUT):
# with or without them, the tables and rows of an export are the same.
ROWS_UNCHANGED: frozenset[Migration] = frozenset(
    {
        ("core", "0003_queued_tasks"),
        ("feed", "0004_top_comments_index"),
        ("messaging", "0003_membership_sort_key"),
        ("network", "0003_invitations_of_low"),
        ("network", "0004_invitations_of_high"),
        ("notifications", "0002_activity_and_sort_key"),
    }
)


# Tables that exports from before their migration do not hold: they are empty after the import of such an export.
TABLES_ADDED: Mapping[str, Migration] = {
    "core.suppressedaddress": ("core", "0004_suppressed_addresses"),
    "notifications.digestschedule": ("notifications", "0003_digest_schedule"),
}
# Table and column that exports from before the migration do not hold: NULL after the import of such an export.
COLUMNS_ADDED: Mapping[Migration, tuple[str, str]] = {
    ("users", "0007_mail_problem"): ("users.user", "mail_problem"),
}


@dataclass(frozen=True)
class TableFacts:
    """A table of an export: rows, the hash over them, the hash of its file, the highest id ever issued."""

    rows: int
    hash: str
    sha256: str
    sequence: int


@dataclass(frozen=True)
class MediaFacts:
    """The files of an export; `copied` says whether they are part of it, or only listed."""

    files: int
    bytes: int
    sha256: str
    copied: bool


@dataclass(frozen=True)
class Manifest:
    """The content of an export."""

    linkup: str
    made_at: str
    migrations: dict[str, list[str]]
    tables: dict[str, TableFacts]
    left_out: list[str]
    media: MediaFacts
    format: int = FORMAT

    @property
    def applied_migrations(self) -> set[Migration]:
        return {(app, name) for app, names in self.migrations.items() for name in names}

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())


def linkup_version() -> str:
    """Return the version of LinkUp that runs here."""
    try:
        project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())
        return str(project["project"]["version"])
    except (OSError, KeyError, ValueError):
        return "unknown"


def group_by_app(migrations: set[Migration]) -> dict[str, list[str]]:
    """Return migrations as a manifest lists them."""
    apps = sorted({app for app, _ in migrations})
    return {app: sorted(name for other, name in migrations if other == app) for app in apps}


def _digest_of(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write the manifest to `folder` atomically."""
    content = asdict(manifest)
    text = json.dumps({**content, "digest": _digest_of(content)}, indent=2) + "\n"
    unfinished = folder / f"{FILE_NAME}.part"
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / FILE_NAME)


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of an export. Raises TransferRefused when it is missing or damaged."""
    path = folder / FILE_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise TransferRefused(
                f"The export has format {content['format']}; this version of LinkUp reads format {FORMAT}."
            )
        digest = content.pop("digest")
        if digest != _digest_of(content):
            raise ValueError("its content does not have the digest that it names")
        tables = {label: TableFacts(**facts) for label, facts in content.pop("tables").items()}
        media = MediaFacts(**content.pop("media"))
        return Manifest(**content, tables=tables, media=media)
    except FileNotFoundError:
        raise TransferRefused(
            f"{folder} is not a complete export: it has no {FILE_NAME}, which is written last. Export again."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TransferRefused("The export is damaged:", [Problem(FILE_NAME, "", "", str(error))]) from error


def compare_migrations(one: set[Migration], other: set[Migration], here: str, there: str) -> list[Problem]:
    """Return the migrations that only one side has applied.

    Without ROWS_UNCHANGED, and without those of the other side that only add what exports from before do not hold.
    """
    one, other = one - ROWS_UNCHANGED, other - ROWS_UNCHANGED
    other -= {*TABLES_ADDED.values(), *COLUMNS_ADDED} - one
    only_here = [
        Problem("", "", "", f"{app}.{name} is applied in {here} only") for app, name in sorted(one - other)
    ]
    only_there = [
        Problem("", "", "", f"{app}.{name} is applied in {there} only") for app, name in sorted(other - one)
    ]
    return [*only_here, *only_there]
