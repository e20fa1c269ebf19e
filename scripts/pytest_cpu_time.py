"""pytest plugin that records the CPU seconds of each test, including child processes and servers that tests share.

They are the property `cpu` in the JUnit file, which scripts.suite reads. The cost of a session fixture is counted with
the first test that uses it.
"""

import os
import resource
import time
from collections.abc import Generator
from pathlib import Path

import pytest

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_cpu_at_start = pytest.StashKey[float]()


def _total_cpu_seconds() -> float:
    """Return the CPU seconds of this process, of the children it has waited for, and of those that still run."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = sum(map(_tree_cpu_seconds, _child_pids("self")))
    return time.process_time() + ended.ru_utime + ended.ru_stime + running


def _child_pids(pid: int | str) -> list[int]:
    """Return the running children of a process; none when it has ended, or when the kernel is not Linux."""
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [int(child) for children in lists for child in children.split()]


def _tree_cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process, of its running children, and of those it has waited for."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, after_name[11:15])) / CLOCK_TICKS + sum(map(_tree_cpu_seconds, _child_pids(pid)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Read the clock before any fixture is set up."""
    item.stash[_cpu_at_start] = _total_cpu_seconds()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None]:
    """Record the CPU seconds after the last fixture was torn down, before the report copies the properties."""
    if call.when == "teardown" and _cpu_at_start in item.stash:
        item.user_properties.append(("cpu", f"{_total_cpu_seconds() - item.stash[_cpu_at_start]:.3f}"))
    return (yield)
