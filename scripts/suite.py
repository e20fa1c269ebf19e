"""Runs all tests in stages and prints one total at the end. `make test` and `make test-night` call this.

A skipped test is a failure: what does not apply to a database is deselected by its marker instead. All tests run on
PostgreSQL, as servers do; those with the marker `both` run on SQLite, the database of `make run`, too. Lanes of
stages run in parallel: tests that compute use the time in which those with servers wait.
"""

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from .programs import PROGRAMS, ROOT, ProgramMissingError, find_or_install, find_or_install_axe

RESULTS = ROOT / "test-results"
SLOWEST = 10
# Budget of the tests of one app on one database.
APPS = ("core", "feed", "messaging", "network", "notifications", "theme", "users")
MAX_CASES = 500
MAX_CPU_SECONDS = 45
# On a busy machine the same test takes up to half more: its caches are cold and its core is shared.
BUSY_FACTOR = 1.5
# Higher limits of apps that are above the budget today. Remove an app when it is below the budget.
CASE_LIMITS: dict[str, int] = {}
CPU_LIMITS = {"core": 60, "feed": 90, "messaging": 90, "users": 65}
NO_TEST_FAILED = 0
SOME_TEST_FAILED = 1


@dataclass(frozen=True)
class Stage:
    """One run of pytest."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """The result of one test in one stage."""

    stage: str
    test: str
    seconds: float
    result: str
    cpu: float = 0.0

    @property
    def app(self) -> str:
        """The app of the test, or its folder in tests/."""
        parts = self.test.partition("::")[0].split(".")
        return "/".join(parts[:2]) if parts[0] == "tests" and len(parts) > 2 else parts[0]


# Two workers, each with separate servers: a file stays in one of them, and the files come in their order.
TWO_FILES = ("-n", "2", "--dist=loadfile", "--no-loadscope-reorder")
# What computes, and what waits for servers and pages; both take about as long.
LANES = (("postgres", "sqlite"), ("integration", "browser"))
# By day, tests with the marker `night` are left out. At night all tests run, on both databases, with more examples.
BY_DAY = ("-m", "not night")
POSTGRES = ("-n", "auto", "--database=postgres")
SQLITE = ("-n", "auto", "--database=sqlite")
INTEGRATION = (*TWO_FILES, "tests/integration")
BROWSER = Stage("browser", (*TWO_FILES, "tests/e2e"))
STAGES = (
    Stage("postgres", (*POSTGRES, *BY_DAY)),
    Stage("sqlite", (*SQLITE, *BY_DAY, "--only-database-specific")),
    Stage("integration", (*INTEGRATION, *BY_DAY)),
    BROWSER,
)
AT_NIGHT = (Stage("postgres", POSTGRES), Stage("sqlite", SQLITE), Stage("integration", INTEGRATION), BROWSER)
# Only for the checkpoint, which checks durations while nothing else runs.
MEASURED = Stage("measured", ("-m", "measured", "--check-durations", "tests/integration"))


def _result(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def _read(stage: Stage, report: Path) -> list[Outcome]:
    """Return the outcomes in pytest's JUnit file."""
    cases = ElementTree.parse(report).getroot().iter("testcase")  # noqa: S314 -- pytest's own file
    return [
        Outcome(
            stage.name,
            f"{case.get('classname')}::{case.get('name')}",
            float(case.get("time", 0)),
            _result(case),
            sum(float(found.get("value", 0)) for found in case.iterfind("properties/property[@name='cpu']")),
        )
        for case in cases
    ]


