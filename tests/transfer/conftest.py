"""A network in a SQLite file, and an empty PostgreSQL, for each test."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.db import connections
from django.test import override_settings

from operations.transfer.exports import ExportFolder, export_network
from operations.transfer.imports import import_export
from operations.transfer.source import SqliteSource
from operations.transfer.tables import all_tables
from operations.transfer.verification import VerificationResult, verify_target
from scripts.programs import ROOT

from .network import build_network, process_environment


@dataclass(frozen=True)
class Network:
    """A SQLite installation: its file and its media folder."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "db.sqlite3"

    @property
    def media(self) -> Path:
        return self.folder / "media"

    def run_statement(self, statement: str, *values: Any) -> None:
        """Run a statement on the file without foreign keys and checks, as other programs may."""
        with closing(sqlite3.connect(self.file)) as database, database:
            database.execute("PRAGMA ignore_check_constraints = ON")
            database.execute(statement, values)

    def fetch_value(self, statement: str) -> Any:
        with closing(sqlite3.connect(self.file)) as database:
            return database.execute(statement).fetchone()[0]

    def open_source(self) -> SqliteSource:
        return SqliteSource(self.file, self.media, all_tables())

    def export_to(self, folder: Path, **options: Any) -> ExportFolder:
        """Export into `folder`."""
        with closing(self.open_source()) as source:
            export_network(source, folder, **options)
        return ExportFolder(folder, all_tables())


@pytest.fixture(scope="session")
def built_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; tests get copies."""
    folder = tmp_path_factory.mktemp("network")
    build_network(folder)
    return folder


@pytest.fixture
def network(built_network: Path, tmp_path: Path) -> Network:
    return Network(shutil.copytree(built_network, tmp_path / "network"))


@pytest.fixture(scope="session")
def built_export(built_network: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of the network, to be read only."""
    folder = tmp_path_factory.mktemp("exports") / "whole"
    Network(built_network).export_to(folder)
    return folder


@pytest.fixture
def exported(built_export: Path, tmp_path: Path) -> Path:
    """A copy of the export, to be damaged."""
    return shutil.copytree(built_export, tmp_path / "export")


def url_of(name: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


@dataclass(frozen=True)
class Database:
    """An empty, migrated PostgreSQL database, to which the settings point; `media` is the target's media folder."""

    name: str
    media: Path

    @property
    def url(self) -> str:
        return url_of(self.name)

    def run_statement(self, statement: str, *values: Any) -> list[Any]:
        """Run one statement by itself."""
        with closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []

    def count_rows(self, table: str) -> int:
        return int(self.run_statement(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 -- a name of ours

    def list_files(self) -> set[str]:
        return {path.relative_to(self.media).as_posix() for path in self.media.rglob("*") if path.is_file()}

    def is_untouched(self) -> bool:
        """Whether it is as `migrate` left it, files included."""
        tables = [table.name for table in all_tables() if not table.predefined]
        gone = self.run_statement("SELECT count(*) FROM django_content_type WHERE app_label = 'gone'")[0][0]
        return not any(map(self.count_rows, tables)) and not gone and not self.list_files()

    def import_export(self, folder: Path) -> None:
        import_export(ExportFolder(folder, all_tables()))

    def verify_with(self, folder: Path) -> VerificationResult:
        return verify_target(ExportFolder(folder, all_tables()))


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database that `migrate` has prepared; others are copied from it."""
    name = f"linkup_pristine_{os.getpid()}"
    with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
            command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(command, cwd=ROOT, env=process_environment(url_of(name)), check=True)
            yield name
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def copied_database(template: str, name: str) -> Iterator[None]:
    """The database `name`, a copy of `template`, for the time of the block."""
    with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            yield
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def use_database(database: Database) -> Iterator[Database]:
    """Let the settings name `database` inside the block."""
    before = connections["default"].settings_dict["NAME"]

    def call(name: str) -> None:
        # A connection that is kept gets a copy of its settings (core.database.thread_pool).
        connections.settings["default"]["NAME"] = connections["default"].settings_dict["NAME"] = name

    with override_settings(MEDIA_ROOT=str(database.media)):
        call(database.name)
        try:
            yield database
        finally:
            call(before)


@pytest.fixture
def database(pristine: str, tmp_path: Path) -> Iterator[Database]:
    """Let the settings name an empty database and an empty media folder for this test."""
    target = Database(pristine.replace("pristine", "target"), tmp_path / "media-of-target")
    with copied_database(pristine, target.name), use_database(target):
        yield target


@pytest.fixture(scope="session")
def filled(pristine: str, built_export: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with the network in it, made once; tests get copies."""
    target = Database(pristine.replace("pristine", "filled"), tmp_path_factory.mktemp("filled") / "media")
    with copied_database(pristine, target.name):
        with use_database(target):
            target.import_export(built_export)
        yield target


@pytest.fixture
def moved(filled: Database, tmp_path: Path) -> Iterator[Database]:
    """The same with the network in it."""
    target = Database(
        filled.name.replace("filled", "moved"), shutil.copytree(filled.media, tmp_path / "media-of-moved")
    )
    with copied_database(filled.name, target.name), use_database(target):
        yield target
