"""Many cases in one test: all of them run, and the failure lists all that failed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.core.cache import cache
from django.db import transaction

from core.database.lru_cache import clear_caches

Case = Callable[[object], AbstractContextManager[None]]


@contextmanager
def all_cases() -> Iterator[Case]:
    """Yield `case`, a context manager for one named case; fail at the end if any case failed.

    with all_cases() as case:
        for text, expected in TABLE.items():
            with case(text):
                assert clean(text) == expected
    """
    failed: list[tuple[object, BaseException]] = []

    @contextmanager
    def case(name: object) -> Iterator[None]:
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 -- all failures are reported at the end
            failed.append((name, error))

    yield case
    if failed:
        # pytest shows the first error in full; the message has the first line of each.
        failures = [
            (_shorten(name), type(error).__name__, str(error).partition("\n")[0]) for name, error in failed
        ]
        lines = [f"{name}: {kind} {beginning}" for name, kind, beginning in failures]
        raise AssertionError("\n".join([f"{len(failed)} deviate:", *lines])) from failed[0][1]


def _shorten(name: object) -> str:
    """Shorten a name: some cases are named by what they send, which may be 20 MB."""
    text = str(name)
    return text if len(text) <= 100 else f"{text[:100]}…"


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back what is stored in the block; caches are cleared before it."""
    cache.clear()
    clear_caches()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
