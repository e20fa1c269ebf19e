"""The deployed LinkUp and the moving network, both once for all tests of this folder."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.programs import ROOT
from scripts.servers import Server, die_with_parent, temporary_folder
from scripts.visitor import Visitor
from tests.testkit.prepared_files import migrated_postgres

from .installation import Installation, deployed, steps, walk
from .members import join
from .sample import LARGE, SMALL


@dataclass(frozen=True)
class Removal:
    """A network of so many members on its way from SQLite in `folder` to `server`."""

    members: int
    folder: Path
    server: Server
    process: "subprocess.Popen[bytes]"


@pytest.fixture(scope="session")
def removal(pytestconfig: pytest.Config) -> Iterator[Removal]:
    """It takes a while, so it begins before the guide is walked and goes on meanwhile."""
    members = LARGE if pytestconfig.getoption("check_durations") else SMALL
    with migrated_postgres() as server, temporary_folder(None) as folder:
        module = "tests.integration.deployment.sample"
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(folder), server.url, str(members)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 -- one prctl call, no locks
        )
        try:
            yield Removal(members, folder, server, process)
        finally:
            # The command that is at work goes with it.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()


@pytest.fixture(scope="session")
def empty_installation(removal: Removal) -> Iterator[Installation]:
    """Where nobody has followed the guide so far."""
    with deployed() as here:
        yield here


@pytest.fixture(scope="session")
def installation(empty_installation: Installation) -> Installation:
    """LinkUp as docs/DEPLOYMENT.md leads to it, a second daphne beside the first one."""
    walk(empty_installation, steps()[-1])
    return empty_installation


@pytest.fixture
def guest(installation: Installation) -> Iterator[Visitor]:
    """Somebody with a browser who has not signed in."""
    with Visitor(installation.served) as somebody:
        yield somebody


@pytest.fixture(scope="session")
def alice(installation: Installation) -> str:
    """The name of a member who has joined by the pages and the mail."""
    with Visitor(installation.served) as newcomer:
        join(newcomer, installation.mailbox, "alice")
    return "alice"
