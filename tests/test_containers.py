"""The image, compose and Kubernetes files: checked by their own tools, and their commands tried outside a container."""

import http.server
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.programs import ROOT
from tests.variables import read_by_the_code

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
    assert "pip uninstall" in stage


def test_no_secret_of_the_build_stays_in_the_image() -> None:
    """What is set by ENV stays; the build's stand-ins are set for one command alone."""
    kept = re.findall(r"^ENV ((?:.*\\\n)*.*)$", dockerfile(), re.MULTILINE)
    assert not [line for line in kept if re.search(r"SECRET|PASSWORD|DATABASE_URL|REDIS_URL", line)]


@pytest.mark.parametrize("name", [".env", ".git", ".venv", "**/tests", "media", "logs"])
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

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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


# -- Compose
COMPOSE_ENVIRONMENT = {
    "SECRET_KEY": "s",
    "POSTGRES_PASSWORD": "p",
    "REDIS_PASSWORD": "r",
    "ALLOWED_HOSTS": "network.example.org",
}


def compose() -> dict[str, Any]:
    """The file as docker-compose understands it."""
    done = run(BINARIES / "docker-compose", "config", "--format", "json", **COMPOSE_ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def test_compose_understands_the_file() -> None:
    done = run(BINARIES / "docker-compose", "config", "-q", **COMPOSE_ENVIRONMENT)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", sorted(COMPOSE_ENVIRONMENT))
def test_compose_refuses_to_begin_without(name: str) -> None:
    given = {key: value for key, value in COMPOSE_ENVIRONMENT.items() if key != name}
    done = run(BINARIES / "docker-compose", "config", "-q", **given)
    assert done.returncode != 0
    assert name in done.stderr


def test_compose_sets_only_variables_that_are_read() -> None:
    set_for_web = set(compose()["services"]["web"]["environment"])
    assert set_for_web <= read_by_the_code() | {"DJANGO_ENVIRONMENT"}


def test_our_containers_have_no_rights_and_write_nowhere_but_data() -> None:
    for name in ("migrate", "web", "worker"):
        service = compose()["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert {volume["target"] for volume in service["volumes"]} <= {"/data", "/static"}


def test_servers_wait_for_the_migration_and_nothing_but_nginx_is_open() -> None:
    services = compose()["services"]
    for name in ("web", "worker"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert [name for name, service in services.items() if service.get("ports")] == ["nginx"]
    assert set(compose()["volumes"]) == {"postgres", "data", "static"}


# -- nginx in compose
def nginx_script(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "default.conf").touch()
    given = {
        "ALLOWED_HOSTS": "your.name.org,other.name.org",
        "CERTIFICATES": str(tmp_path),
        "SOURCE": str(ROOT / "deploy" / "nginx" / "linkup.conf"),
        "TARGET": str(tmp_path / "linkup.conf"),
        "DEFAULT_SITE": str(tmp_path / "default.conf"),
    }
    return run(ROOT / "deploy" / "docker" / "nginx.sh", **{**given, **variables})


def test_nginx_in_compose_serves_your_name_from_the_containers(tmp_path: Path) -> None:
    for name in ("fullchain.pem", "privkey.pem"):
        (tmp_path / name).touch()
    assert nginx_script(tmp_path).returncode == 0
    written = (tmp_path / "linkup.conf").read_text()
    assert "server web:8000" in written
    assert "server worker:8001" in written
    assert "server_name your.name.org;" in written
    assert f"ssl_certificate {tmp_path}/fullchain.pem;" in written
    assert "example.org" not in "".join(line for line in written.splitlines() if not line.startswith("#"))
    assert not (tmp_path / "default.conf").exists()


def test_nginx_in_compose_says_that_the_certificate_is_missing(tmp_path: Path) -> None:
    done = nginx_script(tmp_path)
    assert done.returncode == 1
    assert "certificates/fullchain.pem" in done.stderr


def test_nginx_in_compose_takes_no_name_that_could_be_more_than_one(tmp_path: Path) -> None:
    done = nginx_script(tmp_path, SITE_NAME="a.org; include /etc/passwd")
    assert done.returncode == 1
    assert not (tmp_path / "linkup.conf").exists()


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


def test_secrets_are_referred_to_and_empty_here() -> None:
    assert set(resources("Secret")["linkup"]["stringData"].values()) == {""}
    for kind in ("Deployment", "Job"):
        for each in resources(kind).values():
            (container,) = each["spec"]["template"]["spec"]["containers"]
            assert {"secretRef": {"name": "linkup"}} in container["envFrom"]
            assert "env" not in container


def test_kubernetes_sets_only_variables_that_are_read() -> None:
    names = set(resources("ConfigMap")["linkup"]["data"]) | set(resources("Secret")["linkup"]["stringData"])
    assert names <= read_by_the_code() | {"DJANGO_ENVIRONMENT"}


def test_draining_one_container_leaves_the_others_alone() -> None:
    """The drain file must not lie on what they share."""
    assert "DRAIN_FILE=/tmp/drain" in last_stage()
    assert resources("ConfigMap")["linkup"]["data"]["DRAIN_FILE"] != "/data/drain"
    assert "DRAIN_FILE" not in compose()["services"]["web"]["environment"]


def test_one_job_migrates() -> None:
    (job,) = resources("Job").values()
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["release"]
