"""Fixtures of the tests of users: a client that runs on_commit callbacks, and rate limits that start at zero."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client, TestCase

from users.models import User

from .accounts import sign_in_and_reauthenticate


class Browser(Client):
    """Runs the on_commit callbacks after each request, although the transaction of the test stays open."""

    def request(self, **request: Any) -> Any:
        with TestCase.captureOnCommitCallbacks(execute=True):
            return super().request(**request)


@pytest.fixture
def client() -> Client:
    return Browser()


@pytest.fixture
def reauthenticated(alice: User) -> Client:
    """Alice, who has just given her password."""
    browser = Browser()
    sign_in_and_reauthenticate(browser, alice.username)
    mail.outbox.clear()
    return browser


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()
