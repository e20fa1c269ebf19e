"""Mutation testing: makes small changes to the code, one at a time, and lists those that no test notices.

    nice -n 19 python -m scripts.mutate "feed: services" --most 40 --database=postgres
    nice -n 19 python -m scripts.mutate --target feed/timeline.py:following --tests feed/tests/test_timeline.py

Code and tests are loaded and the database is created once. A first run notes which test reaches which function. Then
each mutation has a fork and a copy of the database, where the tests that reach its function run until one fails or
takes too long. Decorators, defaults and class bodies are not changed: they were evaluated when the module was loaded.
"""

import argparse
import gc
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import threading
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from .mutations import Module, Mutation, find_cache_clearers
from .programs import ROOT


@contextmanager
def database_copy(folder: str) -> Iterator[None]:
    """Point the settings at a copy of the test database, so that a killed fork leaves no rows behind."""
    from django.db import connections  # noqa: PLC0415 -- pytest has to choose the database first

    settings = connections["default"].settings_dict
    name = settings["NAME"]
    connections.close_all()
    with ExitStack() as after:
        after.callback(settings.update, NAME=name)
        if connections["default"].vendor == "sqlite":
            settings["NAME"] = f"{folder}/copy.sqlite3"
            if Path(name).is_file():  # else no test of this run asks for one
                shutil.copyfile(name, settings["NAME"])
        else:
            settings["NAME"] = f"{name}_copy"
            server = after.enter_context(closing(psycopg2.connect(os.environ["DATABASE_URL"])))
            server.autocommit = True
            server.cursor().execute(f'CREATE DATABASE "{name}_copy" TEMPLATE "{name}"')
            after.callback(server.cursor().execute, f'DROP DATABASE "{name}_copy" WITH (FORCE)')
        yield


def run_in_fork(work: Callable[[], Any], limit: float) -> Any:
    """Return the result of `work` in a forked process; {"caught": …} if it fails or exceeds `limit` seconds."""
    with tempfile.TemporaryDirectory(prefix="linkup-mutate-") as folder, database_copy(folder):
        result_file = Path(folder, "result")
        result_file.touch()
        pid = os.fork()
        if not pid:
            try:
                os.setpgid(0, 0)
                for output in (1, 2):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
                result_file.write_text(json.dumps(work()))
            finally:
                os._exit(0)
        try:
            with os.fdopen(os.pidfd_open(pid)) as watched:
                ended, _, _ = select.select([watched], [], [], limit)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        words = result_file.read_text()
    return json.loads(words) if words else {"caught": "the process broke" if ended else "time is up"}


