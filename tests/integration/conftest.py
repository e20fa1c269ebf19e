"""The production stack that most tests share, and the table of measurements at the end of a run."""

from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from scripts.stack import Stack
from scripts.visitor import Visitor
from tests.testkit.prepared_files import prepared_stack

from .people import PASSWORD, make_people

MEASURED: list[tuple[str, str, str]] = []


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The production stack with two members, and one more application on its sockets (see room.py)."""
    with prepared_stack(ws_application="tests.integration.room:application", WEB_CONCURRENCY="2") as running:
        make_people(running)
        yield running


@pytest.fixture
def visitor(stack: Stack) -> Iterator[Visitor]:
    """A browser that has not signed in."""
    with Visitor(stack) as browser:
        yield browser


@pytest.fixture
def alice(visitor: Visitor) -> Visitor:
    """A member who has signed in."""
    visitor.sign_in("alice", PASSWORD)
    return visitor


class FaultTable:
    """The table at the end of the run: durations and counts that the tests measured."""

    def __init__(self, *, checks_durations: bool) -> None:
        self._checks_durations = checks_durations

    def record_duration(self, fault: str, what: str, seconds: float, most: float | None = None) -> None:
        """Record a duration; with `--check-durations`, fail when it is more than `most`."""
        MEASURED.append((fault, what, f"{seconds:.2f} s"))
        if self._checks_durations and most is not None:
            assert seconds <= most, f"{fault}: {what} {seconds:.2f} s, at most {most}"

    def record_count(self, fault: str, what: str, number: object) -> None:
        """Record a count."""
        MEASURED.append((fault, what, str(number)))


@pytest.fixture(scope="session")
def table(pytestconfig: pytest.Config) -> FaultTable:
    """Records what a busy machine does not change: counts, memory, CPU seconds."""
    return FaultTable(checks_durations=bool(pytestconfig.getoption("check_durations")))


@pytest.fixture(scope="session")
def fault_table(table: FaultTable) -> FaultTable:
    """Records durations. Its tests get the marker `measured`: `make checkpoint` checks the seconds."""
    return table


class LoadFolders(LoadFileScheduling):  # type: ignore[misc]
    """Runs the files of a folder in one worker, since they share expensive fixtures."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0].removeprefix("tests/integration/")
        return file.partition("/")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFolders:
    """Distribute the tests to the workers by folder."""
    return LoadFolders(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that record durations."""
    for item in items:
        if "fault_table" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.measured)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the rows of a worker to the process that prints the table."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["measured"] = MEASURED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Receive the rows of a worker of pytest-xdist; a crashed worker sends none."""
    MEASURED.extend(getattr(node, "workeroutput", {}).get("measured", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    if not MEASURED:
        return
    terminalreporter.section("faults, measured")
    widths = [max(len(row[column]) for row in MEASURED) for column in range(3)]
    for row in MEASURED:
        terminalreporter.write_line(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        )
