"""Property 4: what the product needs is named, and pinned to the last figure."""

import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.programs import ROOT
from tests.hypothesis_settings import property_settings
from tests.test_repository import files_of_the_repository

LISTS = [
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-audit.txt",
    "requirements-programs.txt",
]
PIP = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps"]
PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]+\])?==(?P<version>[0-9][^\s;]*)(?: ;.*)?$")
# R5.1 to R5.6, and what the list ends with.
NEEDED = [
    "psycopg2-binary",
    "gunicorn",
    "daphne",
    "whitenoise",
    "python-decouple",
    "django-redis",
    "dj-database-url",
    "channels",
    "channels-redis",
    "django",
]
FOR_DEVELOPMENT = [
    "pytest",
    "pytest-django",
    "hypothesis",
    "ruff",
    "mypy",
    "playwright",
    "django-stubs",
    "import-linter",
]


def lines_of(name: str) -> list[str]:
    """The requirements of a file, without comments and blank lines."""
    return list(hashes_of(name))


def hashes_of(name: str) -> dict[str, list[str]]:
    """Requirement → the hashes of the files that it may come as."""
    text = re.sub(r"(?m) *#.*$", "", (ROOT / name).read_text()).replace("\\\n", "")
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        requirement, *hashes = re.split(r"\s+--hash=", line)
        found[requirement.strip()] = hashes
    return found


def always_installed() -> list[str]:
    """The packages of requirements.txt that no condition keeps from this machine."""
    lines = [line for line in lines_of("requirements.txt") if ";" not in line]
    return sorted(bare(re.split(r"[\[=]", line)[0]) for line in lines)


def bare(name: str) -> str:
    """A package's name as an index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(name: str) -> dict[str, str]:
    """Package → version, of the lines that pin one."""
    matches = [PINNED.match(line) for line in lines_of(name)]
    return {bare(match["name"]): match["version"] for match in matches if match}


# Property 4 (R5.1–R5.7)
@given(name=st.sampled_from(NEEDED))
@property_settings
def test_a_needed_package_is_present_and_pinned(name: str) -> None:
    assert re.fullmatch(r"\d+(\.\d+)+([a-z]+\d+)?", pins("requirements.txt")[name])


# Property 4 (R5.7)
@pytest.mark.parametrize("file", LISTS)
def test_every_line_pins_one_version(file: str) -> None:
    assert [line for line in lines_of(file) if not PINNED.match(line)] == []


def test_every_package_is_known_by_the_hashes_of_its_files() -> None:
    loose = {
        file: [line for line, hashes in hashes_of(file).items() if not is_known(hashes)] for file in LISTS
    }
    assert loose == {name: [] for name in LISTS}


def is_known(hashes: list[str]) -> bool:
    return bool(hashes) and all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes)


def test_the_lists_name_no_place_to_download_from() -> None:
    places = r"://|--(?:extra-)?index-url|--find-links|--trusted-host| @ "
    assert [file for file in LISTS if re.search(places, (ROOT / file).read_text())] == []


# What a person types in an environment other than LinkUp's, for a tool that is no part of LinkUp.
BY_A_PERSON = "pip install git-filter-repo"
# pip looks for hashes of what the lists name with other extras, and finds none, unless it is told that they are whole.
WHOLE = {"--require-hashes", "--no-deps"}
FILES_WITH_COMMANDS = re.compile(
    r"\.(sh|ya?ml|md|py|json)$|(^|/)(Dockerfile|Makefile|Procfile|run|entrypoint)$"
)


def test_nothing_is_installed_without_hashes() -> None:
    """Scripts, workflows, the image, the guides."""
    loose = []
    for path in files_of_the_repository():
        name = str(path.relative_to(ROOT))
        if "tests" not in path.parts and FILES_WITH_COMMANDS.search(name):
            installs = re.findall(r"\bpip(?: |\", \")install\b.*", path.read_text())
            loose += [
                f"{name}: {line}" for line in installs if not set(re.findall(r"--[a-z-]+", line)) >= WHOLE
            ]
    assert loose == [f"docs/DEPLOYMENT.md: {BY_A_PERSON}"]


def test_what_is_tampered_with_is_not_installed(tmp_path: Path) -> None:
    """pip itself, on a package of our own whose file is not the one that the list knows."""
    wheel = tmp_path / "ours-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("ours.py", "")
        file.writestr("ours-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: ours\nVersion: 1\n")
        file.writestr(
            "ours-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr("ours-1.dist-info/RECORD", "")
    right = hashlib.sha256(wheel.read_bytes()).hexdigest()
    codes = {}
    for known in (right, "0" * 64):
        (tmp_path / "list.txt").write_text(f"ours==1 --hash=sha256:{known}\n")
        command = [*PIP, "--find-links", str(tmp_path), "--target", str(tmp_path / known), "--require-hashes"]
        done = subprocess.run(
            [*command, "-r", str(tmp_path / "list.txt")], capture_output=True, text=True, check=False
        )
        codes[known] = done.returncode, "DO NOT MATCH THE HASHES" in done.stderr
    assert codes == {right: (0, False), "0" * 64: (1, True)}


# Property 4 (R5.7): what is tested is what is shipped.
@given(name=st.sampled_from(always_installed()))
@property_settings
def test_what_is_installed_is_what_is_pinned(name: str) -> None:
    assert version(name) == pins("requirements.txt")[name]


# Property 4 (R5.8)
@pytest.mark.parametrize("name", FOR_DEVELOPMENT)
def test_what_only_development_needs_stays_apart(name: str) -> None:
    assert name in pins("requirements-dev.txt")
    assert name not in pins("requirements.txt")


# Property 4 (R5.8): both files agree, so that tests run on what is shipped.
def test_the_two_files_never_disagree() -> None:
    shipped, tested = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: tested[name] for name in shipped if name in tested and tested[name] != shipped[name]} == {}


# Property 4 (R5.1): psycopg 3 beside it would silently be taken instead.
def test_no_second_driver_for_postgresql_is_installed() -> None:
    assert "psycopg" not in pins("requirements.txt")
    assert "psycopg" not in pins("requirements-dev.txt")


def test_every_dependency_of_the_project_is_compiled() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {bare(re.split(r"[\[=<>!~ ]", line)[0]) for line in project["dependencies"]}
    assert asked <= set(pins("requirements.txt"))