class Runner:
    """pytest plugin: run the tests of each area once, then in a fork for each mutation."""

    def __init__(self, areas: dict[str, dict[str, list[str]]], equivalent: dict[str, str]) -> None:
        self.areas, self.equivalent = areas, equivalent
        self.most, self.seed, self.seconds, self.failed = 0, 0, 0.0, False
        self.kills: Counter[str] = Counter()
        self.results: dict[str, Counter[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds += report.duration
        self.failed |= report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Replace pytest's loop over the tests."""
        gc.unfreeze()  # functions are found by the collector, which does not see what conftest.py has frozen
        # Session fixtures are created before the first fork: the database, and those of expensive tests.
        module = session.items[0].getparent(pytest.Module)
        database = pytest.Function.from_parent(module, name="database", callobj=lambda django_db_setup: None)
        expensive = {test for area in self.areas.values() for test in area.get("expensive", [])}
        for item in [database, *(item for item in session.items if item.nodeid in expensive)]:
            self._run(item, session, None)
        if threading.active_count() > 1:
            raise pytest.UsageError("A thread is there that a fork would not have; begin with other tests.")
        for name, area in self.areas.items():
            self.results[name] = Counter()
            items = [item for item in session.items if item.nodeid.startswith(tuple(area["tests"]))]
            self._test_area(name, [Module(target) for target in area["targets"]], items, session)
        session._setupstate.teardown_exact(None)  # noqa: SLF001 -- as after the last test of a usual run
        return True

    def _run(self, item: pytest.Item, session: pytest.Session, following: pytest.Item | None) -> None:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following or session)

    def _first_run(self, modules: list[Module], items: list[pytest.Item], session: pytest.Session) -> Any:
        """Return the passing tests, each with its seconds and the functions that it reaches."""
        passed, reached = {}, set[str]()
        for module in modules:
            module.trace_calls(reached.add)
        cache_clearers = find_cache_clearers()
        for item, following in zip(items, [*items[1:], None], strict=True):
            for clear in [*cache_clearers, reached.clear]:
                clear()
            self.failed, self.seconds = False, 0.0
            self._run(item, session, following)
            if not self.failed:
                passed[item.nodeid] = [self.seconds, list(reached)]
        return passed

    def _test_area(self, name: str, modules: list[Module], items: list[Any], session: pytest.Session) -> None:
        passed = run_in_fork(lambda: self._first_run(modules, items, session), 3600)
        print(f"\n{name}: {len(passed)} of {len(items)} tests pass without a mutation", flush=True)
        items = [item for item in items if item.nodeid in passed]
        mutations = [mutation for module in modules for mutation in module.list_mutations()]
        if self.most:
            mutations = random.Random(self.seed).sample(mutations, min(self.most, len(mutations)))  # noqa: S311
        for mutation in mutations:
            if mutation.key in self.equivalent:
                self.results[name]["equivalent"] += 1
                continue
            where = f"{mutation.module.file} {mutation.function}"
            tests = [item for item in items if not mutation.function or where in passed[item.nodeid][1]]
            tests.sort(key=lambda item: (-self.kills[item.nodeid], passed[item.nodeid][0]))
            limit = 10 + 3 * sum(passed[item.nodeid][0] for item in tests)
            test = partial(self._test_mutation, mutation, tests, session)
            [(outcome, words)] = run_in_fork(test, limit).items()
            self.kills[words] += outcome == "caught"
            self.results[name][outcome] += 1
            if outcome == "survived":
                print(f"{mutation.module.file}:{mutation.line} {words}\n    {mutation.key}", flush=True)

    def _test_mutation(self, mutation: Mutation, tests: list[Any], session: pytest.Session) -> dict[str, str]:
        self.failed = False
        if not mutation.apply():
            return {"impossible": ""}
        for item, following in zip(tests, [*tests[1:], None][: len(tests)], strict=True):
            self._run(item, session, following)
            if self.failed:
                return {"caught": item.nodeid}
        return {"survived": f"{len(tests)} tests"}

    def format_table(self) -> str:
        """Format the numbers of mutations, caught and equivalent ones, by area."""
        rows = [f"{'area':40} {'mutations':>9} {'caught':>7} {'equivalent':>11} {'of the others':>14}"]
        for name, found in [*self.results.items(), ("together", sum(self.results.values(), Counter()))]:
            others, same = found["caught"] + found["survived"], found["equivalent"]
            share = f"{found['caught'] / others:.1%}" if others else "-"
            rows.append(f"{name:40} {others + same:9} {found['caught']:7} {same:11} {share:>14}")
        return "\n".join(rows)


def main(arguments: list[str]) -> None:
    """Test the chosen mutations, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("areas", nargs="*", help="of the plan; all when none is named")
    parser.add_argument("--target", nargs="+", help="file or file:function,Class.method; in place of areas")
    parser.add_argument("--tests", nargs="+", help="files or folders of tests, with --target")
    parser.add_argument("--most", type=int, default=0, help="test so many random mutations of each area")
    parser.add_argument("--seed", type=int, default=0, help="of the random choice")
    parser.add_argument("--database", default="sqlite", help="as for pytest: sqlite or postgres")
    asked = parser.parse_args(arguments)
    plan = tomllib.loads((ROOT / "scripts" / "mutate.toml").read_text())
    areas = {name: plan["area"][name] for name in asked.areas or plan["area"]}
    if asked.target:
        areas = {"asked for": {"targets": asked.target, "tests": asked.tests}}
    runner = Runner(areas, plan["equivalent"])
    runner.most, runner.seed = asked.most, asked.seed
    tests = sorted({test for area in areas.values() for test in area["tests"]})
    options = ["-q", "-s", "-p", "no:cacheprovider", f"--database={asked.database}", f"--rootdir={ROOT}"]
    pytest.main([*options, *tests], plugins=[runner])
    print(runner.format_table())


if __name__ == "__main__":
    main(sys.argv[1:])
