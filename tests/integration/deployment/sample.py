"""A network on SQLite, moved to PostgreSQL: `python -m …deployment.sample FOLDER URL MEMBERS`.

A separate process, so that it works while the guide is walked. It leaves `figures.json` in FOLDER: what each step
took.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.programs import ROOT
from scripts.servers import die_with_parent
from scripts.stack import KEPT_VARIABLES, NO_REDIS, production_environment
from tests.testkit.prepared_files import copy_migrated_sqlite

# Of the checkpoint, and of every run of the tests. There are as many posts as members.
LARGE, SMALL = 20_000, 1_000
FIGURES = "figures.json"


@dataclass(frozen=True)
class Step:
    """A command: how it ended, what it said, seconds of the wall and of the processor, and memory at its peak."""

    name: str
    code: int
    said: str
    seconds: float
    cpu: float
    peak_mib: float


def here(folder: Path) -> dict[str, str]:
    """The settings of the SQLite network."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {**kept, "DJANGO_ENVIRONMENT": "development", "DATA_DIR": str(folder / "sqlite")}


def there(folder: Path, url: str, **variables: str) -> dict[str, str]:
    """The settings of production on the PostgreSQL that it moves to."""
    return production_environment(url, NO_REDIS, folder / "postgresql", **variables)


def measured(name: str, environment: dict[str, str], *command: str) -> Step:
    """Run a command in LinkUp's folder to its end."""
    started = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**environment, "PYTHON": sys.executable},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 -- one prctl call, no locks
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    cpu = usage.ru_utime + usage.ru_stime
    return Step(name, process.returncode, said, seconds, cpu, usage.ru_maxrss / 1024)


def move(folder: Path, url: str, members: str) -> list[Step]:
    """Make the network and move it; ends early where a step fails."""
    python = sys.executable
    source, target, export = here(folder), there(folder, url), str(folder / "export")
    crowd = ("-m", "bench.make_crowd", "--members", members, "--posts", members)
    sqlite = str(folder / "sqlite" / "db.sqlite3")
    media = str(folder / "sqlite" / "media")
    steps = []
    for name, environment, command in (
        ("crowd", source, (python, *crowd)),
        ("export", source, ("scripts/export_data.sh", export, "--quiet")),
        ("import", target, ("scripts/import_data.sh", export, "--quiet")),
        ("verify", target, ("scripts/verify_migration.py", sqlite, "--media", media, "--quiet")),
    ):
        steps.append(measured(name, environment, *command))
        if steps[-1].code:
            break
    return steps


def main(folder: Path, url: str, members: str) -> None:
    """Do it between two databases with all tables, and write down what it took."""
    for name in ("sqlite", "postgresql"):
        (folder / name).mkdir(parents=True)
    copy_migrated_sqlite(folder / "sqlite")
    steps = move(folder, url, members)
    (folder / FIGURES).write_text(json.dumps([asdict(step) for step in steps]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
