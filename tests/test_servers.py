"""gunicorn.conf.py, wsgi.py and asgi.py (task 11; R13.1, R13.2, R13.4)."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.programs import ROOT
from scripts.stack import production_environment

CONFIG = str(ROOT / "gunicorn.conf.py")
OURS = ("WEB_SERVER", "WEB_CONCURRENCY", "WEB_THREADS", "WEB_TIMEOUT", "PORT", "TRUSTED_PROXIES")


def configuration(**variables: str) -> dict[str, Any]:
    """What gunicorn reads in this environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in OURS:
            patch.delenv(name, raising=False)
        for name, value in variables.items():
            patch.setenv(name, value)
        return runpy.run_path(CONFIG)


def test_without_a_word_it_serves_pages_in_threads_to_a_proxy_on_this_machine() -> None:
    config = configuration()
    assert config["worker_class"].__name__ == "OverlappingWorker"
    assert config["wsgi_app"] == "professional_network.wsgi:application"
    assert config["bind"] == "127.0.0.1:8000"
    assert config["workers"] == len(os.sched_getaffinity(0))
    assert config["threads"] == 4
    assert config["forwarded_allow_ips"] == "127.0.0.1,::1"
    assert (config["accesslog"], config["errorlog"]) == ("-", "-")
    assert config["proc_name"] == "linkup"
    assert config["max_requests"] > config["max_requests_jitter"] > 0
    assert min(config["timeout"], config["graceful_timeout"], config["keepalive"]) > 0
    assert config["env"].errors == []


@given(workers=st.integers(1, 64), threads=st.integers(1, 64), port=st.integers(1, 65535))
def test_the_environment_says_how_many_and_where(workers: int, threads: int, port: int) -> None:
    config = configuration(WEB_CONCURRENCY=str(workers), WEB_THREADS=str(threads), PORT=str(port))
    assert (config["workers"], config["threads"]) == (workers, threads)
    assert config["bind"] == f"0.0.0.0:{port}"


def test_one_variable_serves_pages_and_sockets_on_one_port() -> None:
    config = configuration(WEB_SERVER="asgi")
    assert (config["worker_class"], config["wsgi_app"]) == ("asgi", "professional_network.asgi:application")


def test_only_addresses_of_trusted_proxies_reach_gunicorn() -> None:
    config = configuration(TRUSTED_PROXIES="10.0.0.0/8, unix, ::1")
    assert config["forwarded_allow_ips"] == "10.0.0.0/8,::1"


@pytest.mark.parametrize(
    "variables",
    [{"WEB_SERVER": "flask"}, {"WEB_CONCURRENCY": "0"}, {"WEB_THREADS": "many"}, {"PORT": "-1"}],
)
def test_a_fault_is_noted_for_the_one_message(variables: dict[str, str]) -> None:
    errors = configuration(**variables)["env"].errors
    assert [error.partition(":")[0] for error in errors] == list(variables)


def started(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A start that ends by itself, because something is missing."""
    return subprocess.run(
        [str(Path(sys.executable).parent / command[0]), *command[1:]],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


GUNICORN = ["gunicorn", "--config", "gunicorn.conf.py", "--bind", "127.0.0.1:0"]


def test_a_faulty_environment_ends_with_one_message_and_no_trace(tmp_path: Path) -> None:
    environment = production_environment("", "", tmp_path, SECRET_KEY="")
    done = started(GUNICORN, environment)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL"):
        assert f"  - {name}: missing" in done.stderr
    assert ".env.example" in done.stderr


@pytest.mark.parametrize("server", ["gthread", "asgi"])
def test_production_refuses_to_start_without_the_manifest_of_static_files(
    tmp_path: Path, server: str
) -> None:
    # R13.3
    urls = ("postgres://linkup@127.0.0.1:1/linkup", "redis://127.0.0.1:1/0")
    done = started(GUNICORN, production_environment(*urls, tmp_path, WEB_SERVER=server))
    assert done.returncode != 0
    assert "collectstatic" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_server_starts_in_development_because_nobody_said_otherwise(tmp_path: Path) -> None:
    urls = ("postgres://linkup@127.0.0.1:1/linkup", "redis://127.0.0.1:1/0")
    daphne = ["daphne", "--bind", "127.0.0.1", "--port", "1", "professional_network.asgi:application"]
    package = "professional_network.settings"
    wrong = []
    for command in (GUNICORN, daphne, ["python", "-c", "import professional_network.wsgi"]):
        for variables in ({}, {"DJANGO_ENVIRONMENT": " "}, {"DJANGO_SETTINGS_MODULE": package}):
            environment = production_environment(*urls, tmp_path)
            del environment["DJANGO_ENVIRONMENT"]
            done = started(command, {**environment, **variables})
            if not done.returncode or "DJANGO_ENVIRONMENT is missing" not in done.stderr:
                wrong.append((command[0], variables, done.returncode, done.stderr[-300:]))
    assert not wrong


def test_commands_need_no_manifest(tmp_path: Path) -> None:
    urls = ("postgres://linkup@127.0.0.1:1/linkup", "redis://127.0.0.1:1/0")
    done = started(["python", "manage.py", "check"], production_environment(*urls, tmp_path))
    assert done.returncode == 0, done.stderr


def test_both_entry_points_can_be_imported(tmp_path: Path) -> None:
    imports = (
        "from professional_network.wsgi import application as pages\n"
        "from professional_network.asgi import application as sockets\n"
        "print(type(pages).__name__, type(sockets).__name__)\n"
    )
    environment = {**os.environ, "DJANGO_ENVIRONMENT": "test", "DATABASE_URL": "sqlite:///:memory:"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    done = started(["python", "-c", imports], environment)
    assert done.stdout.split() == ["ParsableContentType", "ProtocolTypeRouter"], done.stderr
