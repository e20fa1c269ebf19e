"""The upgrades of docs/UPGRADING.md, one after the other, while members read, sign in, post and write to each other.

The old version runs in a separate folder, the new one is made ready beside it, as on a server. Each version's
migrations and edits are those of the page.
"""

import shutil
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2
import pytest

from scripts.programs import ROOT
from scripts.servers import Server, temporary_folder
from scripts.stack import Stack, is_healthy, web_command
from scripts.visitor import Visitor
from tests.migration_example import load_releases
from tests.testkit.prepared_files import MIGRATED_DATABASE

from .conftest import FaultTable
from .people import PASSWORD, SCRIPT
from .test_faults import seconds_until
from .town import LockLog, Town

pytestmark = pytest.mark.night

NAME = "expand and contract"
# What a server does not have, and what would make the copies slow.
LEFT_OUT = (
    ".*",
    "node_modules",
    "tests",
    "bench",
    "docs",
    "test-results",
    "media",
    "logs",
    "db.sqlite3*",
)
FRIENDS = """
from network.models import Connection
from users.models import User
low, high = User.objects.order_by("pk")
Connection.objects.create(low=low, high=high, inviter=low, state=1, connected_at=low.joined_at)
"""


@dataclass
class Installation:
    """LinkUp on a server: the folder that runs, the one in which the next version is made ready, and a database."""

    stack: Stack
    running: Path
    coming: Path

    def manage(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """A command of the coming version."""
        return self.start(*arguments).finish(check=check)

    def start(self, *arguments: str) -> "Command":
        command = [sys.executable, "manage.py", *arguments]
        return Command(
            subprocess.Popen(
                command,
                cwd=self.coming,
                env=self.stack.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )

    def prepare(self, version: str) -> None:
        """Make the files of the next version ready beside those that run."""
        release = load_releases()[version]
        for path, code in release.migrations.items():
            (self.coming / path).write_text(code)
        for edit in release.edits:
            edit.apply(self.coming)

    def deploy(self, version: str) -> None:
        """Put the files of the coming version in place, and let gunicorn take them."""
        release, before = load_releases()[version], set(self.stack.web.children())
        for path in [*release.migrations, *(edit.path for edit in release.edits)]:
            shutil.copyfile(self.coming / path, self.running / path)
        self.stack.reload_web()
        seconds_until(lambda: not before & set(self.stack.web.children()), 90)

    def connect(self, name: str = "") -> psycopg2.extensions.connection:
        connection = psycopg2.connect(self.stack.environment["DATABASE_URL"], application_name=name)
        connection.autocommit = not name
        return connection

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()
        finally:
            connection.close()


class Command:
    """A management command at work."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def finish(self, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
        said, _ = self._process.communicate(timeout=120)
        assert not check or self._process.returncode == 0, said
        return subprocess.CompletedProcess(self._process.args, self._process.returncode, said)


@contextmanager
def served_from(folder: Path, stack: Stack) -> Iterator[Server]:
    """gunicorn on the folder's code, instead of the stack's."""
    server_folder = folder.parent / "gunicorn"
    server_folder.mkdir()
    web = Server(
        web_command(stack.site.web_port),
        lambda: is_healthy(stack.site.web_port),
        server_folder,
        None,
        stop=stack.web._stop,
        environment=stack.environment,
        start_in=folder,
    )
    stack.web.stop()
    try:
        web.start()
        yield web
    finally:
        web.stop()
        stack.web.start()


@pytest.fixture
def installation(stack: Stack) -> Iterator[Installation]:
    """A separate network behind the stack's nginx, with two members who are connected."""
    maintenance = psycopg2.connect(stack.postgres.url)
    maintenance.autocommit = True
    name = f"upgrade_{uuid.uuid4().hex[:8]}"
    maintenance.cursor().execute(f"CREATE DATABASE {name} TEMPLATE {MIGRATED_DATABASE}")
    environment = {
        **stack.environment,
        "DATABASE_URL": f"{stack.postgres.url.rpartition('/')[0]}/{name}",
        "REDIS_URL": f"{stack.redis.url.rpartition('/')[0]}/5",
        # Two members are the whole town.
        "MEMBER_LIMITS_FACTOR": "0",
    }
    ours = replace(stack, environment=environment)
    with temporary_folder(None) as folder:
        running, coming = folder / "linkup", folder / "linkup-next"
        for copy in (running, coming):
            shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
        ours.run_manage_command("shell", "--command", SCRIPT % (["alice", "bob"], PASSWORD) + FRIENDS)
        with served_from(running, ours) as web:
            yield Installation(replace(ours, web=web), running, coming)
    maintenance.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
    maintenance.close()


@pytest.fixture
def town(installation: Installation) -> Iterator[Town]:
    with Visitor(installation.stack) as bob:
        bob.sign_in("bob", PASSWORD)
        bob.submit_form("/messages/to/alice/", text="Hello")
    living = Town(installation.stack)
    yield living
    living.go_home()


@pytest.fixture
def locks(installation: Installation) -> Iterator[LockLog]:
    log = LockLog(installation.stack.environment["DATABASE_URL"])
    yield log
    log.close()


def test_four_versions_come_and_nobody_notices(
    installation: Installation, town: Town, locks: LockLog, fault_table: FaultTable
) -> None:
    town.goes_on()
    installation.prepare("0.2")
    _gives_up_behind_a_long_transaction(installation, town)
    _two_at_once_come_through_when_it_ends(installation)
    town.goes_on()  # the old code with the new tables
    installation.deploy("0.2")
    town.goes_on()
    for version in ("0.3", "0.4"):
        installation.prepare(version)
        installation.manage("migrate", "--verbosity", "0")
        town.goes_on()
        installation.deploy(version)
        town.goes_on()
    installation.prepare("0.5")
    installation.manage("migrate", "--verbosity", "0")
    town.goes_on()
    town.go_home()
    locks.close()
    _note(town, locks, fault_table)
    assert town.failures == {}
    assert {outcome.rpartition(" ")[0] for outcome in town.outcomes} == {
        "read",
        "inbox",
        "sign in",
        "post",
        "write",
    }
    assert locks.waited_for > (0.0,)
    _nothing_is_lost(installation, town)


def _gives_up_behind_a_long_transaction(installation: Installation, town: Town) -> None:
    """And visitors are served meanwhile, by the old code."""
    report = installation.connect("nightly report")
    with report.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM feed_post")
        done = installation.manage("migrate", "--tries", "1", check=False)
        assert done.returncode == 1
        assert "feed.0005_post_file_name could not get its lock" in done.stdout
        assert f"process {report.info.backend_pid} (nightly report, user linkup" in done.stdout
        town.goes_on()
    report.close()
    assert columns_of_posts(installation) == {"document_name"}


def _two_at_once_come_through_when_it_ends(installation: Installation) -> None:
    report = installation.connect("nightly report")
    report.cursor().execute("SELECT count(*) FROM feed_post")
    both = [installation.start("migrate"), installation.start("migrate")]
    watcher = installation.connect()
    with watcher.cursor() as cursor:

        def waits() -> bool:
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))",
                [report.info.backend_pid],
            )
            return cursor.fetchone() is not None

        seconds_until(waits, 60)
    watcher.close()
    report.close()
    said = [command.finish().stdout for command in both]
    assert sum("Another migrate is running" in words for words in said) == 1
    assert sum("Applying feed.0006_post_by_date... OK" in words for words in said) == 1
    assert columns_of_posts(installation) == {"document_name", "file_name"}
    assert installation.ask(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'feed_post_by_date'::regclass"
    ) == [(True,)]


def columns_of_posts(installation: Installation) -> set[object]:
    found = installation.ask(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'feed_post' "
        "AND column_name IN ('document_name', 'file_name')"
    )
    return {name for (name,) in found}


def _note(town: Town, locks: LockLog, fault_table: FaultTable) -> None:
    fault_table.record_count(NAME, "requests", sum(town.outcomes.values()))
    fault_table.record_count(NAME, "failed", sum(town.failures.values()))
    for what, seconds in sorted(town.slowest.items()):
        fault_table.record_duration(NAME, f"slowest: {what}", seconds)
    for word, (seconds, lock) in {"held": locks.held, "waited for": locks.waited_for}.items():
        fault_table.record_duration(NAME, f"lock {word} longest", seconds, most=3)
        fault_table.record_count(NAME, f"which one was {word}", lock)


def _nothing_is_lost(installation: Installation, town: Town) -> None:
    assert columns_of_posts(installation) == {"file_name"}
    kept = installation.ask("SELECT file_name FROM feed_post WHERE document <> ''")
    assert Counter(name for (name,) in kept) == Counter(town.files)
