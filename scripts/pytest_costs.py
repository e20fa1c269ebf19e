"""pytest plugin that writes down what each test costs: seconds of the processor, those of its child processes included.

They land as the property `cpu` in the JUnit file, where scripts.suite reads them. What a fixture of a session costs is
counted with the first test that asks for it.
"""

import resource
import time
from collections.abc import Generator

import pytest

_started = pytest.StashKey[float]()


def _spent() -> float:
    """Seconds that this process and the children that it has waited for were at work."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


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
