"""What every test gets: a database file and a media folder of the run's own."""

import gc
import os
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import TransactionTestCase, override_settings
from hypothesis import settings as hypothesis_settings
from psycopg2.extensions import set_wait_callback
from pytest_django import DjangoDbBlocker

from core.database.lru_cache import clear_caches
from core.database.thread_pool import shut_pool
from tests.testkit.database_cleanup import empty_tables_after_test, vacuum_tables

pytest_plugins = ["tests.cast", "tests.log_scan"]

# How long one example takes says more about the machine than about the code. By day every run tries the same few, so
# that it fails for what was changed; HYPOTHESIS_PROFILE=night looks for new ones.
hypothesis_settings.register_profile("ci", deadline=None, max_examples=25, derandomize=True)
hypothesis_settings.register_profile("night", deadline=None, max_examples=300)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_finish() -> None:
    """What is imported by now stays: the collector need not walk through it again and again."""
    gc.collect()
    gc.freeze()


def _wait_as_commands_do() -> None:
    """Undo core.database.thread_pool.limit_waiting, which a test may have imported: with it a process cannot COPY, and
    gives up a PostgreSQL that is merely busy, as at the end of a run.
    """
    set_wait_callback(None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Before the fixtures, those of the session included."""
    _wait_as_commands_do()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Before the fixtures end: after the last test, the database is dropped."""
    _wait_as_commands_do()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite: a file (threads of race tests share it) that no run beside this one uses."""
    database = connections["default"].settings_dict
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session", autouse=True)
def _quick_emptying() -> Iterator[None]:
    """Tests that commit leave an empty database in a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables_after_test)
        yield


@pytest.fixture(scope="module", autouse=True)
def _no_dead_rows(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """What the tests of a file rolled back does not slow down the next file."""
    yield
    connection = connections["default"]
    if connection.vendor == "postgresql" and connection.connection is not None:
        with django_db_blocker.unblock():
            vacuum_tables(connection)


@pytest.fixture(scope="session", autouse=True)
def _media_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with override_settings(MEDIA_ROOT=str(tmp_path_factory.mktemp("media"))):
        yield


@pytest.fixture(autouse=True)
def _empty_memories() -> None:
    """Ids start again in each test, so nothing kept for one of the last test may be found."""
    cache.clear()
    clear_caches()


@pytest.fixture(autouse=True)
def _no_kept_connections() -> Iterator[None]:
    """The pool of `in_database` holds no connection to this test's database when the next one begins."""
    yield
    shut_pool()
