"""pytest plugin that picks the database of a run before Django reads its settings.

`pytest feed` runs on SQLite, `pytest feed --database=postgres` on a private PostgreSQL that is removed after the run
(or on the one that `DATABASE_URL` names). `--only-database-specific` selects the tests whose results may differ between
databases: those with the marker `both` or the one of this database, and those in BOTH_FOLDERS.
The plugin also excludes tests/e2e and tests/integration unless the command line names them by path or by marker.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .programs import ProgramMissingError
from .servers import ServerStartError, private_postgres

DATABASES = ("sqlite", "postgres")
# Database → the marker of the tests that do not run on it.
OTHER_MARKERS = {"sqlite": "postgres_only", "postgres": "sqlite_only"}
# Folders about databases: each of their tests gets the marker `both`.
BOTH_FOLDERS = (Path("tests/backup"), Path("tests/transfer"))
# Folder → the marker that each of its tests gets.
SLOW_FOLDERS = {Path("tests/e2e"): "e2e", Path("tests/integration"): "integration"}


# Linux's file system in memory. PostgreSQL creates a database there in 15 ms, on a disk in 200.
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 -- its folders have random names, as those in /tmp
MIN_FREE_BYTES = 4 * 1024**3


def _use_memory_for_temporary_files() -> None:
    """Make MEMORY_FOLDER the temporary folder of this process and its children.

    Not when TMPDIR is set, nor with less than MIN_FREE_BYTES.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY_FOLDER, os.W_OK):
        return
    if shutil.disk_usage(MEMORY_FOLDER).free >= MIN_FREE_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY_FOLDER)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--database`, `--only-database-specific` and `--check-durations`."""
    group = parser.getgroup("linkup")
    group.addoption(
        "--database",
        choices=DATABASES,
        default=os.environ.get("TEST_DATABASE") or "sqlite",
        help="the database to test on; postgres starts a private server (default: $TEST_DATABASE or sqlite)",
    )
    group.addoption(
        "--only-database-specific",
        action="store_true",
        help="only tests whose results may differ between databases",
    )
    group.addoption(
        "--check-durations",
        action="store_true",
        help="fail tests that take too long; only meaningful on an idle machine",
    )


def _choose_database(name: str, exit_stack: ExitStack) -> None:
    """Set `DATABASE_URL` for this process and the workers that it will start."""
    if name == "sqlite":
        os.environ["DATABASE_URL"] = "sqlite:///:memory:"
        return
    # Tests do not commit their rows. An ANALYZE by autovacuum would find the tables empty, and the planner would then
    # expect one row where a test has a hundred: minutes instead of milliseconds. Without statistics it estimates by
    # the size of the files.
    database = private_postgres(autovacuum="off")
    try:
        os.environ["DATABASE_URL"] = exit_stack.enter_context(database)
    except (ProgramMissingError, ServerStartError) as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Choose the database before pytest-django loads the settings; wrappers run first."""
    options = early_config.known_args_namespace
    if options.database not in DATABASES:
        raise pytest.UsageError(f"TEST_DATABASE must be one of {', '.join(DATABASES)}.")
    _use_memory_for_temporary_files()
    is_worker = "PYTEST_XDIST_WORKER" in os.environ  # it inherits DATABASE_URL
    if not is_worker and not options.help and not options.version:
        exit_stack = ExitStack()
        early_config.add_cleanup(exit_stack.close)
        _choose_database(options.database, exit_stack)
    return (yield)


def pytest_report_header(config: pytest.Config) -> str:
    """Print the database of the run."""
    return f"database: {config.getoption('database')}"


def _is_requested(config: pytest.Config, folder: Path, marker: str) -> bool:
    """Return whether the command line names the folder, a path in it, or its marker."""
    if marker in config.getoption("markexpr"):
        return True
    start = config.invocation_params.dir
    paths = [(start / argument.partition("::")[0]).resolve() for argument in config.args]
    return any(path.is_relative_to(config.rootpath / folder) for path in paths)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Exclude the slow folders unless the command line requests them."""
    for folder, marker in SLOW_FOLDERS.items():
        if collection_path == config.rootpath / folder and not _is_requested(config, folder, marker):
            return True
    return None


def _folder_markers(item: pytest.Item) -> list[str]:
    """Return the markers that a test gets from its folder."""
    root = item.config.rootpath
    folders = {**SLOW_FOLDERS, **dict.fromkeys(BOTH_FOLDERS, "both")}
    return [name for folder, name in folders.items() if item.path.is_relative_to(root / folder)]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the markers of the folders, and deselect tests that do not run on this database."""
    database = config.getoption("database")
    specific = {"both", *OTHER_MARKERS.values()} if config.getoption("only_database_specific") else set()
    selected: list[pytest.Item] = []
    deselected: list[pytest.Item] = []
    for item in items:
        for name in _folder_markers(item):
            item.add_marker(name)
        markers = {marker.name for marker in item.iter_markers()}
        is_for_other = OTHER_MARKERS[database] in markers
        is_portable = not specific & markers
        is_deselected = is_for_other or (bool(specific) and is_portable)
        (deselected if is_deselected else selected).append(item)
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = selected
