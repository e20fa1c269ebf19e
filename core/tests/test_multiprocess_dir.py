"""Metrics of processes with a shared folder: their sums, and the files of ended processes."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from os import environ
from pathlib import Path

import pytest
from django.test import override_settings

from core.observability import metrics
from core.observability.multiprocess_dir import ProcessIds
from scripts.programs import ROOT
from tests.cases import all_cases

pytestmark = pytest.mark.slow

# A process that reads commands, one per line, and replies with a line.
PROCESS = """
import os, sys
from django.conf import settings
settings.configure(METRICS_FOLDER=sys.argv[1])
from core.observability import metrics
print("ready", flush=True)
for line in sys.stdin:
    match line.split():
        case ["count", number]:
            for _ in range(int(number)):
                metrics.count_response("GET", "page", 200)()
        case ["tabs", number]:
            metrics.open_sockets.set(int(number))
        case ["redis"]:
            metrics.redis_failed_at.set(1_000_000)
        case ["fork", number]:
            if os.fork() == 0:
                metrics.requests.labels("GET", "page", 200).inc(int(number))
                metrics.open_sockets.set(50)
                os._exit(0)
            os.wait()
        case ["sweep"]:
            metrics.remove_ended_processes()
        case ["told"]:
            values = {sample.name: sample.value for metric in metrics.collect_metrics() for sample in metric.samples}
            names = ("linkup_http_requests_total", "linkup_websockets_open", "linkup_processes",
                     "linkup_redis_failed_timestamp_seconds")
            print(*(int(values.get(name, 0)) for name in names), flush=True)
            continue
    print("done", flush=True)
"""


class Process:
    """One that counts in `folder`."""

    def __init__(self, folder: Path | str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(folder)],
            cwd=ROOT,
            env={"PROMETHEUS_MULTIPROC_DIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        assert self._process.stdin
        self._out, self._in = self._process.stdout, self._process.stdin
        assert self._out.readline() == "ready\n"

    def do(self, what: str) -> str:
        """Have it done; what it answered."""
        self._in.write(what + "\n")
        self._in.flush()
        return self._out.readline().strip()

    @property
    def told(self) -> tuple[int, int, int]:
        """Requests, open tabs, processes."""
        first, second, third, _ = map(int, self.do("told").split())
        return first, second, third

    def end(self, how: signal.Signals = signal.SIGKILL) -> str:
        """End it without a word; what it had complained of."""
        self._process.send_signal(how)
        return self._process.communicate()[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "not" / "made" / "yet"


@pytest.fixture
def pair(folder: Path) -> Iterator[tuple[Process, Process]]:
    with ExitStack() as until_the_end:
        one, two = Process(folder), Process(folder)
        until_the_end.callback(one.end)
        until_the_end.callback(two.end)
        yield one, two


def test_each_process_reports_all(pair: tuple[Process, Process]) -> None:
    one, two = pair
    one.do("count 3")
    two.do("count 4")
    one.do("tabs 5")
    two.do("tabs 6")
    assert one.told == two.told == (7, 11, 2)


def test_counts_outlive_their_process_and_open_tabs_do_not(
    pair: tuple[Process, Process], folder: Path
) -> None:
    one, two = pair
    two.do("count 4")
    two.do("tabs 6")
    two.do("redis")
    two.end()
    assert one.told == (4, 0, 1)
    files = set(folder.iterdir())
    for number in (5, 6, 7):
        next_one = Process(folder)
        assert one.told == next_one.told == (number - 1, 0, 2)
        next_one.do("tabs 9")
        next_one.do("count 1")
        assert one.told == (number, 9, 2)
        next_one.end()
    assert one.told == (7, 0, 1)
    assert one.do("told").split()[-1] == "1000000"
    assert set(folder.iterdir()) == files


def test_a_forked_child_counts_for_itself(pair: tuple[Process, Process]) -> None:
    one, two = pair
    one.do("count 3")
    one.do("tabs 1")
    one.do("fork 10")
    one.do("count 1")
    assert two.told == (14, 1, 2)


def test_a_start_forgets_the_dead_and_nobody_else(pair: tuple[Process, Process], folder: Path) -> None:
    one, two = pair
    one.do("count 3")
    two.do("count 4")
    two.end()
    another, third = Process(folder), Process(folder)
    another.do("count 5")
    third.do("count 6")
    another.end()
    third.do("sweep")
    third.end()
    assert one.told == (3, 0, 1)
    assert not list(folder.glob("*_[12].db"))


def test_a_truncated_file_is_replaced(folder: Path) -> None:
    folder.mkdir(parents=True)
    torn = b"\xff\x00\x00\x00" + b"\x00" * 4 + b"\x07\x00\x00\x00not JSON" + b"\x00" * 300
    for content in (torn, b"x"):
        (folder / "counter_0.db").write_bytes(content)
        process = Process(folder)
        process.do("count 2")
        assert process.told == (2, 0, 1)
        process.end()


def test_a_file_that_is_being_made_is_passed_over(pair: tuple[Process, Process], folder: Path) -> None:
    one, _ = pair
    one.do("count 2")
    (folder / "counter_7.db").touch()
    assert one.told == (2, 0, 2)


def test_without_a_folder_each_process_reports_itself() -> None:
    with all_cases() as case:
        for folder in ["/proc/nowhere/metrics", ""]:
            with case(folder):
                process, other = Process(folder), Process(folder)
                process.do("count 2")
                other.do("count 3")
                assert process.told == (2, 0, 1)
                process.do("sweep")
                complaint = process.end()
                other.end()
                assert ("metrics are kept in memory" in complaint) is bool(folder)


def test_the_setting_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    with override_settings(METRICS_FOLDER=str(tmp_path)):
        slots = metrics._open_shared_folder()
    assert isinstance(slots, ProcessIds)
    assert (slots.own_id(), environ["PROMETHEUS_MULTIPROC_DIR"]) == (0, str(tmp_path))
    assert ProcessIds(tmp_path).own_id() == 1
    with override_settings(METRICS_FOLDER="/proc/nowhere"):
        assert metrics._open_shared_folder() is None
