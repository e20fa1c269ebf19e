"""Property 5: what must never reach the repository is ignored, and nothing that belongs in it is."""

import fnmatch
import string
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.programs import ROOT
from tests.hypothesis_settings import property_settings

names = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
folders = st.lists(names.map("d{}".format), max_size=3).map(
    lambda parts: "".join(f"{part}/" for part in parts)
)
APPS = ["core", "theme", "users", "network", "feed", "operations", "demo", "professional_network"]


def ignored(*paths: str) -> set[str]:
    """Those of `paths` that git ignores; they need not exist."""
    asked = subprocess.run(
        ["git", "check-ignore", "--no-index", "-z", "--stdin"],  # noqa: S607
        input="\0".join(paths).encode(),
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert asked.returncode in {0, 1}, asked.stderr
    return {path for path in asked.stdout.decode().split("\0") if path}


# Property 5 (R6.1–R6.8)
@given(folder=folders, name=names)
@property_settings
def test_what_must_never_be_committed_is_ignored_in_every_folder(folder: str, name: str) -> None:
    paths = [
        f"{folder}__pycache__/{name}.cpython-311.pyc",
        f"{folder}{name}.pyc",
        f"{folder}{name}.pyo",
        f"{folder}{name}.so",
        f"{folder}.env",
        f"{folder}.env.{name}",
        f"{folder}{name}.log",
        f"{folder}.vscode/{name}.json",
        f"{folder}.idea/{name}.xml",
        f"{folder}.{name}.py.swp",
        f"{folder}.DS_Store",
        f"{folder}node_modules/{name}/index.js",
        f"{folder}.pytest_cache/{name}",
    ]
    assert set(paths) - ignored(*paths) == set()


# Property 5 (R6.2, R6.5, R6.6, R6.7)
@given(name=names)
@property_settings
def test_what_a_run_leaves_behind_is_ignored(name: str) -> None:
    paths = [
        "db.sqlite3",
        "db.sqlite3-wal",
        "db.sqlite3-journal",
        f"media/photos/ab/{name}.webp",
        f"staticfiles/theme/{name}.css",
        f"logs/{name}.log",
        f"logs/{name}.log.1",
        ".venv/bin/python",
        f"venv/lib/{name}.py",
        f"env/lib/{name}.py",
        ".coverage",
        f".coverage.{name}",
        "htmlcov/index.html",
        f".hypothesis/{name}",
        f".mypy_cache/{name}",
        f".ruff_cache/{name}",
        f"build/{name}",
        f"dist/{name}.whl",
        f"{name}.egg-info/PKG-INFO",
    ]
    assert set(paths) - ignored(*paths) == set()


# What a guide, a comment or a message of ours has an operator write into the folder of the code.
BY_THE_GUIDES = [
    "linkup.xml",
    "linkup.json",
    "backup.key",
    "linkup-network.example.org-20261123T023000Z.backup",
    "drain",
    "other.sqlite3",
    "other.sqlite3-wal",
    "copy.dump",
    ".envrc",
    "certificates/privkey.pem",
    "linkup-token",
    "deploy/kubernetes/secret.yaml",
    "export/manifest.json",
]


def test_what_the_guides_write_enters_neither_the_repository_nor_the_image() -> None:
    assert set(BY_THE_GUIDES) - ignored(*BY_THE_GUIDES) == set()
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] not in {"", "#"}]
    assert [path for path in BY_THE_GUIDES if not any(keeps_out(rule, path) for rule in rules)] == []


def keeps_out(rule: str, path: str) -> bool:
    """As Docker reads .dockerignore: from the root, a folder with all that is in it, ** for any folders."""
    wanted = rule.removeprefix("**/")
    parts = path.split("/")
    beginnings = ["/".join(parts[: length + 1]) for length in range(len(parts))]
    if wanted != rule:
        return any(fnmatch.fnmatchcase(part, wanted) for part in parts)
    return any(
        fnmatch.fnmatchcase(begun, wanted) for begun in beginnings if begun.count("/") == wanted.count("/")
    )


# Property 5 (R6.4)
@given(folder=folders)
@property_settings
def test_the_example_of_the_environment_is_kept(folder: str) -> None:
    assert ignored(f"{folder}.env.example") == set()


# Property 5 (R6.1)
def test_nothing_that_is_tracked_is_ignored() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--ignored", "--exclude-standard", "-z"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert [path for path in listed.stdout.decode().split("\0") if path] == []


# Property 5 (R6.1)
@given(app=st.sampled_from(APPS), folder=folders, name=names)
@property_settings
def test_no_new_source_file_is_ignored(app: str, folder: str, name: str) -> None:
    paths = [
        f"{app}/{folder}{name}.{ending}" for ending in ("py", "html", "css", "js", "svg", "toml", "md", "txt")
    ]
    paths += [f"{app}/{folder}{part}.py" for part in ("env", "media", "logs", "build", "dist")]
    paths += [
        f"{app}/static/{app}/{name}.woff2",
        f"docs/{folder}{name}.md",
        f"scripts/{name}.sh",
        f"deploy/{name}.conf",
    ]
    assert ignored(*paths) == set()


@pytest.mark.parametrize(
    "path", ["professional_network/env.py", "core/static/media.css", "users/media/x.py", "docs/logs.md"]
)
def test_a_name_that_only_sounds_like_rubbish_is_kept(path: str) -> None:
    assert ignored(path) == set()
