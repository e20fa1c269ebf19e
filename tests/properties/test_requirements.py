"""Property 4: what the product needs is named, and pinned to the last figure."""

import re
import tomllib
from importlib.metadata import version

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.programs import ROOT

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
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    return [line for line in lines if line and not line.startswith("-")]


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
@settings(max_examples=100)
def test_a_needed_package_is_present_and_pinned(name: str) -> None:
    assert re.fullmatch(r"\d+(\.\d+)+([a-z]+\d+)?", pins("requirements.txt")[name])


# Property 4 (R5.7)
@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_line_pins_one_version(file: str) -> None:
    assert [line for line in lines_of(file) if not PINNED.match(line)] == []


# Property 4 (R5.7): what is tested is what is shipped.
@given(name=st.sampled_from(always_installed()))
@settings(max_examples=100)
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
