"""Failures of test servers have a message that says what to do, and leave no process and no folder."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import servers
from scripts.programs import ROOT
from scripts.servers import HOST, Server, ServerStartError, find_free_port, postgres_server, run_on_free_port

from .testkit.file_size_limit import limit_file_size

LISTENER_SCRIPT = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening on", sys.argv[1], flush=True)
server.accept()
"""
LOCK_SCRIPT = """
import sys, time
from pathlib import Path
from tests.testkit.prepared_files import hold_lock_file
with hold_lock_file(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""

SETTINGS_SCRIPT = """
from django.conf import settings
print(settings.MEDIA_ROOT.parent.name, flush=True)
input()
"""


@pytest.fixture
def empty_temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder for temporary files, with nothing in it."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)  # PostgreSQL's user passes through it
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def listening_server(folder: Path, port: int) -> Server:
    """A server that listens on the port. Its log says when: another server on the port would answer, too."""
    command = [sys.executable, "-c", LISTENER_SCRIPT, str(port)]
    return Server(command, lambda: f"listening on {port}" in read_log(folder), folder, None, signal.SIGTERM)


def read_log(folder: Path) -> str:
    return (folder / "log").read_text()


def test_a_server_that_gives_no_answer_is_killed_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "START_TIMEOUT", 0.2)
    command = ["sh", "-c", "echo $$; echo still thinking; exec sleep 60"]
    server = Server(command, lambda: False, tmp_path, None, signal.SIGTERM)
    with pytest.raises(ServerStartError, match=r"gave no answer in 0 s:\n\d+\nstill thinking") as failed:
        server.start()
    assert server.process is None
    found = re.search(r"^(\d+)$", str(failed.value), re.MULTILINE)
    assert found
    assert not Path(f"/proc/{found[1]}").exists()


def test_another_port_is_used_when_the_first_was_taken_meanwhile(tmp_path: Path) -> None:
    with socket.create_server((HOST, find_free_port())) as taken:
        ports = iter([taken.getsockname()[1]])
        with run_on_free_port(lambda port: listening_server(tmp_path, next(ports, port))) as server:
            assert server.process
            assert "Address already in use" in read_log(tmp_path)


def test_a_port_that_stays_taken_raises_an_error_with_a_hint(tmp_path: Path) -> None:
    with socket.create_server((HOST, find_free_port())) as taken:
        server = listening_server(tmp_path, taken.getsockname()[1])
        with pytest.raises(ServerStartError, match="Another program has its port: try again"):
            server.start()
    assert server.process is None


@pytest.mark.parametrize("is_copied", [False, True], ids=["new", "copied"])
def test_a_full_temporary_folder_raises_an_error_with_a_hint_and_is_left_empty(
    empty_temporary_folder: Path, tmp_path_factory: pytest.TempPathFactory, is_copied: bool
) -> None:
    cluster = tmp_path_factory.mktemp("cluster")
    (cluster / "table").write_bytes(b"x" * 200_000)
    with (
        limit_file_size(100_000),
        pytest.raises(ServerStartError, match="Make room in the temporary folder, or name another"),
        postgres_server(cluster if is_copied else None),
    ):
        pass
    assert list(empty_temporary_folder.iterdir()) == []


def start_lock_script(lock: Path) -> subprocess.Popen[str]:
    """Start a process that takes the lock, and prints when it has it."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", LOCK_SCRIPT, str(lock)]
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_a_second_run_says_that_it_waits_and_continues_when_the_first_is_killed(tmp_path: Path) -> None:
    with start_lock_script(tmp_path / "lock") as first:
        assert first.stdout
        assert first.stdout.readline() == "locked\n"
        with start_lock_script(tmp_path / "lock") as second:
            assert second.stdout
            assert second.stderr
            assert "Waiting for it" in second.stderr.readline()
            first.kill()
            assert second.stdout.readline() == "locked\n"
            second.communicate("", timeout=10)
    assert second.returncode == 0


def test_the_next_run_removes_the_folder_of_a_killed_worker(empty_temporary_folder: Path) -> None:
    variables = os.environ | {
        "DJANGO_SETTINGS_MODULE": "professional_network.settings.test",
        "TMPDIR": str(empty_temporary_folder),
        "PYTHONPATH": str(ROOT),
    }
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", SETTINGS_SCRIPT]
    with subprocess.Popen(command, env=variables, stdin=pipe, stdout=pipe, text=True) as worker:
        assert worker.stdout
        left = worker.stdout.readline().strip()
        worker.kill()
    assert [path.name for path in empty_temporary_folder.iterdir()] == [left]
    with servers.temporary_folder(None):
        assert left not in {path.name for path in empty_temporary_folder.iterdir()}
