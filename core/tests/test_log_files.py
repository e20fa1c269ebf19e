"""Log files of several processes, and logging on a broken disk, which never raises (R9.5, Property 8)."""

import io
import logging
import os
import re
import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.observability.log_files import Console, RotatingFile
from core.observability.log_lines import LineFormatter
from scripts.programs import ROOT
from tests.cases import all_cases

from .log_writer import LINE_END

pytestmark = pytest.mark.slow

MASTERS, CHILDREN, THREADS, LINES_OF_A_THREAD = 2, 4, 4, 1_000
BYTES_OF_A_FILE = 200_000

whole_line = re.compile(
    rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z INFO writer log_writer \d+ (\S+) \1 (\d+) {re.escape(LINE_END)}"
)


def start_master(log: Path, name: str) -> subprocess.Popen[bytes]:
    numbers = (CHILDREN, THREADS, LINES_OF_A_THREAD, BYTES_OF_A_FILE, 200)
    command = [sys.executable, "-m", "core.tests.log_writer", str(log), name, *map(str, numbers)]
    return subprocess.Popen(command, cwd=ROOT)


def test_eight_processes_lose_and_tear_no_line_while_the_file_rotates(tmp_path: Path) -> None:
    # R9.5: 8 processes × 4 threads, forked after the log was opened, and some 20 rotations while all of them write.
    log = tmp_path / "django.log"
    masters = [start_master(log, f"m{number}") for number in range(MASTERS)]
    assert [master.wait(timeout=300) for master in masters] == [0] * MASTERS
    files = list(tmp_path.glob("django.log*"))
    matches = [whole_line.fullmatch(line) for file in files for line in file.read_text().splitlines()]
    assert None not in matches
    expected = {
        (f"m{m}-{c}-{t}", str(n))
        for m in range(MASTERS)
        for c in range(CHILDREN)
        for t in range(THREADS)
        for n in range(LINES_OF_A_THREAD)
    } | {(f"m{m}-master", "0") for m in range(MASTERS)}
    assert len(expected) == 32 * LINES_OF_A_THREAD + MASTERS
    assert len(matches) == len(expected)
    assert {match.groups() for match in matches if match} == expected
    assert len(files) > 15
    assert all(file.stat().st_size < 1.01 * BYTES_OF_A_FILE for file in files)


def handler_of(path: Path, **options: int) -> RotatingFile:
    handler = RotatingFile(str(path), **options)
    handler.setFormatter(LineFormatter("{levelname} {message}"))
    return handler


def record_of(text: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("core", logging.WARNING, __file__, 1, text, arguments, None)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "django.log"


@pytest.fixture
def handler(log: Path) -> Iterator[RotatingFile]:
    handler = handler_of(log)
    yield handler
    handler.close()


def test_the_folder_is_made_for_the_first_line_and_again_and_others_cannot_read_it(
    handler: RotatingFile, log: Path
) -> None:
    assert not log.parent.exists()
    for text in ("hello", "again"):
        handler.handle(record_of(text))
        assert log.read_text() == f"WARNING {text}\n"
        assert {file.stat().st_mode & 0o777 for file in log.parent.iterdir()} == {0o640}
        for file in log.parent.iterdir():
            file.unlink()
        log.parent.rmdir()


def test_two_handlers_wait_for_the_same_lock_after_it_was_deleted(log: Path) -> None:
    one, two = handler_of(log), handler_of(log)
    for handler in (one, two):
        handler.handle(record_of("before"))
    Path(one.lockFilename).unlink()
    for handler in (one, two):
        handler.handle(record_of("after"))
    assert one.stream_lock is not None
    assert two.stream_lock is not None
    assert os.path.sameopenfile(one.stream_lock.fileno(), two.stream_lock.fileno())
    assert log.read_text().count("WARNING after\n") == 2
    one.close()
    two.close()


def test_half_a_pair_and_other_unwritable_characters_are_written_as_escapes(
    handler: RotatingFile, log: Path
) -> None:
    handler.handle(record_of("x\ud800y 👋"))
    assert log.read_text("utf-8") == "WARNING x\\ud800y 👋\n"


def test_a_disk_folder_or_console_that_cannot_be_written_breaks_nothing(
    log: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with all_cases() as case:
        with case("a full disk breaks nothing and is complained of once"):
            log.parent.mkdir()
            log.symlink_to("/dev/full")
            handler = handler_of(log)
            for number in range(50):
                handler.handle(record_of("line %d with password=%s", number, "hunter2-hunter2"))
            complaint = "cannot be written (OSError No space left on device)"
            assert capsys.readouterr().err == f"django.log (its lines are on the console) {complaint}\n"
            handler.close()
        (tmp_path / "is_a_file").touch()
        for place in ["is_a_file/logs/django.log", "/proc/no/such/folder/django.log"]:
            with case(place):
                handler = handler_of(tmp_path / place)
                for _ in range(3):
                    handler.handle(record_of("hello"))
                assert capsys.readouterr().err.count("cannot be written") == 1
        with (
            case("a console that is full closed or gone breaks nothing"),
            io.FileIO("/dev/full", "w") as full,
        ):
            for stream in (io.TextIOWrapper(full, write_through=True), closed_stream(), None):
                monkeypatch.setattr(sys, "stderr", stream)
                Console().handle(record_of("hello"))


def test_a_line_that_fits_only_in_part_is_taken_back_and_the_next_that_fits_is_whole(tmp_path: Path) -> None:
    """With a limit on the size of files, the system writes what fits and refuses the rest, as a full disk does."""
    log = tmp_path / "django.log"
    script = textwrap.dedent(
        f"""
        import resource
        from core.tests.test_log_files import handler_of, record_of
        from pathlib import Path
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        handler = handler_of(Path({str(log)!r}))
        handler.handle(record_of("a" * 60))
        handler.handle(record_of("b" * 60))
        handler.handle(record_of("c" * 10))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        handler.handle(record_of("d" * 60))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert log.read_text().splitlines() == [
        "WARNING " + "a" * 60,
        "WARNING " + "c" * 10,
        "WARNING " + "d" * 60,
    ]
    assert done.stderr.count("cannot be written (OSError File too large)") == 1
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def closed_stream() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


def test_arguments_that_do_not_fit_are_not_shown_and_the_line_is_still_written(
    handler: RotatingFile, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler.handle(record_of("sign-in of %d", "hunter2-hunter2"))
    assert log.read_text() == "WARNING sign-in of %d (logged with arguments that do not fit)\n"
    assert "hunter2" not in capsys.readouterr().err


def test_rotation_keeps_as_many_files_as_asked_for(log: Path) -> None:
    handler = handler_of(log, maxBytes=100, backupCount=5)
    for number in range(60):
        handler.handle(record_of("%030d", number))
    handler.close()
    names = {file.name for file in log.parent.iterdir() if not file.name.startswith(".")}
    assert names == {"django.log", *(f"django.log.{number}" for number in range(1, 6))}
