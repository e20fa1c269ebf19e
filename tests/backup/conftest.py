"""A network to back up and empty servers to restore into, on the database of the run."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connections
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from operations.backup.backup_file import BackupFile
from operations.backup.create import create_backup
from operations.backup.restore import restore_backup
from tests.integration.transfer.installation import Installation, manage
from tests.transfer.network import build_network

KEY = "a long sentence that only the tests know"
BIG = "posts/ff/big.webp"
numbers = count()


@dataclass(frozen=True)
class Server:
    """A database and a media folder, to which the settings point as long as the test runs."""

    name: str
    media: Path

    def run(self, statement: str, *values: Any) -> list[Any]:
        """Run one statement on the database, beside Django's connection."""
        if self.is_sqlite:
            with closing(sqlite3.connect(self.name)) as database, database:
                return database.execute(statement.replace("%s", "?"), values).fetchall()
        with closing(psycopg2.connect(_url_of(self.name))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []

    @property
    def is_sqlite(self) -> bool:
        return "/" in self.name

    def count(self, table: str) -> int:
        return int(self.run(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 -- a name of ours

    def tables(self) -> set[str]:
        statement = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        if self.is_sqlite:
            statement = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        return {name for (name,) in self.run(statement)}

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.media).as_posix(): path.read_bytes()
            for path in self.media.rglob("*")
            if path.is_file()
        }


def _url_of(name: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def _run_on_postgres(statement: str) -> None:
    with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(statement)


@contextmanager
def use_server(server: Server) -> Iterator[Server]:
    """Let the settings name `server` inside the block."""
    former = connections["default"]
    ours = connections.create_connection("default")
    ours.settings_dict = {**former.settings_dict, "NAME": server.name}
    connections["default"] = ours
    ContentType.objects.clear_cache()
    try:
        with override_settings(MEDIA_ROOT=str(server.media)):
            yield server
    finally:
        ours.close()
        connections["default"] = former
        ContentType.objects.clear_cache()


@contextmanager
def new_server(folder: Path, template: str = "") -> Iterator[Server]:
    """Yield a new server: without tables, or a copy of the database `template`."""
    media = folder / f"media{next(numbers)}"
    if connections["default"].vendor == "sqlite":
        file = folder / f"{media.name}.sqlite3"
        if template:
            shutil.copy(template, file)
        yield Server(str(file), media)
        return
    name = f"linkup_backup_{os.getpid()}_{media.name}"
    _run_on_postgres(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    yield Server(name, media)
    _run_on_postgres(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session", autouse=True)
def _databases_of_their_own(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let the tests use databases that pytest-django did not create."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the small network, made from SQLite and without a key; not to be changed."""
    folder = tmp_path_factory.mktemp("network")
    build_network(folder)
    (folder / "media" / BIG).parent.mkdir()
    (folder / "media" / BIG).write_bytes(os.urandom(300_000))
    installation = Installation(folder)
    manage(installation.environment(), "backup", str(folder / "plain.backup"), "--quiet")
    return folder / "plain.backup"


@pytest.fixture(scope="session")
def filled(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The network on a server, to be read and copied only."""
    with new_server(tmp_path_factory.mktemp("filled")) as server:
        with use_server(server):
            assert restore_backup(BackupFile(plain, "")).findings.is_same
        yield server


@pytest.fixture(scope="session")
def bare(filled: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that `migrate` has prepared, to be copied only."""
    with new_server(tmp_path_factory.mktemp("bare"), filled.name) as server:
        with use_server(server):
            call_command("flush", verbosity=0, interactive=False)
        yield server


@pytest.fixture
def prepared(bare: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A copy of it, the server of the settings."""
    with new_server(tmp_path_factory.mktemp("prepared"), bare.name) as server, use_server(server):
        yield server


@pytest.fixture
def network(filled: Server, tmp_path: Path) -> Iterator[Server]:
    """A copy of the network, on the server of the settings."""
    with new_server(tmp_path, filled.name) as server:
        shutil.copytree(filled.media, server.media)
        with use_server(server):
            yield server


@pytest.fixture
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without tables, the one of the settings."""
    with new_server(tmp_path_factory.mktemp("empty")) as server, use_server(server):
        yield server


@pytest.fixture(scope="session")
def encrypted(filled: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the network with KEY; not to be changed."""
    with use_server(filled):
        return create_backup(tmp_path_factory.mktemp("encrypted") / "sealed.backup", KEY).file
