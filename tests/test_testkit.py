"""What goes wrong around a test ends with a sentence that says what to do, and leaves no process and no folder."""

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
from scripts.servers import HOST, Server, ServerStartError, free_port, postgres_server, run_on_free_port

from .testkit.disks import small_disk

LISTEN = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening on", sys.argv[1], flush=True)
server.accept()
"""
HOLD = """
import sys, time
from pathlib import Path
from tests.testkit.prepared import exclusive_lock
with exclusive_lock(Path(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.read()
"""

SETTLED = """
from django.conf import settings
print(settings.MEDIA_ROOT.parent.name, flush=True)
input()
"""


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder for temporary files, and nobody else's."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)  # PostgreSQL's user passes through it
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def listener(folder: Path, port: int) -> Server:
    """A server that takes the port. Its log tells when: whoever has the port already would answer too."""
    command = [sys.executable, "-c", LISTEN, str(port)]
    return Server(command, lambda: f"listening on {port}" in said_in(folder), folder, None, signal.SIGTERM)


def said_in(folder: Path) -> str:
    return (folder / "log").read_text()


def test_a_server_that_gives_no_answer_is_ended_and_named(
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


def test_a_port_that_was_taken_meanwhile_is_passed_over(tmp_path: Path) -> None:
    with socket.create_server((HOST, free_port())) as taken:
        ports = iter([taken.getsockname()[1]])
        with run_on_free_port(lambda port: listener(tmp_path, next(ports, port))) as server:
            assert server.process
            assert "Address already in use" in said_in(tmp_path)


def test_a_port_that_stays_taken_is_told_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server((HOST, free_port())) as taken:
        server = listener(tmp_path, taken.getsockname()[1])
        with pytest.raises(ServerStartError, match="Another program has its port: try again"):
            server.start()
    assert server.process is None


@pytest.mark.parametrize("is_copied", [False, True], ids=["new", "copied"])
def test_a_full_temporary_folder_is_told_with_what_to_do_and_left_empty(
    scratch: Path, tmp_path_factory: pytest.TempPathFactory, is_copied: bool
) -> None:
    cluster = tmp_path_factory.mktemp("cluster")
    (cluster / "table").write_bytes(b"x" * 200_000)
    with (
        small_disk(100_000),
        pytest.raises(ServerStartError, match="Make room in the temporary folder, or name another"),
        postgres_server(cluster if is_copied else None),
    ):
        pass
    assert list(scratch.iterdir()) == []


def started(lock: Path) -> subprocess.Popen[str]:
    """Another run that needs the lock, and says so when it has it."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", HOLD, str(lock)]
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_a_second_run_says_that_it_waits_and_goes_on_when_the_first_is_killed(tmp_path: Path) -> None:
    with started(tmp_path / "lock") as first:
        assert first.stdout
        assert first.stdout.readline() == "mine\n"
        with started(tmp_path / "lock") as second:
            assert second.stdout
            assert second.stderr
            assert "Waiting for it" in second.stderr.readline()
            first.kill()
            assert second.stdout.readline() == "mine\n"
            second.communicate("", timeout=10)
    assert second.returncode == 0


def test_what_a_killed_worker_leaves_goes_with_the_next_run(scratch: Path) -> None:
    variables = os.environ | {
        "DJANGO_SETTINGS_MODULE": "professional_network.settings.test",
        "TMPDIR": str(scratch),
        "PYTHONPATH": str(ROOT),
    }
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", SETTLED]
    with subprocess.Popen(command, env=variables, stdin=pipe, stdout=pipe, text=True) as worker:
        assert worker.stdout
        left = worker.stdout.readline().strip()
        worker.kill()
    assert [path.name for path in scratch.iterdir()] == [left]
    with servers.temporary_folder(None):
        assert left not in {path.name for path in scratch.iterdir()}