def _environment() -> dict[str, str]:
    """Return the environment with bytecode caching: the tests start hundreds of processes."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run_stage(stage: Stage, *, print_at_end: bool = False) -> list[Outcome]:
    """Run one stage; an incomplete run, or one without tests, adds one failed outcome.

    With `print_at_end` its output goes to test-results/<stage>.log first, since lanes would mix theirs.
    """
    report, log = RESULTS / f"{stage.name}.xml", RESULTS / f"{stage.name}.log"
    report.unlink(missing_ok=True)
    started = time.monotonic()
    print(f"\n== {stage.name}", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *stage.arguments]
    with log.open("wb") if print_at_end else nullcontext() as output:
        result = subprocess.run(
            command,
            cwd=ROOT,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if print_at_end:
        print(log.read_text("utf-8", "replace"))
    print(f"\n== {stage.name} ended after {time.monotonic() - started:.0f} s", flush=True)
    outcomes = _read(stage, report) if report.is_file() else []
    is_incomplete = result.returncode not in (NO_TEST_FAILED, SOME_TEST_FAILED) or not outcomes
    if is_incomplete:
        outcomes.append(Outcome(stage.name, f"pytest ended with exit code {result.returncode}", 0, "failed"))
    return outcomes


def run_lanes(stages: Sequence[Stage]) -> list[Outcome]:
    """Run the stages in parallel lanes; return all outcomes."""
    lanes = [[stage for stage in stages if stage.name in names] for names in LANES]
    is_parallel = len([lane for lane in lanes if lane]) > 1

    def run_lane(lane: list[Stage]) -> list[Outcome]:
        return [outcome for stage in lane for outcome in run_stage(stage, print_at_end=is_parallel)]

    with ThreadPoolExecutor(len(lanes)) as pool:
        return [outcome for outcomes in pool.map(run_lane, lanes) for outcome in outcomes]


def _print_costs(outcomes: list[Outcome]) -> bool:
    """Print cases and CPU seconds by stage and app; return whether all are within the budget."""
    print("\n== Cases and CPU seconds")
    rows: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for outcome in outcomes:
        for app in (outcome.app, "all"):
            rows[outcome.stage, app].append(outcome.cpu)
    over_budget: list[str] = []
    for (stage, app), each in sorted(rows.items()):
        cases, seconds = len(each), sum(each)
        print(f"{stage:12} {app:20} {cases:6} {seconds:8.1f} s")
        if app in APPS and cases > (limit := CASE_LIMITS.get(app, MAX_CASES)):
            over_budget.append(f"{app} has {cases} cases on {stage}; {limit} are allowed.")
        if app in APPS and seconds > BUSY_FACTOR * (limit := CPU_LIMITS.get(app, MAX_CPU_SECONDS)):
            over_budget.append(f"{app} takes {seconds:.1f} CPU seconds on {stage}; {limit} are allowed.")
    for line in over_budget:
        print(f"above the budget: {line}")
    return not over_budget


def _print_tests(outcomes: list[Outcome], result: str) -> int:
    chosen = [outcome for outcome in outcomes if outcome.result == result]
    for outcome in chosen:
        print(f"{result}: [{outcome.stage}] {outcome.test}")
    return len(chosen)


def print_report(outcomes: list[Outcome], seconds: float) -> bool:
    """Print the slowest tests, costs, failures and the total; return whether the run succeeded."""
    print(f"\n== The slowest {SLOWEST}")
    for outcome in sorted(outcomes, key=lambda outcome: -outcome.seconds)[:SLOWEST]:
        print(f"{outcome.seconds:7.2f} s  [{outcome.stage}] {outcome.test}")
    within_budget = _print_costs(outcomes)
    print(f"\n== Total after {seconds:.0f} s")
    failed = _print_tests(outcomes, "failed")
    skipped = _print_tests(outcomes, "skipped")
    if skipped:
        print("A skipped test counts as failed: deselect by marker what does not apply to a database.")
    passed = len(outcomes) - failed - skipped
    print(f"{passed} passed, {failed + skipped} failed", flush=True)
    return not failed and not skipped and within_budget


def main(chosen: list[str]) -> int:
    """Run the chosen stages, or all; return 0 when all tests passed. `--night` first: as `make test-night`."""
    started = time.monotonic()
    stages = STAGES
    if chosen[:1] == ["--night"]:
        chosen, stages = chosen[1:], AT_NIGHT
        os.environ.setdefault("HYPOTHESIS_PROFILE", "night")
    if unknown := set(chosen) - {stage.name for stage in STAGES}:
        names = ", ".join(stage.name for stage in STAGES)
        print(f"No such stage: {', '.join(sorted(unknown))}. Use {names}.", file=sys.stderr)
        return 2
    RESULTS.mkdir(exist_ok=True)
    try:
        find_or_install(*PROGRAMS)
        find_or_install_axe()
    except ProgramMissingError as error:
        print(error, file=sys.stderr)
        return 1
    outcomes = run_lanes([stage for stage in stages if not chosen or stage.name in chosen])
    return 0 if print_report(outcomes, time.monotonic() - started) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
