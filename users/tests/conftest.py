"""What the tests of accounts need: a browser whose requests commit, and limits that do not carry over."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client, TestCase


class Browser(Client):
    """After each request, what waits for its commit happens, although the test's own transaction stays open."""

    def request(self, **request: Any) -> Any:
        with TestCase.captureOnCommitCallbacks(execute=True):
            return super().request(**request)


@pytest.fixture
def client() -> Client:
    return Browser()


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()
