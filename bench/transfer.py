"""The bench of the move to PostgreSQL: `python -m bench.transfer --rows 1000000`.

Fills a separate SQLite file, exports it, brings it into a private PostgreSQL, and verifies it against the export and
against the file. Prints time and peak memory of each command, and ends with 1 when one takes more memory than the bar.
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

BAR_MIB = 300
MEMBERS = 2000
LETTERS = "Zwölf Boxkämpfer jagen Viktor über den großen Sylter Deich; das geht nun schon seit Wochen so. "

# A small process in between: a new process begins with the peak of the one that forked it, and a test run is large.
LAUNCHER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
os.write(int(sys.argv[1]), str(usage.ru_maxrss).encode())
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""

# `n` counts from 1. Texts are of the length that people write: 100 to 900 characters, with their HTML beside.
NUMBERS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < :many) "
MOMENT = "strftime('%Y-%m-%d %H:%M:%S', 1760000000 + n * 7, 'unixepoch') || printf('.%06d', n % 1000000)"
MEMBER = f"1 + n * 7 % {MEMBERS}"


@dataclass(frozen=True)
class Figures:
    """What one command took."""

    seconds: float
    peak_mib: float


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """The variables of an installation in development settings, in a separate folder."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {**kept, "DJANGO_ENVIRONMENT": "development", "DATA_DIR": str(folder), **variables}


def manage(variables: dict[str, str], *arguments: str) -> Figures:
    """Run a command of manage.py and measure it. RuntimeError when it fails."""
    started = time.monotonic()
    reading, writing = os.pipe()
    command = [sys.executable, "-S", "-c", LAUNCHER, str(writing), sys.executable, "manage.py", *arguments]
    process = subprocess.Popen(  # noqa: S603 -- our own
        command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, pass_fds=[writing]
    )
    os.close(writing)
    with os.fdopen(reading) as told:
        peak = told.read()
    if process.wait():
        raise RuntimeError(f"manage.py {' '.join(arguments)} ended with {process.returncode}")
    return Figures(time.monotonic() - started, int(peak) / 1024)


def _insert(database: sqlite3.Connection, table: str, many: int, **columns: str) -> None:
    """Insert `many` rows of SQL expressions in `n`; columns that are not named get a zero or an empty text."""
    for _, name, kind, not_null, default, is_key in database.execute(
        f"PRAGMA table_info({table})"
    ).fetchall():
        if not_null and default is None and not is_key and name not in columns:
            columns[name] = "''" if kind.startswith(("varchar", "text")) else "0"
    names, values = ", ".join(f'"{name}"' for name in columns), ", ".join(columns.values())
    statement = f"INSERT INTO {table} ({names}) {NUMBERS} SELECT {values} FROM c"  # noqa: S608 -- our own names
    database.execute(statement, {"many": many})


def fill(path: Path, rows: int) -> None:
    """Put `rows` rows into a migrated, empty SQLite file: members, posts, comments, reactions."""
    rest = rows - MEMBERS
    posts, comments = rest // 10, rest * 3 // 10
    # Some of it by chance, so that it is compressed no better than what people write.
    text = f"substr('{LETTERS * 10}', 1, 100 + n * 37 % 800) || hex(randomblob(40 + n % 100))"
    with sqlite3.connect(path) as database:
        _insert(
            database, "users_user", MEMBERS, username="'m' || n", email="'m' || n || '@example.org'",
            name="'Member ' || n", is_active="1", date_joined=MOMENT, joined_at=MOMENT,
        )  # fmt: skip
        body = {"text": text, "html": f"'<p>' || {text} || '</p>'", "created_at": MOMENT}
        _insert(database, "feed_post", posts, author_id=MEMBER, audience="n % 3", **body)
        place = f"1 + n * 11 % {posts}"
        _insert(database, "feed_comment", comments, author_id=MEMBER, post_id=place, **body)
        # Each pair of post and member once, as the constraint wants it.
        pair = {"post_id": f"1 + n % {posts}", "member_id": f"1 + (n / {posts} * 13 + n) % {MEMBERS}"}
        _insert(database, "feed_reaction", rest - posts - comments, kind="'like'", created_at=MOMENT, **pair)
    database.close()


def run(rows: int) -> list[tuple[str, Figures]]:
    """The whole way once; what each command took."""
    taken = []
    with temporary_folder(None) as folder, postgres_server() as server:
        source, target = folder / "source", folder / "target"
        source.mkdir()
        here = environment(source)
        there = environment(target, DATABASE_URL=server.url)
        manage(here, "migrate", "--verbosity", "0")
        file, export = source / "db.sqlite3", folder / "export"
        fill(file, rows)
        print(f"The SQLite file has {file.stat().st_size / 1e6:,.0f} MB.", flush=True)
        taken.append(("export", manage(here, "export_data", str(export))))
        size = sum(path.stat().st_size for path in export.rglob("*") if path.is_file())
        print(f"The export has {size / 1e6:,.0f} MB.", flush=True)
        manage(there, "migrate", "--verbosity", "0")
        taken.append(("import", manage(there, "import_data", str(export))))
        taken.append(("verify (export)", manage(there, "verify_migration", str(export))))
        taken.append(("verify (SQLite)", manage(there, "verify_migration", str(file))))
        taken.append(("import, again", manage(there, "import_data", str(export))))
    return taken


def main() -> int:
    """Run the bench; 1 when a command takes more memory than the bar."""
    parser = argparse.ArgumentParser(prog="python -m bench.transfer", description="Measure the move.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="default: 1,000,000")
    rows = parser.parse_args().rows
    taken = run(rows)
    print(f"\n{'step':18} {'seconds':>8} {'rows/s':>9} {'peak MiB':>9}   (bar: {BAR_MIB} MiB)")
    for step, figures in taken:
        print(f"{step:18} {figures.seconds:8.1f} {rows / figures.seconds:9,.0f} {figures.peak_mib:9.0f}")
    return 1 if any(figures.peak_mib > BAR_MIB for _, figures in taken) else 0


if __name__ == "__main__":
    sys.exit(main())
