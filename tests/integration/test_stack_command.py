"""`make stack`: one command up, one Ctrl-C down, nothing left behind; and nginx's own word on the configuration."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.nginx import Site, prepare
from scripts.programs import ROOT
from scripts.servers import FOLDER_PREFIX, free_port


def folders_of(pid: int) -> list[Path]:
    return list(Path("/tmp").glob(f"{FOLDER_PREFIX}{pid}-*"))  # noqa: S108 -- where the servers keep theirs


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop_and_leaves_nothing(told: signal.Signals) -> None:
    https, http = free_port(), free_port()
    command = [sys.executable, "-m", "scripts.stack", "--empty", "--https", str(https), "--http", str(http)]
    stack = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert stack.stdout
    said = ""
    for line in stack.stdout:
        said += line
        if "Ctrl-C stops everything" in line:
            break
    assert f"https://localhost:{https}" in said
    assert folders_of(stack.pid)
    stack.send_signal(told)
    rest = stack.stdout.read()
    stack.stdout.close()
    assert (stack.wait(30), rest.strip().splitlines()[-1:]) == (0, ["Stopped."])
    assert folders_of(stack.pid) == []


def test_nginx_finds_no_fault_with_the_configuration(tmp_path: Path) -> None:
    site = Site(tmp_path, tmp_path, tmp_path, free_port(), free_port(), free_port(), free_port())
    done = subprocess.run([*prepare(site), "-t"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr
