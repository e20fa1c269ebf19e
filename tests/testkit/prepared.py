"""What every server of a test needs and nobody changes, made once for this code and copied from then on: the static
files that `collectstatic` makes, and a PostgreSQL with the tables that `migrate` makes.

Both lie in test-results/prepared/<fingerprint of the code>, also for the next run. Whoever tests the release itself
does not use them.
"""

import fcntl
import hashlib
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from scripts.programs import ROOT
from scripts.servers import Server, postgres_server, temporary_folder
from scripts.stack import Stack, collect_static, migrate, production_environment, running_stack

FOLDER = ROOT / "test-results" / "prepared"
# A database that nobody opens, so that it can be copied at any time.
TABLES = "tables"
# What migrations, content types, permissions and static files are made of.
APPS = ("core", "theme", "users", "network", "feed", "messaging", "notifications", "professional_network")
NO_REDIS = "redis://127.0.0.1:1/0"


@dataclass(frozen=True)
class Prepared:
    """A stopped PostgreSQL's data, whose databases `linkup` and TABLES have all tables and no rows of members; the same
    in a file of SQLite; and STATIC_ROOT."""

    cluster: Path
    sqlite: Path
    static: Path


def fingerprint() -> str:
    """The same for the same code of the apps and the same packages."""
    said = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    files = (path for app in APPS for path in (ROOT / app).rglob("*") if path.is_file())
    for path in sorted(files):
        if path.suffix != ".pyc" and "tests" not in path.parts:
            said.update(f"{path.relative_to(ROOT)}\0".encode())
            said.update(path.read_bytes())
    return said.hexdigest()[:16]


def prepared() -> Prepared:
    """Where they lie; made first when this code has none yet. A second run that asks meanwhile waits."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    place = FOLDER / fingerprint()
    with alone(FOLDER / "lock"):
        if not place.is_dir():
            for old in FOLDER.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            unfinished = place.with_suffix(".unfinished")
            _make(unfinished)
            unfinished.rename(place)
    return Prepared(place / "cluster", place / "db.sqlite3", place / "static")


def _make(place: Path) -> None:
    place.mkdir()
    with temporary_folder(None) as data, postgres_server() as server:
        environment = production_environment(server.url, NO_REDIS, data, STATIC_ROOT=str(place / "static"))
        migrate(environment)
        collect_static(environment)
        with closing(
            psycopg2.connect(urlsplit(server.url)._replace(path="/postgres").geturl())
        ) as administrator:
            administrator.autocommit = True
            administrator.cursor().execute(f"CREATE DATABASE {TABLES} TEMPLATE linkup")
        server.stop()
        shutil.copytree(server.folder / "data", place / "cluster")
        migrate(
            {**environment, "DJANGO_ENVIRONMENT": "development", "DATABASE_URL": "", "DATA_DIR": str(place)}
        )


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Only one process at a time; the kernel takes the lock back from one that is killed."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another run has {lock}. This one waits until it is done, or ended.", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def prepared_stack(**options: Any) -> Iterator[Stack]:
    """The whole stack for the time of the block, on copies of what is prepared. `options`: see running_stack."""
    made = prepared()
    with running_stack(cluster=made.cluster, static=made.static, **options) as stack:
        yield stack


@contextmanager
def prepared_postgres(**options: str) -> Iterator[Server]:
    """A PostgreSQL for the time of the block; its `url` is that of a database with all tables. See postgres_server."""
    with postgres_server(prepared().cluster, **options) as server:
        yield server


def prepared_sqlite(folder: Path) -> Path:
    """Put a database with all tables into the folder, where an installation on SQLite has it; returns its path."""
    return Path(shutil.copy(prepared().sqlite, folder / "db.sqlite3"))
