"""The servers of this folder's tests: one PostgreSQL and Redis, and LinkUp on them as it should be."""

from collections.abc import Iterator

import pytest

from .cast import Cast
from .site import Ground, Site, ground, running_site

# More than the tests use: making one costs little, starting a shell for it a second.
CASTS = 24


@pytest.fixture(scope="session")
def base() -> Iterator[Ground]:
    """PostgreSQL with its casts, and Redis."""
    with ground(CASTS) as started:
        yield started


@pytest.fixture(scope="session")
def site(base: Ground) -> Iterator[Site]:
    """LinkUp, nothing broken, its sockets in two processes."""
    with running_site(base) as running:
        yield running


@pytest.fixture(scope="session")
def _casts(base: Ground) -> list[Cast]:
    return list(base.casts)


@pytest.fixture
def cast(_casts: list[Cast]) -> Cast:
    """People whom no other test has met."""
    return _casts.pop()
