"""Migrated databases and collected static files, made once for each state of the code; tests start on copies of them.

They are kept in test-results/prepared/<fingerprint of the code>. Tests of the release itself do not use them.
"""

import fcntl
import hashlib
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from scripts.programs import ROOT
from scripts.servers import Server, postgres_server, temporary_folder
from scripts.stack import (
    NO_REDIS,
    Stack,
    collect_static,
    migrate,
    production_environment,
    running_stack,
)
from scripts.suite import APPS

FOLDER = ROOT / "test-results" / "prepared"
# A database without connections, which PostgreSQL can therefore copy at any time.
MIGRATED = "migrated"
# Migrations, content types, permissions and static files depend on these.
CODE = (*APPS, "operations", "professional_network")


@dataclass(frozen=True)
class Prepared:
    """Where the prepared files are.

    `cluster` is the data of a stopped PostgreSQL with the migrated databases `linkup` and MIGRATED, `sqlite` a migrated
    file, `static` a filled STATIC_ROOT.
    """

    cluster: Path
    sqlite: Path
    static: Path


def fingerprint() -> str:
    """A hash of the apps' code and of the installed packages."""
    said = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    files = (path for folder in CODE for path in (ROOT / folder).rglob("*") if path.is_file())
    for path in sorted(files):
        if path.suffix != ".pyc" and "tests" not in path.parts:
            said.update(f"{path.relative_to(ROOT)}\0".encode())
            said.update(path.read_bytes())
    return said.hexdigest()[:16]


@cache
def prepared() -> Prepared:
    """Return the prepared files of this code, and make them first where there are none.

    A second run that asks meanwhile waits.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    place = FOLDER / fingerprint()
    with exclusive_lock(FOLDER / "lock"):
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
            administrator.cursor().execute(f"CREATE DATABASE {MIGRATED} TEMPLATE linkup")
        server.stop()
        shutil.copytree(server.folder / "data", place / "cluster")
        migrate(
            {**environment, "DJANGO_ENVIRONMENT": "development", "DATABASE_URL": "", "DATA_DIR": str(place)}
        )


@contextmanager
def exclusive_lock(lock: Path) -> Iterator[None]:
    """Keep other processes out for the time of the block; the kernel frees the lock of a killed process."""
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
    """Copy the migrated SQLite file to where an installation in `folder` expects it; returns its path."""
    return Path(shutil.copy(prepared().sqlite, folder / "db.sqlite3"))
