"""Argon2 with a bound on how many passwords a process hashes at once: each takes 100 MiB for as long as it lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from django.conf import settings
from django.contrib.auth import hashers
from django.utils.translation import gettext as _

from core.web.rate_limits import RateLimited

# Seconds that a request waits for its turn. Hashing takes a fraction of one, so this is a queue of dozens.
PATIENCE = 25.0
RETRY_AFTER = 5


class TooManyAtOnce(RateLimited):
    """No turn came within PATIENCE. A form shows it like any other error; elsewhere middleware answers with a page."""

    def __init__(self) -> None:
        super().__init__(RETRY_AFTER)
        self.words = _("Many people are signing in at this moment. Please try again in a few seconds.")
        self.message = self.words


class FewAtOnce(hashers.BasePasswordHasher):
    """At most settings.PASSWORD_HASHES_AT_ONCE hashes of all such hashers are made in this process at a time."""

    def encode(self, password: str, salt: str) -> str:
        with _turn():
            return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        with _turn():
            return bool(super().verify(password, encoded))


class Argon2PasswordHasher(FewAtOnce, hashers.Argon2PasswordHasher):
    """Django's hasher, whose stored passwords stay as they are."""


@contextmanager
def _turn() -> Iterator[None]:
    turns = _turns(settings.PASSWORD_HASHES_AT_ONCE)
    if not turns.acquire(timeout=PATIENCE):
        raise TooManyAtOnce
    try:
        yield
    finally:
        turns.release()


@cache
def _turns(at_once: int) -> BoundedSemaphore:
    return BoundedSemaphore(max(at_once, 1))
