"""`make stack`: one command up, one Ctrl-C down, nothing left behind; and nginx's own word on the configuration."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from scripts.nginx import NginxSite, prepare_nginx
from scripts.programs import ROOT
from scripts.servers import FOLDER_PREFIX, find_free_port

pytestmark = pytest.mark.night


def folders_of(pid: int) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}{pid}-*"))


@pytest.mark.parametrize(
    ("stop_signal", "when"),
    [(signal.SIGINT, "Ctrl-C stops everything"), (signal.SIGTERM, "migrations and static files")],
)
def test_it_stops_at_a_signal_and_leaves_nothing(stop_signal: signal.Signals, when: str) -> None:
    """While it serves, and in the middle of its start."""
    https, http = find_free_port(), find_free_port()
    command = [sys.executable, "-m", "scripts.stack", "--empty", "--https", str(https), "--http", str(http)]
    stack = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert stack.stdout
    said = ""
    for line in stack.stdout:
        said += line
        if when in line:
            break
    assert when in said
    assert stop_signal != signal.SIGINT or f"https://localhost:{https}" in said
    assert folders_of(stack.pid)
    stack.send_signal(stop_signal)
    rest = stack.stdout.read()
    stack.stdout.close()
    assert (stack.wait(30), rest.strip().splitlines()[-1:]) == (0, ["Stopped."])
    assert folders_of(stack.pid) == []


def test_nginx_finds_no_fault_with_the_configuration(tmp_path: Path) -> None:
    site = NginxSite(
        tmp_path, tmp_path, tmp_path, find_free_port(), find_free_port(), find_free_port(), find_free_port()
    )
    done = subprocess.run([*prepare_nginx(site), "-t"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr
