"""The house rules that no linter knows: what the repository holds, and how long a file may grow."""

import ast
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from scripts.programs import ROOT

from .environment_variables import find_used_variables

APPS_FOLDER_NAMES = sorted(path.parent.name for path in ROOT.glob("*/apps.py"))
MEBIBYTE = 1024 * 1024
LINES_OF_A_MODULE = 400
LINES_OF_A_FUNCTION = 40
CASES_OF_A_TEST = 40
# Seconds; who waits for something asks for it again and again (docs/testing.md).
LONGEST_SLEEP = 0.1
READERS = {"text", "flag", "items", "number", "required"}
# Written in pieces, so that this file does not name them either.
REGISTRIES = [
    "pypi" + ".org",
    "files.python" + "hosted.org",
    "registry.npm" + "js.org",
    "deb." + "debian.org",
]
# Absolute paths that exist on one machine only; /tmp and what an operating system itself provides are fine.
MACHINE_PATH = re.compile(r"(?<![\w.~}:/-])/(?:root|home|work|Users|opt/pypi)/[\w.-]+/")
FORBIDDEN_LINKS = [re.compile(re.escape(host), re.IGNORECASE) for host in REGISTRIES]
LOCK_FILES = {"package-lock.json", "yarn.lock", "pnpm-lock.yaml", "uv.lock", "poetry.lock", "Pipfile.lock"}


def files_of_the_repository() -> list[Path]:
    """What is in git, or would be with the next `git add`."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = listed.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def text_files() -> Iterator[tuple[Path, str]]:
    for path in files_of_the_repository():
        data = path.read_bytes()
        if b"\0" not in data:
            yield path, data.decode("utf-8")


def modules_of_the_product() -> list[Path]:
    folders = [*APPS_FOLDER_NAMES, "professional_network", "scripts"]
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [path for path in paths if "migrations" not in path.parts]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_larger_than_a_mebibyte() -> None:
    assert [name_of(path) for path in files_of_the_repository() if path.stat().st_size > MEBIBYTE] == []


def test_no_lock_file_is_in_the_repository() -> None:
    assert [name_of(path) for path in files_of_the_repository() if path.name in LOCK_FILES] == []


def test_no_file_names_the_host_of_a_package_registry() -> None:
    assert [
        name_of(p) for p, text in text_files() if any(link.search(text) for link in FORBIDDEN_LINKS)
    ] == []


def test_no_file_names_a_path_of_one_machine() -> None:
    found = {name_of(path): MACHINE_PATH.findall(text) for path, text in text_files()}
    assert {name: paths for name, paths in found.items() if paths} == {}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned(name: str) -> None:
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    hashes = [line for line in lines if re.fullmatch(r"--hash=sha256:[0-9a-f]{64}( \\)?", line)]
    pins = [line for line in lines if re.fullmatch(r"[\w.-]+(\[[\w,.-]+\])?==[\w.+!]+( ; [^\\]*)? \\", line)]
    assert [line for line in lines if line and line not in hashes + pins] == []


@pytest.mark.parametrize("group", ["dependencies", "dev"])
def test_the_compiled_requirements_are_those_of_pyproject(group: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    if group == "dev":
        asked, compiled = project["dependency-groups"]["dev"], "requirements-dev.txt"
    else:
        asked, compiled = project["project"]["dependencies"], "requirements.txt"
    pinned = [line for line in asked if "==" in line]
    lines = (ROOT / compiled).read_text().replace(" \\", "").splitlines()
    assert [pin for pin in pinned if re.sub(r"\[.*\]", "", pin) not in lines] == []


def variables_documented() -> set[str]:
    text = (ROOT / ".env.example").read_text()
    return set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))


def test_the_example_documents_exactly_the_variables_that_are_read() -> None:
    # R7.1
    assert variables_documented() == find_used_variables()


def test_settings_read_the_environment_through_one_door() -> None:
    readers = [
        name_of(path)
        for path in modules_of_the_product()
        if path.parts[-2] != "scripts"
        and re.search(r"os\.(environ\b(?!\.setdefault)|getenv)", path.read_text())
    ]
    # Mail servers name the recipient of a message in the environment of the program that they start.
    assert readers == ["core/management/commands/receive_mail.py"]


def test_no_module_is_longer_than_its_budget() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in modules_of_the_product()}
    assert {name: length for name, length in lengths.items() if length > LINES_OF_A_MODULE} == {}


def functions_of(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name_of(path)}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_function_is_longer_than_its_budget() -> None:
    lengths = dict(pair for path in modules_of_the_product() for pair in functions_of(path))
    assert {name: length for name, length in lengths.items() if length > LINES_OF_A_FUNCTION} == {}


def test_no_test_has_more_cases_than_can_be_read(request: pytest.FixtureRequest) -> None:
    """Of all tests of this run: more is a table, which one test walks with tests.cases."""
    cases = Counter(item.nodeid.partition("[")[0] for item in request.session.items)
    assert {name: count for name, count in cases.items() if count > CASES_OF_A_TEST} == {}


def sleeps_of(path: Path) -> Iterator[str]:
    """Calls of `sleep` in tests that wait longer than a moment, as far as a number says so."""
    for function in ast.walk(ast.parse(path.read_text())):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        # What notes seconds for `make checkpoint` may take its time; so may what waits to be cancelled.
        if "fault_table" in {argument.arg for argument in function.args.args}:
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "sleep":
                seconds = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
                if isinstance(seconds, int | float) and LONGEST_SLEEP < seconds < 60:
                    yield f"{name_of(path)}:{call.lineno}"


def test_no_test_sleeps_where_it_could_ask() -> None:
    tests = [path for path in files_of_the_repository() if path.name.startswith("test_")]
    python = [path for path in tests if path.suffix == ".py"]
    assert [place for path in python for place in sleeps_of(path)] == []


def test_the_checks_know_every_app() -> None:
    """A new app must be named to import-linter, pytest, coverage and ruff, or they would pass over it."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    rooms = {*APPS_FOLDER_NAMES, "professional_network"}
    assert set(tools["importlinter"]["root_packages"]) == rooms
    assert set(tools["coverage"]["run"]["source"]) == rooms
    # Those of the tools span all apps: they are in tests/.
    tested_there = {"demo", "operations"}
    assert set(tools["pytest"]["ini_options"]["testpaths"]) == {*APPS_FOLDER_NAMES, "tests"} - tested_there
    assert set(tools["ruff"]["lint"]["isort"]["known-first-party"]) == {*rooms, "bench", "scripts"}
    inside = tools["importlinter"]["contracts"][1]["containers"]
    assert set(inside) == set(APPS_FOLDER_NAMES) - {"core", "theme"} - tested_there
    assert set(APPS_FOLDER_NAMES) <= {name.partition(".")[0] for name in settings.INSTALLED_APPS}
