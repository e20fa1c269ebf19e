"""The image and Kubernetes' files: checked by their own tools, and their commands tried outside a container."""

import http.server
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.tasks.registry import longest_seconds
from scripts.programs import ROOT

from .environment_variables import find_used_variables
from .http_server import run_http_server

BINARIES = Path(sys.executable).parent
ENTRYPOINT = ROOT / "deploy" / "docker" / "entrypoint"
HEALTHCHECK = ROOT / "deploy" / "docker" / "healthcheck.py"
KUBERNETES = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))


def run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command with nothing but these variables; what it said."""
    environment = {
        "PATH": f"{BINARIES}:{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
        **variables,
    }
    return subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


# -- The image
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def last_stage() -> str:
    return dockerfile().rsplit("\nFROM ", 1)[1]


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = run(BINARIES / "hadolint", "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_last_stage_runs_without_rights_and_installs_nothing() -> None:
    stage = last_stage()
    assert re.search(r"^USER 10001", stage, re.MULTILINE)
    assert "apt-get" not in stage
    assert "pip install" not in stage
    assert re.search(r"&& python -m pip uninstall --yes --quiet pip setuptools", stage)


def test_the_packages_come_into_the_image_without_what_installs(tmp_path: Path) -> None:
    """The build's own command, on an empty venv: whatever it leaves there, `COPY --from=build /venv` hands on."""
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", venv)
    assert (venv / "bin" / "pip").exists()
    build = dockerfile().rsplit("\nFROM ", 1)[0]
    (uninstall,) = re.findall(r"/venv/bin/(python -m pip uninstall .*)", build)
    assert build.index("pip uninstall") > build.index("/venv/bin/pip install")
    done = run("sh", "-c", f"{venv}/bin/{uninstall}")
    assert done.returncode == 0, done.stderr
    left = {path.name for folder in ("bin", "lib") for path in (venv / folder).rglob("*")}
    assert not [name for name in left if re.match(r"(pip|setuptools|wheel)\b", name)]


def test_what_runs_needs_nothing_that_installs() -> None:
    missing = "import sys; sys.modules.update(dict.fromkeys(['pip', 'setuptools', 'pkg_resources', 'wheel']))"
    servers = "import daphne.cli, gunicorn.app.wsgiapp, professional_network.asgi, professional_network.wsgi"
    done = run(sys.executable, "-c", f"{missing}; {servers}", DJANGO_ENVIRONMENT="development")
    assert done.returncode == 0, done.stderr


def test_no_secret_of_the_build_stays_in_the_image() -> None:
    """What is set by ENV stays; the build's stand-ins are set for one command alone."""
    kept = re.findall(r"^ENV ((?:.*\\\n)*.*)$", dockerfile(), re.MULTILINE)
    assert not [line for line in kept if re.search(r"SECRET|PASSWORD|DATABASE_URL|REDIS_URL", line)]


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".git",
        ".venv",
        "**/tests",
        "media",
        "logs",
        "**/*.key",
        "**/*.backup",
        "**/secret.yaml",
        "linkup-token",
    ],
)
def test_the_image_leaves_out_what_is_private_or_idle(name: str) -> None:
    assert name in (ROOT / ".dockerignore").read_text().splitlines()


# -- The entry point
def stand_in(folder: Path, *names: str) -> str:
    """A folder of programs that only say how they were called; goes before PATH."""
    for name in names:
        program = folder / name
        program.write_text('#!/bin/sh\nprintf "%s\\n" "$(basename "$0")" "$@" "PORT=${PORT:-}"\n')
        program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_web_is_gunicorn_for_everybody_outside(tmp_path: Path) -> None:
    said = run(ENTRYPOINT, "web", PATH=stand_in(tmp_path, "gunicorn")).stdout.splitlines()
    assert said == ["gunicorn", "--config", "gunicorn.conf.py", "PORT=8000"]


def test_worker_is_daphne_as_in_the_procfile(tmp_path: Path) -> None:
    said = run(ENTRYPOINT, "worker", PATH=stand_in(tmp_path, "daphne")).stdout.splitlines()
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    in_the_procfile = shlex.split(lines["worker"].replace("${PORT:-8001}", "8001"))
    assert said[:-1] == in_the_procfile


def test_manage_is_a_command_of_manage_py(tmp_path: Path) -> None:
    said = run(ENTRYPOINT, "manage", "createsuperuser", "--noinput", PATH=stand_in(tmp_path, "python"))
    assert said.stdout.splitlines()[:-1] == ["python", "manage.py", "createsuperuser", "--noinput"]


def test_work_is_the_worker_of_the_procfile(tmp_path: Path) -> None:
    said = run(ENTRYPOINT, "work", PATH=stand_in(tmp_path, "celery"))
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    assert said.stdout.splitlines()[:-1] == lines["work"].split()


def test_release_migrates_and_hands_out_the_static_files(tmp_path: Path) -> None:
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "new.css").write_text("new")
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume" / "old.css").write_text("old")
    (tmp_path / "bin").mkdir()
    done = run(
        ENTRYPOINT,
        "release",
        PATH=stand_in(tmp_path / "bin", "python"),
        STATIC_ROOT=str(tmp_path / "built"),
        STATIC_COPY=str(tmp_path / "volume"),
    )
    assert done.stdout.splitlines()[:3] == ["python", "manage.py", "migrate"]
    assert {path.name for path in (tmp_path / "volume").iterdir()} == {"new.css", "old.css"}


