"""Fixture for tests of mail: a transaction whose on_commit callbacks run."""

import pytest

from .factories import Commit


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Commit) -> Commit:
    """A context manager that runs on_commit callbacks at its end, so that mail is sent."""
    return lambda: django_capture_on_commit_callbacks(execute=True)
