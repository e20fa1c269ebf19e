"""Checks of the code: settings, variables, files, pages, tests."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from ..programs import ROOT
from ..servers import temporary_folder
from ..stack import production_environment, run_manage_command
from ..suite import MEASURED, RESULTS, STAGES, Stage, run_stage
from .checklist import files_named
from .results import CheckFailed

REQUIRED = ("SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS", "REDIS_URL")
# Servers that do not exist: an import opens no connection.
UNUSED_SERVERS = ("postgres://linkup@127.0.0.1:1/linkup", "redis://127.0.0.1:1/0")
TESTS = tuple(stage for stage in STAGES if stage.name in {"postgres", "sqlite"})
# An example of each kind of file that must never be in the repository (R6).
SENSITIVE = (
    ".env", ".env.production", "db.sqlite3", "db.sqlite3-wal", "media/photos/a.webp", "staticfiles/a.css",
    "logs/security.log", "core/__pycache__/apps.cpython-311.pyc", "node_modules/a/index.js", ".coverage",
)  # fmt: skip
SERVER_SECTION = "## On a server"
NEEDED_LINKS = ("docs/DEPLOYMENT.md", "docs/DATABASE_MIGRATION.md", "docs/PRODUCTION_CHECKLIST.md")


def check_recovery_time() -> str:
    """Run the tests that measure time, with their limits: nothing else runs at the same time here."""
    return run_all_tests([MEASURED])


def check_settings_import() -> str:
    """Import every settings module, each in a separate process."""
    names = sorted(path.stem for path in (ROOT / "professional_network" / "settings").glob("*.py"))
    modules = [name for name in ("development", "production", "test") if name in names]
    with temporary_folder(None) as data:
        for module in modules:
            environment = production_environment(*UNUSED_SERVERS, data, DJANGO_ENVIRONMENT=module)
            if module != "production":
                environment = {**environment, "DATABASE_URL": "sqlite:///:memory:"}
            run_manage_command(environment, "check")
    return ", ".join(modules)


def check_env_example(example: Path = ROOT / ".env.example") -> str:
    """Check that `.env.example` names each required variable; a test compares all variables with the code."""
    named = set(re.findall(r"(?m)^#?([A-Z][A-Z0-9_]+)=", example.read_text()))
    missing = [name for name in REQUIRED if name not in named]
    if missing:
        raise CheckFailed(f"missing: {', '.join(missing)}")
    return f"{len(named)} variables, all {len(REQUIRED)} required ones among them"


def run_all_tests(stages: Iterable[Stage] = TESTS) -> str:
    """Run unit tests and property tests: none may fail or be skipped."""
    RESULTS.mkdir(exist_ok=True)
    outcomes = [outcome for stage in stages for outcome in run_stage(stage)]
    bad = [f"{outcome.test} {outcome.result}" for outcome in outcomes if outcome.result != "passed"]
    if bad:
        raise CheckFailed(f"{len(bad)} of {len(outcomes)}: {'; '.join(bad[:5])}")
    return f"{len(outcomes)} passed"


def _git(*arguments: str, folder: Path = ROOT) -> list[str]:
    completed = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if completed.returncode not in {0, 1}:
        raise CheckFailed(completed.stderr)
    return [name for name in re.split(r"[\0\n]", completed.stdout) if name]


def check_gitignore(folder: Path = ROOT) -> str:
    """Check that git ignores an example of each kind, and that no ignored file was added."""
    ignored = set(_git("check-ignore", "--no-index", *SENSITIVE, folder=folder))
    missing = [name for name in SENSITIVE if name not in ignored]
    if missing:
        raise CheckFailed(f"not ignored: {', '.join(missing)}")
    added = _git("ls-files", "-z", "--cached", "--ignored", "--exclude-standard", folder=folder)
    if added:
        raise CheckFailed(f"ignored, but in the repository: {', '.join(added[:5])}")
    return f"{len(SENSITIVE)} kinds"


def _all_paths(folder: Path) -> set[str]:
    files = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=folder)
    paths = {Path(name) for name in files if (folder / name).exists()}
    return {path.as_posix() for path in paths} | {
        above.as_posix() for path in paths for above in path.parents
    }


def check_plan_paths(plan: Path = ROOT / "docs" / "IMPLEMENTATION_PLAN.md", folder: Path = ROOT) -> str:
    """Check that each path in the plan's table is in the repository; the page may omit leading folders."""
    paths = _all_paths(folder)
    rows = [line for line in plan.read_text().splitlines() if line.startswith("|")]
    named = [token.rstrip("/") for row in rows for token in files_named(row)]
    missing = sorted({name for name in named if not _contains_path(name, paths)})
    if missing or not named:
        raise CheckFailed(f"not there: {', '.join(missing) or 'anything'}")
    return f"{len(set(named))} paths"


def _contains_path(name: str, paths: set[str]) -> bool:
    if "*" in name:
        return any(Path(path).match(name) for path in paths)
    return name in paths or any(path.endswith(f"/{name}") for path in paths)


def check_readme_links(readme: Path = ROOT / "README.md") -> str:
    """Check that the README's section on servers links to the needed pages, and that no link is broken."""
    text = readme.read_text()
    if SERVER_SECTION not in text:
        raise CheckFailed(f"no section {SERVER_SECTION!r}")
    section = text.split(SERVER_SECTION)[1].split("\n## ")[0]
    missing = [link for link in NEEDED_LINKS if f"({link})" not in section]
    if missing:
        raise CheckFailed(f"the section does not link to {', '.join(missing)}")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    broken = [link for link in links if not (readme.parent / link).exists()]
    if broken:
        raise CheckFailed(f"broken links: {', '.join(broken)}")
    return f"{len(links)} links"


def check_guides_are_tested(folder: Path = ROOT) -> str:
    """Check that a test names each page with blocks marked `bash`; it runs them."""
    pages = [*(folder / "docs").glob("*.md"), *(folder / "deploy").rglob("*.md")]
    with_blocks = sorted(page.name for page in pages if re.search(r"(?m)^```bash$", page.read_text()))
    tests = "".join(path.read_text() for path in (folder / "tests").rglob("*.py"))
    untested = [
        page for page in with_blocks if not re.search(rf"\b{re.escape(page.removesuffix('.md'))}\b", tests)
    ]
    if untested or not with_blocks:
        raise CheckFailed(f"no test runs the blocks of {', '.join(untested) or 'any page'}")
    return f"{len(with_blocks)} pages: {', '.join(with_blocks)}"
