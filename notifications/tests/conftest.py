"""What tests of mail share: a transaction that commits, which a test's own never does."""

import pytest

from .factories import Commit


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Commit) -> Commit:
    """What happens inside `with committed():` is committed at its end, so its mail leaves."""
    return lambda: django_capture_on_commit_callbacks(execute=True)
