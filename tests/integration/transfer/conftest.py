"""The installation and a PostgreSQL, both once for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.servers import postgres_server
from tests.transfer.network import DEMO, build

from .installation import Installation, administer, beside


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """LinkUp on SQLite with the demo network; tests leave it as it is, but for sessions."""
    folder = tmp_path_factory.mktemp("installation")
    build(folder, DEMO)
    return Installation(folder)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a database `linkup` on a PostgreSQL of our own."""
    with postgres_server() as running:
        yield running.url


@pytest.fixture
def target(server: str) -> str:
    """The address of the same database, empty."""
    admin = beside(server, "postgres")
    administer(admin, "DROP DATABASE IF EXISTS linkup WITH (FORCE)")
    administer(admin, "CREATE DATABASE linkup")
    return server


@pytest.fixture
def export(tmp_path: Path) -> str:
    """Where an export may go."""
    return str(tmp_path / "export")
