"""pytest plugin that picks the database of a run before Django reads its settings.

`pytest feed` runs on SQLite, `pytest feed --database=postgres` on a private PostgreSQL that lives as long as
the run (or on the one that `DATABASE_URL` names). `--only-what-differs` leaves in what the databases may answer
differently: tests with the marker `both` or that of this database, and those of the folders in BOTH_FOLDERS.
It also keeps tests/e2e and tests/integration out of a run that did not ask for them, by path or by marker.
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
# Database → the marker of the tests that it is not for.
FOREIGN = {"sqlite": "postgres_only", "postgres": "sqlite_only"}
# Their subject is databases: each of their tests has the marker `both`.
BOTH_FOLDERS = (Path("tests/backup"), Path("tests/transfer"))
# Folder → the marker that each of its tests gets.
SLOW_FOLDERS = {Path("tests/e2e"): "e2e", Path("tests/integration"): "integration"}


# A file system in memory, as Linux has it. PostgreSQL makes a database there in 15 ms, on a disk in 200.
IN_MEMORY = Path("/dev/shm")  # noqa: S108 -- its folders have random names, as those in /tmp
LEAST_ROOM = 4 * 1024**3


def _put_temporary_files_in_memory() -> None:
    """Make IN_MEMORY the temporary folder of this process and its children; not without LEAST_ROOM, nor in place of a
    TMPDIR that is set.
    """
    if "TMPDIR" in os.environ or not os.access(IN_MEMORY, os.W_OK):
        return
    if shutil.disk_usage(IN_MEMORY).free >= LEAST_ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = str(IN_MEMORY)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--database` and `--only-what-differs`."""
    group = parser.getgroup("linkup")
    group.addoption(
        "--database",
        choices=DATABASES,
        default=os.environ.get("TEST_DATABASE") or "sqlite",
        help="the database to test on; postgres starts a private server (default: $TEST_DATABASE or sqlite)",
    )
    group.addoption(
        "--only-what-differs",
        action="store_true",
        help="only the tests that are about this database, or about what databases answer differently",
    )
    group.addoption(
        "--measured",
        action="store_true",
        help="judge how long things took, which says something only where nothing runs beside",
    )


def _choose_database(name: str, exit_stack: ExitStack) -> None:
    """Point `DATABASE_URL` at the database, for this process and the workers that it will start."""
    if name == "sqlite":
        os.environ["DATABASE_URL"] = "sqlite:///:memory:"
        return
    # The rows of a test are never committed. An ANALYZE by autovacuum in the middle of one finds the tables empty, and
    # from then on a page with a hundred rows is planned for one: minutes instead of milliseconds. PostgreSQL without
    # statistics goes by the size of the files.
    database = private_postgres(autovacuum="off")
    try:
        os.environ["DATABASE_URL"] = exit_stack.enter_context(database)
    except (ProgramMissingError, ServerStartError) as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Runs before pytest-django loads the settings, because wrappers come first."""
    options = early_config.known_args_namespace
    if options.database not in DATABASES:
        raise pytest.UsageError(f"TEST_DATABASE must be one of {', '.join(DATABASES)}.")
    _put_temporary_files_in_memory()
    is_worker = "PYTEST_XDIST_WORKER" in os.environ  # it inherits DATABASE_URL
    if not is_worker and not options.help and not options.version:
        exit_stack = ExitStack()
        early_config.add_cleanup(exit_stack.close)
        _choose_database(options.database, exit_stack)
    return (yield)


def pytest_report_header(config: pytest.Config) -> str:
    """Say which database this is."""
    return f"database: {config.getoption('database')}"


def _asked_for(config: pytest.Config, folder: Path, marker: str) -> bool:
    """Whether the command line names the folder, something in it, or its marker."""
    if marker in config.getoption("markexpr"):
        return True
    start = config.invocation_params.dir
    named = [(start / argument.partition("::")[0]).resolve() for argument in config.args]
    return any(path.is_relative_to(config.rootpath / folder) for path in named)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the slow folders alone unless they were asked for."""
    for folder, marker in SLOW_FOLDERS.items():
        if collection_path == config.rootpath / folder and not _asked_for(config, folder, marker):
            return True
    return None


def _markers_of(item: pytest.Item) -> list[str]:
    """What the folder of a test says of it."""
    root = item.config.rootpath
    folders = {**SLOW_FOLDERS, **dict.fromkeys(BOTH_FOLDERS, "both")}
    return [name for folder, name in folders.items() if item.path.is_relative_to(root / folder)]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests by their folders, and deselect what does not apply to this database."""
    database = config.getoption("database")
    differs = {"both", *FOREIGN.values()} if config.getoption("only_what_differs") else set()
    wanted: list[pytest.Item] = []
    unwanted: list[pytest.Item] = []
    for item in items:
        for name in _markers_of(item):
            item.add_marker(name)
        markers = {marker.name for marker in item.iter_markers()}
        is_foreign = FOREIGN[database] in markers
        is_elsewhere = bool(differs) and not differs & markers
        (unwanted if is_foreign or is_elsewhere else wanted).append(item)
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        items[:] = wanted
