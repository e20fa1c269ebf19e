"""Measures the move from SQLite to PostgreSQL: `python -m bench.transfer --rows 1000000`.

Fills a new SQLite file, exports it, imports it into a private PostgreSQL, and verifies it against the export and
against the file. Prints time and peak memory of each command; the exit code is 1 when one needs more than MAX_MIB.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from scripts.programs import ROOT
from scripts.servers import postgres_server, temporary_folder
from scripts.stack import KEPT_VARIABLES

MAX_MIB = 300
MEMBERS = 2000
SAMPLE_TEXT = (
    "Zwölf Boxkämpfer jagen Viktor über den großen Sylter Deich; das geht nun schon seit Wochen so. "
)

# A small process starts the command: the peak memory of a process includes that of the process that forked it.
LAUNCHER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
os.write(int(sys.argv[1]), str(usage.ru_maxrss).encode())
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""

# `n` counts from 1. Texts have realistic lengths: 100 to 900 characters, and their HTML.
NUMBERS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < :many) "
MOMENT = "strftime('%Y-%m-%d %H:%M:%S', 1760000000 + n * 7, 'unixepoch') || printf('.%06d', n % 1000000)"
MEMBER = f"1 + n * 7 % {MEMBERS}"


@dataclass(frozen=True)
class CommandCost:
    """Time and peak memory of one command."""

    seconds: float
    peak_mib: float


def create_environment(folder: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a development installation with its data in `folder`."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {**kept, "DJANGO_ENVIRONMENT": "development", "DATA_DIR": str(folder), **variables}


def measure_command(variables: dict[str, str], *arguments: str) -> CommandCost:
    """Run a management command; return its cost. Raises RuntimeError when it fails."""
    started = time.monotonic()
    reading, writing = os.pipe()
    command = [sys.executable, "-S", "-c", LAUNCHER, str(writing), sys.executable, "manage.py", *arguments]
    process = subprocess.Popen(  # noqa: S603 -- our own
        command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, pass_fds=[writing]
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        peak = pipe.read()
    if process.wait():
        raise RuntimeError(f"manage.py {' '.join(arguments)} ended with {process.returncode}")
    return CommandCost(time.monotonic() - started, int(peak) / 1024)


def _insert(database: sqlite3.Connection, table: str, many: int, **columns: str) -> None:
    """Insert `many` rows of SQL expressions in `n`; other required columns get 0 or an empty text."""
    for _, name, kind, not_null, default, is_key in database.execute(
        f"PRAGMA table_info({table})"
    ).fetchall():
        if not_null and default is None and not is_key and name not in columns:
            columns[name] = "''" if kind.startswith(("varchar", "text")) else "0"
    names, values = ", ".join(f'"{name}"' for name in columns), ", ".join(columns.values())
    statement = f"INSERT INTO {table} ({names}) {NUMBERS} SELECT {values} FROM c"  # noqa: S608 -- our own names
    database.execute(statement, {"many": many})


def fill_database(path: Path, rows: int) -> None:
    """Insert `rows` rows into a migrated, empty SQLite file: members, posts, comments, reactions."""
    rest = rows - MEMBERS
    posts, comments = rest // 10, rest * 3 // 10
    # Partly random, so that it compresses no better than real texts.
    text = f"substr('{SAMPLE_TEXT * 10}', 1, 100 + n * 37 % 800) || hex(randomblob(40 + n % 100))"
    with sqlite3.connect(path) as database:
        _insert(
            database, "users_user", MEMBERS, username="'m' || n", email="'m' || n || '@example.org'",
            name="'Member ' || n", is_active="1", date_joined=MOMENT, joined_at=MOMENT,
        )  # fmt: skip
        body = {"text": text, "html": f"'<p>' || {text} || '</p>'", "created_at": MOMENT}
        _insert(database, "feed_post", posts, author_id=MEMBER, audience="n % 3", **body)
        post = f"1 + n * 11 % {posts}"
        _insert(database, "feed_comment", comments, author_id=MEMBER, post_id=post, **body)
        # Each pair of post and member once, because of the unique constraint.
        pair = {"post_id": f"1 + n % {posts}", "member_id": f"1 + (n / {posts} * 13 + n) % {MEMBERS}"}
        _insert(database, "feed_reaction", rest - posts - comments, kind="'like'", created_at=MOMENT, **pair)
    database.close()


def measure_transfer(rows: int) -> list[tuple[str, CommandCost]]:
    """Export, import and verify `rows` rows; return the cost of each command."""
    costs = []
    with temporary_folder(None) as folder, postgres_server() as server:
        source, target = folder / "source", folder / "target"
        source.mkdir()
        here = create_environment(source)
        there = create_environment(target, DATABASE_URL=server.url)
        measure_command(here, "migrate", "--verbosity", "0")
        file, export = source / "db.sqlite3", folder / "export"
        fill_database(file, rows)
        print(f"The SQLite file has {file.stat().st_size / 1e6:,.0f} MB.", flush=True)
        costs.append(("export", measure_command(here, "export_data", str(export))))
        size = sum(path.stat().st_size for path in export.rglob("*") if path.is_file())
        print(f"The export has {size / 1e6:,.0f} MB.", flush=True)
        measure_command(there, "migrate", "--verbosity", "0")
        costs.append(("import", measure_command(there, "import_data", str(export))))
        costs.append(("verify (export)", measure_command(there, "verify_migration", str(export))))
        costs.append(("verify (SQLite)", measure_command(there, "verify_migration", str(file))))
        costs.append(("import, again", measure_command(there, "import_data", str(export))))
    return costs


def main() -> int:
    """Run the bench; return 1 when a command needs more than MAX_MIB."""
    parser = argparse.ArgumentParser(prog="python -m bench.transfer", description="Measure the move.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="default: 1,000,000")
    rows = parser.parse_args().rows
    costs = measure_transfer(rows)
    print(f"\n{'step':18} {'seconds':>8} {'rows/s':>9} {'peak MiB':>9}   (target: {MAX_MIB} MiB)")
    for step, cost in costs:
        print(f"{step:18} {cost.seconds:8.1f} {rows / cost.seconds:9,.0f} {cost.peak_mib:9.0f}")
    return 1 if any(cost.peak_mib > MAX_MIB for _, cost in costs) else 0


if __name__ == "__main__":
    sys.exit(main())
