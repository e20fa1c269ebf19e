"""GitHub's workflows: by schema, by zizmor, and the same steps as `.ci/run`."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.programs import PROGRAMS, ROOT

GIT = shutil.which("git") or "git"
BINARIES = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def workflow(name: str) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
    return loaded


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in workflow(name)["jobs"].values() for step in job.get("steps", [])]


def commands(name: str) -> str:
    return "\n".join(step.get("run", "") for step in steps(name))


def make_targets(text: str) -> list[str]:
    return re.findall(r"^\s*make ([a-z-]+)", text, re.MULTILINE)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_the_schema_accepts(path: Path) -> None:
    done = run(BINARIES / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", path)
    assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing() -> None:
    done = run(BINARIES / "zizmor", "--offline", *WORKFLOWS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_runs_what_ci_runs_in_the_same_order() -> None:
    in_ci = make_targets((ROOT / ".ci" / "run").read_text())
    in_workflow = [target for target in make_targets(commands("test.yml")) if target in in_ci]
    assert in_workflow == in_ci == ["lint", "css-check", "test"]


def test_coverage_and_security_are_looked_at() -> None:
    targets = make_targets(commands("test.yml"))
    assert {"coverage", "security"} <= set(targets)
    assert "pip-audit --strict" in commands("test.yml")
    security = (ROOT / "scripts" / "security.sh").read_text()
    for tool in ("bandit", "detect-secrets-hook", "check --deploy --fail-level WARNING"):
        assert tool in security


def test_every_target_that_a_workflow_calls_exists() -> None:
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in WORKFLOWS:
        assert set(make_targets(commands(path.name))) <= there


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_rights_are_few(path: Path) -> None:
    loaded = workflow(path.name)
    assert loaded["permissions"] == {}
    assert "concurrency" in loaded
    for job in loaded["jobs"].values():
        assert job["permissions"]["contents"] == "read"
        if "uses" in job:
            # Another of ours, of the same commit, which has other limits.
            assert (ROOT / job["uses"]).is_file()
        else:
            assert job["timeout-minutes"] <= 120
    for step in steps(path.name):
        if "uses" in step:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", step["uses"]), step["uses"]
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_no_step_fetches_a_history_that_nothing_reads() -> None:
    """The scan for secrets reads the files that git tracks now, so a clone of the newest commit is enough."""
    security = (ROOT / "scripts" / "security.sh").read_text()
    assert "git ls-files" in security
    assert not re.search(r"git (log|rev-list)|--all\b", security)
    for path in WORKFLOWS:
        for step in steps(path.name):
            assert "fetch-depth" not in step.get("with", {})
            assert "history" not in step.get("name", "")


def test_the_tests_have_postgresql_and_redis_beside_them() -> None:
    services = workflow("test.yml")["jobs"]["test"]["services"]
    assert services["postgres"]["image"].startswith("postgres:")
    assert services["redis"]["image"].startswith("redis:")
    by_day, at_night = (step for step in steps("test.yml") if step.get("run", "").startswith("make test"))
    assert (by_day["run"], at_night["run"]) == ("make test", "make test-night")
    assert by_day["env"] == at_night["env"]
    assert set(by_day["env"]) == {"DATABASE_URL", "REDIS_URL"}


def test_a_release_waits_for_the_tests_and_signs_what_it_built() -> None:
    jobs = workflow("release.yml")["jobs"]
    assert jobs["image"]["needs"] == "test"
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    assert "workflow_call" in workflow("test.yml")[True]
    assert "if" not in jobs["image"]
    words = commands("release.yml")
    order = ["imagetools inspect", "--push", "cosign sign --yes"]
    assert sorted(order, key=words.index) == order


def released(folder: Path, version: str, *tags: str) -> list[str]:
    """The names of the image of this version, where these tags are."""
    repository = folder / version
    repository.mkdir()
    of_nobody = ["-c", "user.name=Tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false"]
    for words in (
        ["init", "-q"],
        ["commit", "-q", "--allow-empty", "-m", "One"],
        *(["tag", tag] for tag in tags),
    ):
        subprocess.run([GIT, *of_nobody, *words], cwd=repository, check=True, capture_output=True)
    done = subprocess.run(
        [ROOT / "scripts" / "release_tags.sh", version, "here/linkup"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.partition(":")[2] for line in done.stdout.splitlines()]


def test_only_the_newest_release_is_the_latest(tmp_path: Path) -> None:
    tags = ("v0.2.0", "v0.9.0", "v0.10.0", "v0.11.0-rc1", "v9", "nightly")
    names = {
        version: released(tmp_path, version, *tags)
        for version in ("v0.9.1", "v0.10.0", "v0.10.1", "v0.11.0-rc1", "v0.11.0")
    }
    assert names == {
        "v0.9.1": ["0.9.1"],
        "v0.10.0": ["0.10.0", "latest"],
        "v0.10.1": ["0.10.1", "latest"],
        "v0.11.0-rc1": ["0.11.0-rc1"],
        "v0.11.0": ["0.11.0", "latest"],
    }


def test_the_workflow_installs_every_server_that_tests_start() -> None:
    installed = set(" ".join(re.findall(r"apt-get install (.*)", commands("test.yml"))).split())
    servers = {name: program.apt for name, program in PROGRAMS.items() if name not in {"chromium", "npm"}}
    assert {name: apt for name, apt in servers.items() if not set(apt) <= installed} == {}


def test_the_browser_of_the_workflow_is_none_of_snap() -> None:
    assert "chromium-browser" not in re.sub(r"#.*", "", commands("test.yml"))


def test_a_release_builds_the_image_with_the_list_of_what_is_in_it() -> None:
    assert "--sbom=true" in commands("release.yml")
    assert "--provenance" in commands("release.yml")
    assert list(workflow("release.yml")[True]["push"]) == ["tags"]
