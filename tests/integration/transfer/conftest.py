"""The installation and a PostgreSQL, both once for all tests of this folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testkit.prepared_files import MIGRATED_DATABASE, migrated_postgres
from tests.transfer.network import build_network

from .installation import ALICE, Installation, manage, recreate


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """LinkUp on SQLite with a small network; tests leave it as it is."""
    found = Installation(tmp_path_factory.mktemp("installation"))
    build_network(found.folder)
    manage(found.environment(), "shell", "--command", ALICE)
    return found


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a database on a PostgreSQL of our own."""
    with migrated_postgres() as running:
        yield running.url


@pytest.fixture
def sqlite(installation: Installation, tmp_path: Path) -> Installation:
    """A copy of the installation, in which members write."""
    return Installation(Path(shutil.copytree(installation.folder, tmp_path / "sqlite")))


@pytest.fixture
def empty_target(server: str) -> str:
    """The address of the same database, without a table."""
    return recreate(server)


@pytest.fixture
def target(server: str) -> str:
    """The address of the same database, with all tables and no members."""
    return recreate(server, MIGRATED_DATABASE)


@pytest.fixture
def export(tmp_path: Path) -> str:
    """Where an export may go."""
    return str(tmp_path / "export")
