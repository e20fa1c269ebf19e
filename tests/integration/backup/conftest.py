"""A network on PostgreSQL whose members write, and empty servers beside it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.programs import ROOT
from tests.integration.transfer.installation import ALICE, Installation, manage
from tests.testkit.prepared_files import migrated_postgres
from tests.transfer.network import process_environment


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a database without members on a PostgreSQL of our own."""
    with migrated_postgres() as running:
        yield running.url


@pytest.fixture(scope="session")
def installation(server: str, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The network, with its uploads in the folder and its rows on the server."""
    folder = tmp_path_factory.mktemp("installation")
    command = [sys.executable, "-m", "tests.transfer.network", str(folder)]
    subprocess.run(command, cwd=ROOT, env=process_environment(server), check=True, capture_output=True)
    found = Installation(folder)
    manage(found.environment(DATABASE_URL=server), "shell", "--command", ALICE)
    return found


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    """Where backups may go."""
    return tmp_path / "backups"
