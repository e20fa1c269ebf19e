"""pytest plugin that writes down what each test costs: CPU seconds, those of its child processes included
and those of servers that tests share.

They land as the property `cpu` in the JUnit file, where scripts.suite reads them. What a fixture of a session costs is
counted with the first test that asks for it.
"""

import os
import resource
import time
from collections.abc import Generator
from pathlib import Path

import pytest

TICKS = os.sysconf("SC_CLK_TCK")
_started = pytest.StashKey[float]()


def _spent() -> float:
    """Seconds that this process was at work, the children that it has waited for, and the servers that still run."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime + sum(map(_of_tree, _children("self")))


def _children(pid: int | str) -> list[int]:
    """The children of a process that live; none where it has ended meanwhile, or where the kernel is not Linux."""
    try:
        told = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [int(child) for children in told for child in children.split()]


def _of_tree(pid: int) -> float:
    """Seconds of a process, of its children that live, and of those that it has waited for."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, after_name[11:15])) / TICKS + sum(map(_of_tree, _children(pid)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Before any fixture."""
    item.stash[_started] = _spent()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None]:
    """After the last fixture has gone, and before the report is made that carries the property away."""
    if call.when == "teardown" and _started in item.stash:
        item.user_properties.append(("cpu", f"{_spent() - item.stash[_started]:.3f}"))
    return (yield)
