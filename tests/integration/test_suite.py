"""The test run itself: each test on the database it is for, nothing skipped unnoticed, a total that is true."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import suite
from scripts.programs import ROOT
from tests.cases import all_cases

pytestmark = pytest.mark.night

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

@pytest.mark.measured
def test_measured(): pass

@pytest.mark.night
def test_night(): pass
"""
# What each stage makes of them, were they in its folders.
ON_SQLITE = {"plain", "asks", "marked", "for_sqlite", "both", "measured"}
ON_POSTGRES = {"plain", "asks", "marked", "for_postgres", "both", "measured"}
BY_DAY = {
    "postgres": ON_POSTGRES,
    "sqlite": {"for_sqlite", "both"},
    "integration": ON_SQLITE,
    "browser": {*ON_SQLITE, "night"},
}
AT_NIGHT = {
    "postgres": {*ON_POSTGRES, "night"},
    "sqlite": {*ON_SQLITE, "night"},
    "integration": {*ON_SQLITE, "night"},
    "browser": {*ON_SQLITE, "night"},
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


def test_each_run_is_on_the_database_that_was_asked_for(tests: str) -> None:
    """SQLite without a word; a PostgreSQL starts by itself, one for all workers; the environment may name it."""
    ways: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
        "nothing": ((), {}),
        "an option": (("--database=postgres", "-n", "2"), {}),
        "a variable": ((), {"TEST_DATABASE": "postgres"}),
    }
    said = {
        way: run_pytest(tests, *options, **variables).stdout for way, (options, variables) in ways.items()
    }
    assert {way: "2 passed" in words for way, words in said.items()} == dict.fromkeys(ways, True), said


def test_an_unknown_database_is_refused(tests: str) -> None:
    done = run_pytest(tests, TEST_DATABASE="oracle")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "must be one of sqlite, postgres" in done.stderr


def test_slow_tests_run_only_when_asked(tmp_path: Path) -> None:
    for folder in ("", "e2e", "integration"):
        (tmp_path / "tests" / folder).mkdir(exist_ok=True)
        (tmp_path / "tests" / folder / f"test_in_{folder or 'tests'}.py").write_text("def test_it(): pass\n")
    ways = {
        ("tests",): {"tests"},
        ("tests/e2e",): {"e2e"},
        ("tests/integration/test_in_integration.py",): {"integration"},
        ("tests", "-m", "integration"): {"integration"},
    }
    found = {}
    for arguments in ways:
        paths = [str(tmp_path / part) if part.startswith("tests") else part for part in arguments]
        done = run_pytest("--collect-only", "--rootdir", str(tmp_path), *paths)
        found[arguments] = set(re.findall(r"test_in_(\w+)\.py::", done.stdout))
    assert found == ways


@pytest.mark.parametrize(("stages", "chosen"), [(suite.STAGES, BY_DAY), (suite.AT_NIGHT, AT_NIGHT)])
def test_each_stage_runs_what_is_meant_for_it(
    tmp_path: Path, stages: tuple[suite.Stage, ...], chosen: dict[str, set[str]]
) -> None:
    path = tmp_path / "test_each_kind.py"
    path.write_text(EACH_KIND)
    found = {}
    for stage in stages:
        options = [argument for argument in stage.arguments if not argument.startswith("tests/")]
        done = run_pytest("--collect-only", *options, "-n", "0", str(path))
        found[stage.name] = set(re.findall(r"::test_(\w+)$", done.stdout, re.MULTILINE))
    assert found == chosen


def test_every_stage_is_in_one_lane_and_the_folders_with_servers_are_run_whole() -> None:
    for stages in (suite.STAGES, suite.AT_NIGHT):
        assert [name for lane in suite.LANES for name in lane] == [stage.name for stage in stages]
        folders = {
            stage.name: [argument for argument in stage.arguments if argument.startswith("tests/")]
            for stage in stages
        }
        assert folders == {
            "postgres": [],
            "sqlite": [],
            "integration": ["tests/integration"],
            "browser": ["tests/e2e"],
        }


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(suite, "RESULTS", tmp_path)
    return tmp_path


def test_the_total_counts_skipped_tests_as_failed(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = results / "test_mixed.py"
    path.write_text(MIXED)
    outcomes = suite.run_stage(suite.Stage("mixed", (str(path),)))
    assert not suite.print_report(outcomes, 1.0)
    output = capsys.readouterr().out
    assert output.endswith("\n1 passed, 4 failed\n")
    assert re.search(r"^skipped: \[mixed\] .*test_expected_to_fail$", output, re.MULTILINE)


def test_a_run_without_tests_is_a_failure(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results / "test_nothing.py").touch()
    outcomes = suite.run_stage(suite.Stage("nothing", (str(results),)))
    assert not suite.print_report(outcomes, 1.0)
    assert capsys.readouterr().out.endswith("\n0 passed, 1 failed\n")


def test_all_green_is_a_success(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = results / "test_green.py"
    path.write_text("def test_passes(): pass\n")
    assert suite.print_report(suite.run_stage(suite.Stage("green", (str(path),)), print_at_end=True), 1.0)
    printed = capsys.readouterr().out
    assert re.search(r"^1 passed in ", printed, re.MULTILINE), "pytest's own output"
    assert printed.endswith("\n1 passed, 0 failed\n")


def cases_of(app: str, count: int, seconds: float, stage: str = "postgres") -> list[suite.Outcome]:
    """So many tests of an app that passed, and took so many CPU seconds together."""
    return [
        suite.Outcome(stage, f"{app}.test_it::test_{number}", 0.1, "passed", seconds / count)
        for number in range(count)
    ]


def test_an_app_above_its_budget_fails_the_run_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half more seconds than the budget may be those of a busy machine."""
    monkeypatch.setattr(suite, "CASE_LIMITS", {"messaging": 600})
    monkeypatch.setattr(suite, "CPU_LIMITS", {"messaging": 60})
    within = cases_of("core.tests", 500, 67) + cases_of("core.tests", 500, 67, "sqlite")
    spanning = cases_of("tests", 600, 100) + cases_of("tests.backup", 600, 100)
    said = {
        "nothing": (within + spanning, []),
        "cases": (cases_of("feed.tests", 501, 67), ["feed has 501 cases on postgres; 500 are allowed."]),
        "more is allowed": (cases_of("messaging.tests", 600, 89), []),
        "more than more": (
            cases_of("messaging.tests", 601, 91),
            [
                "messaging has 601 cases on postgres; 600 are allowed.",
                "messaging takes 91.0 CPU seconds on postgres; 60 are allowed.",
            ],
        ),
        "seconds": (
            [*within, *cases_of("theme.tests", 4, 68, "sqlite")],
            ["theme takes 68.0 CPU seconds on sqlite; 45 are allowed."],
        ),
        "both": (
            [*cases_of("users.tests", 501, 68), *within],
            [
                "users has 501 cases on postgres; 500 are allowed.",
                "users takes 68.0 CPU seconds on postgres; 45 are allowed.",
            ],
        ),
    }
    with all_cases() as case:
        for name, (outcomes, above) in said.items():
            with case(name):
                assert suite.print_report(outcomes, 1.0) == (not above)
                output = capsys.readouterr().out
                assert re.findall("^above the budget: (.+)$", output, re.MULTILINE) == above


def test_every_app_has_a_budget() -> None:
    assert set(suite.APPS) == {path.parent.name for path in ROOT.glob("*/tests")}


def test_an_unknown_stage_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert suite.main(["postgers"]) == 2
    assert capsys.readouterr().err == "No such stage: postgers. Use postgres, sqlite, integration, browser.\n"
