"""Argon2 hasher that limits concurrent hashes per process, since each one needs 100 MiB."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from django.conf import settings
from django.contrib.auth import hashers
from django.utils.translation import gettext as _

from core.web.rate_limits import RateLimited

# Hashing takes a fraction of a second, so this is a queue of dozens of requests.
MAX_WAIT_SECONDS = 25.0
RETRY_AFTER = 5


class HashingOverloaded(RateLimited):
    """No hash could start within MAX_WAIT_SECONDS. Forms show it as an error; elsewhere middleware renders a page."""

    def __init__(self) -> None:
        super().__init__(RETRY_AFTER)
        self.words = _("Many people are signing in at this moment. Please try again in a few seconds.")
        self.message = self.words


class LimitedHasher(hashers.BasePasswordHasher):
    """Mixin: all such hashers together run at most settings.PASSWORD_HASHES_AT_ONCE hashes at a time per process."""

    def encode(self, password: str, salt: str) -> str:
        with _hash_slot():
            return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        with _hash_slot():
            return bool(super().verify(password, encoded))


class Argon2PasswordHasher(LimitedHasher, hashers.Argon2PasswordHasher):
    """Django's hasher with the limit; the format of stored passwords is the same."""


@contextmanager
def _hash_slot() -> Iterator[None]:
    semaphore = _hash_semaphore(settings.PASSWORD_HASHES_AT_ONCE)
    if not semaphore.acquire(timeout=MAX_WAIT_SECONDS):
        raise HashingOverloaded
    try:
        yield
    finally:
        semaphore.release()


@cache
def _hash_semaphore(limit: int) -> BoundedSemaphore:
    return BoundedSemaphore(max(limit, 1))
