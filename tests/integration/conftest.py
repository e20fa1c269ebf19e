"""The whole production stack, once for all tests that lean on it, and the table of what each fault cost."""

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
    """LinkUp as on a server, with two members; with an app more on its sockets (see room.py)."""
    with prepared_stack(ws_application="tests.integration.room:application", WEB_CONCURRENCY="2") as running:
        make_people(running)
        yield running


@pytest.fixture
def visitor(stack: Stack) -> Iterator[Visitor]:
    """Somebody with a browser who has not signed in."""
    with Visitor(stack) as somebody:
        yield somebody


@pytest.fixture
def alice(visitor: Visitor) -> Visitor:
    """A member who has signed in."""
    visitor.sign_in("alice", PASSWORD)
    return visitor


class FaultTable:
    """What a fault cost, for the table at the end of the run."""

    def __init__(self, *, judges: bool) -> None:
        self._judges = judges

    def note(self, fault: str, what: str, seconds: float, most: float | None = None) -> None:
        """`what` happened after so many seconds; where they are judged (`--measured`), more than `most` fails."""
        MEASURED.append((fault, what, f"{seconds:.2f} s"))
        if self._judges and most is not None:
            assert seconds <= most, f"{fault}: {what} {seconds:.2f} s, at most {most}"

    def count(self, fault: str, what: str, number: object) -> None:
        """`what` was counted."""
        MEASURED.append((fault, what, str(number)))


@pytest.fixture(scope="session")
def table(pytestconfig: pytest.Config) -> FaultTable:
    """Write down what is the same whatever runs beside it: numbers, memory, CPU seconds."""
    return FaultTable(judges=bool(pytestconfig.getoption("measured")))


@pytest.fixture(scope="session")
def fault_table(table: FaultTable) -> FaultTable:
    """Write down how long something took. Who asks for it is `measured`: `make checkpoint` judges the seconds."""
    return table


class LoadFolders(LoadFileScheduling):  # type: ignore[misc]
    """A folder stays in one worker, since its files share what took long to build; a file at the top is its own."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0].removeprefix("tests/integration/")
        return file.partition("/")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFolders:
    """Hand the tests to the workers by folders."""
    return LoadFolders(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Seconds are judged where nothing runs beside; elsewhere such a test asserts states and counts alone."""
    for item in items:
        if "fault_table" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.measured)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the table to the process that prints it, where this is one of its workers."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["measured"] = MEASURED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the table of a worker of pytest-xdist; one that broke off has none."""
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