def test_a_failed_migration_fails_the_release(tmp_path: Path) -> None:
    stand_in(tmp_path, "python")
    (tmp_path / "python").write_text("#!/bin/sh\nexit 3\n")
    assert run(ENTRYPOINT, "release", PATH=f"{tmp_path}:{os.environ['PATH']}").returncode == 3


def test_anything_else_is_run_as_it_stands() -> None:
    assert run(ENTRYPOINT, "echo", "one  two").stdout == "one  two\n"


def test_without_a_word_it_says_which_there_are() -> None:
    done = run(ENTRYPOINT)
    assert done.returncode == 64
    assert "worker" in done.stderr


# -- The health check
@contextmanager
def answering(status: int, body: str, **headers: str) -> Iterator[int]:
    """A server that gives this answer to everybody; yields its port."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: Any) -> None:
            """Nobody reads it."""

    with run_http_server(Answer) as port:
        yield port


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, '{"status": "ok"}', 0),
        (200, '{"status": "failing"}', 1),
        (200, "<html>Welcome to nginx</html>", 1),
        (200, "[]", 1),
        (301, "", 1),
        (302, '{"status": "ok"}', 1),
        (503, '{"status": "failing"}', 1),
        (500, '{"status": "ok"}', 1),
    ],
)
def test_only_a_plain_yes_of_ours_is_health(status: int, body: str, expected: int) -> None:
    with (
        answering(200, '{"status": "ok"}') as well,
        answering(status, body, Location=f"http://127.0.0.1:{well}/health/") as port,
    ):
        assert run(sys.executable, HEALTHCHECK, PORT=str(port)).returncode == expected


def test_nobody_there_is_no_health() -> None:
    with answering(200, '{"status": "ok"}') as port:
        pass
    assert run(sys.executable, HEALTHCHECK, PORT=str(port)).returncode == 1


# -- Kubernetes
@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: path.name)
def test_kubernetes_accepts(path: Path) -> None:
    done = run(sys.executable, "-m", "kubernetes_validate", "--strict", path)
    assert done.returncode == 0, done.stdout + done.stderr


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """All resources of a kind, by name."""
    found = [each for path in KUBERNETES for each in yaml.safe_load_all(path.read_text()) if each]
    return {each["metadata"]["name"]: each for each in found if each["kind"] == kind}


@pytest.mark.parametrize("part", ["web", "worker"])
def test_a_redis_outage_does_not_empty_the_service(part: str) -> None:
    (container,) = resources("Deployment")[f"linkup-{part}"]["spec"]["template"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/"
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/db/"


@pytest.mark.parametrize("part", ["web", "worker"])
def test_pods_drain_within_their_grace(part: str) -> None:
    pod = resources("Deployment")[f"linkup-{part}"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    drain = container["lifecycle"]["preStop"]["exec"]["command"]
    assert drain[:3] == ["python", "manage.py", "drain"]
    assert int(drain[-1]) + 15 <= pod["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("part", ["web", "worker"])
def test_each_part_scales_and_is_never_emptied(part: str) -> None:
    name = f"linkup-{part}"
    scaler, budget = resources("HorizontalPodAutoscaler")[name], resources("PodDisruptionBudget")[name]
    assert scaler["spec"]["minReplicas"] >= 2
    assert budget["spec"]["maxUnavailable"] == 1


def pods() -> dict[str, dict[str, Any]]:
    """What runs in a pod, by the name of the resource that starts it."""
    begun = {**resources("Deployment"), **resources("Job")}
    begun |= {name: each["spec"]["jobTemplate"] for name, each in resources("CronJob").items()}
    return {name: each["spec"]["template"]["spec"] for name, each in begun.items()}


def test_secrets_are_referred_to_and_empty_here() -> None:
    assert set(resources("Secret")["linkup"]["stringData"].values()) == {""}
    assert len(pods()) >= 4
    for pod in pods().values():
        (container,) = pod["containers"]
        assert {"secretRef": {"name": "linkup"}} in container["envFrom"]
        assert "env" not in container


def test_all_pods_run_one_version_without_rights() -> None:
    assert len({pod["containers"][0]["image"] for pod in pods().values()}) == 1
    for pod in pods().values():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_workers_finish_their_tasks_within_the_grace_and_reach_uploads() -> None:
    pod = pods()["linkup-work"]
    (container,) = pod["containers"]
    assert container["args"] == ["work"]
    assert pod["terminationGracePeriodSeconds"] > longest_seconds()
    assert {"name": "media", "mountPath": "/data/media"} in container["volumeMounts"]


def test_every_file_is_applied_by_the_page() -> None:
    page = (ROOT / "deploy" / "kubernetes" / "README.md").read_text()
    assert {f"-f {path.name.replace('secret.example', 'secret')}" for path in KUBERNETES} <= set(
        re.findall(r"-f \S+", page)
    )


def test_kubernetes_sets_only_variables_that_are_read() -> None:
    names = set(resources("ConfigMap")["linkup"]["data"]) | set(resources("Secret")["linkup"]["stringData"])
    assert names <= find_used_variables() | {"DJANGO_ENVIRONMENT"}


def test_draining_one_container_leaves_the_others_alone() -> None:
    """The drain file must not lie on what they share."""
    assert "DRAIN_FILE=/tmp/drain" in last_stage()
    assert resources("ConfigMap")["linkup"]["data"]["DRAIN_FILE"] != "/data/drain"


def test_one_job_migrates() -> None:
    (job,) = resources("Job").values()
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["release"]
