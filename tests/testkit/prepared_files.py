"""Migrated databases and collected static files, prepared once per version of the code; tests use copies of them.

They are stored in test-results/prepared/<fingerprint of the code>. Tests of the release itself do not use them.
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
# The name of a migrated database without connections, which PostgreSQL can therefore copy at any time.
MIGRATED_DATABASE = "migrated"
# Migrations, content types, permissions and static files depend on these.
FINGERPRINTED_FOLDERS = (*APPS, "operations", "professional_network")


@dataclass(frozen=True)
class PreparedFiles:
    """Paths of the prepared files.

    `cluster` is the data folder of a stopped PostgreSQL with the migrated databases `linkup` and MIGRATED_DATABASE,
    `sqlite` a migrated file, `static` a filled STATIC_ROOT.
    """

    cluster: Path
    sqlite: Path
    static: Path


def fingerprint_code() -> str:
    """Return a hash of the apps' code and of the installed packages."""
    digest = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    files = (
        path for folder in FINGERPRINTED_FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()
    )
    for path in sorted(files):
        if path.suffix != ".pyc" and "tests" not in path.parts:
            digest.update(f"{path.relative_to(ROOT)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def prepare_files() -> PreparedFiles:
    """Return the prepared files of this code; create them first if necessary.

    A parallel run waits until they exist.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = FOLDER / fingerprint_code()
    with hold_lock_file(FOLDER / "lock"):
        if not folder.is_dir():
            for old in FOLDER.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            unfinished = folder.with_suffix(".unfinished")
            _create_files(unfinished)
            unfinished.rename(folder)
    return PreparedFiles(folder / "cluster", folder / "db.sqlite3", folder / "static")


def _create_files(folder: Path) -> None:
    folder.mkdir()
    with temporary_folder(None) as data, postgres_server() as server:
        environment = production_environment(server.url, NO_REDIS, data, STATIC_ROOT=str(folder / "static"))
        migrate(environment)
        collect_static(environment)
        with closing(
            psycopg2.connect(urlsplit(server.url)._replace(path="/postgres").geturl())
        ) as connection:
            connection.autocommit = True
            connection.cursor().execute(f"CREATE DATABASE {MIGRATED_DATABASE} TEMPLATE linkup")
        server.stop()
        shutil.copytree(server.folder / "data", folder / "cluster")
        migrate(
            {**environment, "DJANGO_ENVIRONMENT": "development", "DATABASE_URL": "", "DATA_DIR": str(folder)}
        )


@contextmanager
def hold_lock_file(path: Path) -> Iterator[None]:
    """Hold the lock file during the block; the kernel releases the lock of a killed process."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another run holds {path}. Waiting for it.", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def prepared_stack(**options: Any) -> Iterator[Stack]:
    """Run the whole stack during the block, on copies of the prepared files.

    `options`: see running_stack.
    """
    files = prepare_files()
    with running_stack(cluster=files.cluster, static=files.static, **options) as stack:
        yield stack


@contextmanager
def migrated_postgres(**options: str) -> Iterator[Server]:
    """Run a PostgreSQL with migrated databases during the block; `url` is that of `linkup`.

    `options`: see postgres_server.
    """
    with postgres_server(prepare_files().cluster, **options) as server:
        yield server


def copy_migrated_sqlite(folder: Path) -> Path:
    """Copy the migrated SQLite file into the installation in `folder`; return its path."""
    return Path(shutil.copy(prepare_files().sqlite, folder / "db.sqlite3"))
