"""The test run itself: each test on the database it is for, nothing skipped unnoticed, a total that is true."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import suite
from scripts.programs import ROOT

TESTS = """
import os, pytest

def test_plain(): pass

@pytest.mark.postgres_only
def test_for_postgres(): assert os.environ["DATABASE_URL"].startswith("postgres://linkup@127.0.0.1:")

@pytest.mark.sqlite_only
def test_for_sqlite(): assert os.environ["DATABASE_URL"].startswith("sqlite:")
"""

MIXED = """
import pytest

def test_passes(): pass

def test_fails(): assert False

@pytest.fixture
def broken(): raise RuntimeError

def test_with_a_broken_fixture(broken): pass

def test_skipped(): pytest.skip("not today")

@pytest.mark.xfail
def test_expected_to_fail(): assert False
"""

EACH_KIND = """
import pytest

def test_plain(): pass

def test_asks(client, db): pass

@pytest.mark.django_db
def test_marked(): pass

@pytest.mark.postgres_only
def test_for_postgres(): pass

@pytest.mark.sqlite_only
def test_for_sqlite(): pass

@pytest.mark.both
def test_both(): pass

@pytest.mark.alone
def test_alone(): pass
"""
# What each stage makes of them, were they in its folders.
CHOSEN = {
    "postgres": {"plain", "asks", "marked", "for_postgres", "both", "alone"},
    "sqlite": {"for_sqlite", "both"},
    "integration": {"plain", "asks", "marked", "for_sqlite", "both"},
    "alone": {"alone"},
    "browser": {"plain", "asks", "marked", "for_sqlite", "both", "alone"},
}


def run_pytest(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with the project's settings, as a person would in a new shell."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TEST_"))
    }
    inherited.pop("DATABASE_URL", None)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        str(ROOT / "pyproject.toml"),
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    return subprocess.run(
        [*command, *arguments],
        cwd=ROOT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tests(tmp_path: Path) -> str:
    path = tmp_path / "test_each_database.py"
    path.write_text(TESTS)
    return str(path)


def test_sqlite_is_what_you_get_without_asking(tests: str) -> None:
    done = run_pytest(tests)
    assert "2 passed, 1 deselected" in done.stdout


def test_postgres_starts_by_itself(tests: str) -> None:
    done = run_pytest(tests, "--database=postgres")
    assert "2 passed, 1 deselected" in done.stdout


def test_all_workers_share_one_postgres(tests: str) -> None:
    done = run_pytest(tests, "--database=postgres", "-n", "2")
    assert "2 passed" in done.stdout


def test_the_environment_may_name_the_database(tests: str) -> None:
    done = run_pytest(tests, TEST_DATABASE="postgres")
    assert "2 passed, 1 deselected" in done.stdout


def test_an_unknown_database_is_refused(tests: str) -> None:
    done = run_pytest(tests, TEST_DATABASE="oracle")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "must be one of sqlite, postgres" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "browser_tests", "integration_tests"),
    [
        (["tests"], False, False),
        (["tests/e2e"], True, False),
        (["tests/integration/test_suite.py"], False, True),
        (["tests", "-m", "integration"], False, True),
    ],
)
def test_slow_tests_run_only_when_asked(
    arguments: list[str], browser_tests: bool, integration_tests: bool
) -> None:
    done = run_pytest("--collect-only", *arguments)
    assert ("tests/e2e/test_smoke.py::" in done.stdout) == browser_tests
    assert ("tests/integration/test_suite.py::" in done.stdout) == integration_tests


@pytest.mark.parametrize("stage", suite.STAGES, ids=lambda stage: stage.name)
def test_each_stage_runs_what_is_meant_for_it(stage: suite.Stage, tmp_path: Path) -> None:
    path = tmp_path / "test_each_kind.py"
    path.write_text(EACH_KIND)
    options = [argument for argument in stage.arguments if not argument.startswith("tests/")]
    done = run_pytest("--collect-only", *options, "-n", "0", str(path))
    assert set(re.findall(r"::test_(\w+)$", done.stdout, re.MULTILINE)) == CHOSEN[stage.name]


def test_the_folders_with_servers_are_run_whole() -> None:
    """Two stages share tests/integration: what the one chooses, the other leaves."""
    chosen = [stage.arguments for stage in suite.STAGES if "tests/integration" in stage.arguments]
    choices = [arguments[arguments.index("-m") + 1] for arguments in chosen]
    assert choices == ["not alone", "alone"]
    assert [stage.name for stage in suite.STAGES if "tests/e2e" in stage.arguments] == ["browser"]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(suite, "RESULTS", tmp_path)
    return tmp_path


def test_the_total_counts_skipped_tests_as_failed(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = results / "test_mixed.py"
    path.write_text(MIXED)
    outcomes = suite.run_stage(suite.Stage("mixed", (str(path),)))
    assert not suite.close(outcomes, 1.0)
    told = capsys.readouterr().out
    assert told.endswith("\n1 passed, 4 failed\n")
    assert re.search(r"^skipped: \[mixed\] .*test_expected_to_fail$", told, re.MULTILINE)


def test_a_run_without_tests_is_a_failure(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results / "test_nothing.py").touch()
    outcomes = suite.run_stage(suite.Stage("nothing", (str(results),)))
    assert not suite.close(outcomes, 1.0)
    assert capsys.readouterr().out.endswith("\n0 passed, 1 failed\n")


def test_all_green_is_a_success(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = results / "test_green.py"
    path.write_text("def test_passes(): pass\n")
    assert suite.close(suite.run_stage(suite.Stage("green", (str(path),))), 1.0)
    assert capsys.readouterr().out.endswith("\n1 passed, 0 failed\n")
