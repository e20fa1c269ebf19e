"""The servers that tests start for themselves: they work, they are private, and nothing stays behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
import redis

from scripts import servers
from scripts.programs import ROOT

pytestmark = pytest.mark.night

# A runner that starts both servers, says where they are, and waits to be killed.
RUNNER = """
import time
from scripts.servers import private_postgres, private_redis
with private_postgres(use_environment=False) as database, private_redis(use_environment=False) as cache:
    print(database, cache, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files of our own, through which PostgreSQL's user may pass."""
    folder = Path("/tmp") / f"linkup-servers-test-{os.getpid()}"  # noqa: S108
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    yield folder
    shutil.rmtree(folder)


def somebody_listens(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((str(parts.hostname), int(parts.port or 0))) == 0


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def left_behind(scratch: Path) -> list[Path]:
    return list(scratch.glob(f"{servers.FOLDER_PREFIX}*"))


def test_postgres_answers_and_knows_the_case_of_all_letters() -> None:
    with servers.private_postgres() as url:
        connection = psycopg2.connect(url)
        with connection.cursor() as cursor:
            cursor.execute("SELECT lower('ÄÉЖ'), current_setting('fsync')")
            assert cursor.fetchone() == ("äéж", "off")
        connection.close()


def test_redis_answers_and_starts_empty() -> None:
    with servers.private_redis() as url:
        client = redis.Redis.from_url(url)
        assert client.set("key", "value")
        assert client.dbsize() == 1
        client.close()


def test_they_listen_on_this_machine_alone_below_the_ports_of_outgoing_connections() -> None:
    with servers.private_postgres() as database, servers.private_redis() as cache:
        for url in (database, cache):
            assert urlsplit(url).hostname == "127.0.0.1"
            assert 1024 < int(urlsplit(url).port or 0) < 32768


def test_two_at_once_are_two() -> None:
    with servers.private_redis() as one, servers.private_redis() as other:
        assert one != other


def test_nothing_stays_after_the_block(scratch: Path) -> None:
    with servers.private_postgres() as database, servers.private_redis() as cache:
        assert len(left_behind(scratch)) == 2
    assert not somebody_listens(database)
    assert not somebody_listens(cache)
    assert left_behind(scratch) == []


def test_nothing_stays_after_an_error_in_the_block(scratch: Path) -> None:
    with pytest.raises(ZeroDivisionError), servers.private_redis() as cache:
        _ = 1 / 0
    assert not somebody_listens(cache)
    assert left_behind(scratch) == []


def test_the_servers_die_with_a_killed_runner_and_the_next_one_tidies_up(scratch: Path) -> None:
    runner = subprocess.Popen([sys.executable, "-c", RUNNER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert runner.stdout
    database, cache = runner.stdout.readline().split()
    assert somebody_listens(database)
    assert somebody_listens(cache)
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    runner.stdout.close()
    assert wait_for(lambda: not somebody_listens(database) and not somebody_listens(cache))
    with servers.private_redis():
        assert len(left_behind(scratch)) == 1


def test_servers_named_by_the_environment_are_used_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://somebody@db.example:5432/theirs")
    monkeypatch.setenv("REDIS_URL", "redis://cache.example:6379/3")
    with servers.private_postgres() as database, servers.private_redis() as cache:
        assert database == "postgres://somebody@db.example:5432/theirs"
        assert cache == "redis://cache.example:6379/3"


def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(servers.QUICK_SETTINGS, "shared_buffers", "not a size")
    with pytest.raises(servers.ServerStartError, match="shared_buffers"), servers.private_postgres():
        pass
