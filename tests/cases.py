"""Many cases in one test: every one of them is tried, and a failure names all that deviate."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.core.cache import cache
from django.db import transaction

from core.database.lru_cache import clear_caches

Case = Callable[[object], AbstractContextManager[None]]


@contextmanager
def all_cases() -> Iterator[Case]:
    """Yields `case`, within which one case is tried under its name; at the end the test fails for all that failed.

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
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 -- all is told at the end
            failed.append((name, error))

    yield case
    if failed:
        # The first of them is shown whole above; of the others, what they begin with.
        words = [
            (_brief(name), type(error).__name__, str(error).partition("\n")[0]) for name, error in failed
        ]
        lines = [f"{name}: {kind} {beginning}" for name, kind, beginning in words]
        raise AssertionError("\n".join([f"{len(failed)} deviate:", *lines])) from failed[0][1]


def _brief(name: object) -> str:
    """A case may be called by what it sends, be that 20 MB."""
    text = str(name)
    return text if len(text) <= 100 else f"{text[:100]}…"


@contextmanager
def rolled_back() -> Iterator[None]:
    """What is done within leaves no row, and finds nothing remembered of what was rolled back before."""
    cache.clear()
    clear_caches()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
