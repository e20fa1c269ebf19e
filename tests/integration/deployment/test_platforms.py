"""The guides of platforms: what of them can be run without an account there."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from scripts.programs import ROOT
from scripts.servers import HOST, find_free_port
from tests.integration.delivery.wire import Closed, Socket

from .blocks import AWS, DIGITALOCEAN, DOCKER, HEROKU, KUBERNETES, PAGES, blocks_of
from .installation import ADMIN, Installation
from .shell import Shell

BINARIES = Path(sys.executable).parent


# -- Docker
VERSIONS = ("0.1.0", "7.8.9")


@pytest.fixture
def composed(tmp_path: Path) -> dict[str, str]:
    """The environment of `web` as compose makes it of the guide's `.env`; an upgrade has followed the first start."""
    for name in ("compose.yaml", "deploy", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    programs = tmp_path / "programs"
    programs.mkdir()
    # `docker compose` is the same program as `docker-compose`.
    docker = programs / "docker"
    docker.write_text(f'#!/bin/sh\nshift\nexec "{BINARIES}/docker-compose" "$@"\n')
    docker.chmod(0o755)
    shell = Shell(tmp_path, {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path)})
    try:
        before = shell.type("umask")
        *first, upgrade = (block for block in blocks_of(DOCKER) if block.language == "bash")
        for block in first:
            assert shell.run(block) == ""
        assert image_of(shell) == f"linkup:{VERSIONS[0]}"
        project = tmp_path / "pyproject.toml"
        project.write_text(project.read_text().replace(f'"{VERSIONS[0]}"', f'"{VERSIONS[1]}"'))
        assert shell.run(upgrade) == ""
        described = json.loads(shell.type("docker compose config --format json"))
        # Code that is fetched later must stay readable for the image's user.
        assert shell.type("umask") == before
    finally:
        shell.leave()
    # Each later command of compose means the version of .env, in whatever shell it is typed.
    assert {described["services"][name]["image"] for name in ("migrate", "web", "worker", "work")} == {
        f"linkup:{VERSIONS[1]}"
    }
    environment = described["services"]["web"]["environment"]
    return {name: str(value) for name, value in environment.items() if value is not None}


def image_of(shell: Shell) -> str:
    described = json.loads(shell.type("docker compose config --format json"))
    return str(described["services"]["web"]["image"])


def test_linkup_starts_with_what_compose_gives_it(
    installation: Installation, composed: dict[str, str], tmp_path: Path
) -> None:
    assert oct((tmp_path / ".env").stat().st_mode)[-3:] == "600"
    assert len(set(re.findall(r"=(\w{50,})$", (tmp_path / ".env").read_text(), re.MULTILINE))) == 3
    # The folders of the image are not here.
    mine = {
        "DATA_DIR": installation.environment["DATA_DIR"],
        "STATIC_ROOT": "",
        "MEDIA_ROOT": "",
        "LOG_DIR": "",
    }
    done = installation.manage("check", "--deploy", "--fail-level", "WARNING", **{**composed, **mine})
    assert done.returncode == 0, done.stderr


# -- Heroku
# The platform adds an additional ending to the name of each new app.
ON_HEROKU = "your-network-1a2b3c4d5e6f.herokuapp.com"


@pytest.fixture
def told_to_heroku(tmp_path: Path) -> list[list[str]]:
    """How the guide calls the platform's client, each call by its words."""
    (block,) = (block for block in blocks_of(HEROKU) if block.language == "sh")
    calls = tmp_path / "calls"
    record = f"heroku() {{ printf '%s\\n' \"$@\" '' >>'{calls}'; [ $1 != apps:info ] || cat info; }}\ngit() {{ :; }}\n"
    (tmp_path / "info").write_text(f"auto_cert_mgmt=false\nweb_url=https://{ON_HEROKU}/\nstack=heroku-24\n")
    shell = Shell(tmp_path, {"PATH": os.environ["PATH"]})
    try:
        shell.type(record + block.text)
    finally:
        shell.leave()
    return [call.splitlines() for call in calls.read_text().split("\n\n") if call]


def variables_of(calls: list[list[str]]) -> dict[str, str]:
    (words,) = (call[1:] for call in calls if call[0] == "config:set")
    return dict(word.split("=", 1) for word in words)


async def test_one_process_serves_pages_and_sockets_as_on_heroku(
    installation: Installation, told_to_heroku: list[list[str]]
) -> None:
    variables = variables_of(told_to_heroku)
    assert {"SECRET_KEY", "ALLOWED_HOSTS", "WEB_SERVER"} <= set(variables)
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line)
    port = find_free_port()
    # Heroku's router comes from elsewhere; here nobody may.
    variables |= {"PORT": str(port), "GUNICORN_CMD_ARGS": f"--bind {HOST}:{port}"}
    server = installation.server("heroku", shlex.split(lines["web"]), port, **variables)
    server.start()
    try:
        with pytest.raises(Closed) as refused:
            await Socket.open(port, {"Host": variables["ALLOWED_HOSTS"], "X-Forwarded-Proto": "https"})
        assert refused.value.args[0] == 403
    finally:
        server.stop()


def test_the_name_on_heroku_is_the_one_that_the_platform_gave(told_to_heroku: list[list[str]]) -> None:
    assert variables_of(told_to_heroku)["ALLOWED_HOSTS"] == ON_HEROKU


def test_heroku_builds_with_python_though_there_is_a_package_json(told_to_heroku: list[list[str]]) -> None:
    words = [call[0] for call in told_to_heroku]
    assert ["buildpacks:set", "heroku/python"] in told_to_heroku
    assert words.index("create") < words.index("buildpacks:set")
    (settings,) = (call for call in told_to_heroku if call[0] == "config:set")
    assert "TASK_EXECUTOR=thread" in settings


def test_what_is_run_on_heroku_runs_here(installation: Installation, told_to_heroku: list[list[str]]) -> None:
    commands = [call[1:] for call in told_to_heroku if call[0] == "run"]
    assert commands == [["python", "manage.py", "createsuperuser"]]
    answers = {**{f"DJANGO_SUPERUSER_{name}": value for name, value in ADMIN.items()}}
    answers |= {"DJANGO_SUPERUSER_USERNAME": "hera", "DJANGO_SUPERUSER_EMAIL": "hera@example.org"}
    done = installation.manage(*commands[0][2:], "--noinput", **answers)
    assert "Superuser created successfully" in done.stdout, done.stderr


# -- DigitalOcean, AWS
def app_of_digitalocean() -> Any:
    (block,) = (block for block in blocks_of(DIGITALOCEAN) if block.language == "yaml")
    return yaml.safe_load(block.text)


def told_to_doctl() -> list[list[str]]:
    """The guide's commands of the platform's client, each by its words."""
    text = "\n".join(block.text for block in blocks_of(DIGITALOCEAN) if block.language == "sh")
    lines = re.findall(r"(?m)^doctl (.*)$", text.replace("\\\n", ""))
    return [shlex.split(line, comments=True) for line in lines]


def test_the_app_of_digitalocean_runs_what_the_image_has() -> None:
    app = app_of_digitalocean()
    entrypoint = (ROOT / "deploy" / "docker" / "entrypoint").read_text()
    parts = {part["name"]: part for part in [*app["services"], *app["workers"], *app["jobs"]]}
    for part in parts.values():
        program, word, *_ = part["run_command"].split()
        assert program == "/app/deploy/docker/entrypoint"
        assert re.search(rf"^ *{word}\)", entrypoint, re.MULTILINE), word
        # From where it is built.
        assert set(part["git"]) == {"repo_clone_url", "branch"}
        assert (ROOT / part["dockerfile_path"]).is_file()
    first, last = app["ingress"]["rules"]
    assert (first["match"]["path"]["prefix"], first["component"]["preserve_path_prefix"]) == ("/ws/", True)
    assert {first["component"]["name"], last["component"]["name"]} <= set(parts)
    for service in app["services"]:
        assert service["health_check"]["http_path"] == "/health/db/"
    assert parts["work"]["run_command"].endswith(" work")


def test_the_databases_of_digitalocean_are_made_before_the_app_that_names_them() -> None:
    calls = told_to_doctl()
    made = [call[2] for call in calls if call[:2] == ["databases", "create"]]
    assert sorted(made) == sorted(each["cluster_name"] for each in app_of_digitalocean()["databases"])
    assert [call[:2] for call in calls].index(["apps", "create"]) > calls.index(
        next(call for call in reversed(calls) if call[:2] == ["databases", "create"])
    )


def test_linkup_starts_with_what_digitalocean_gives_it(installation: Installation, tmp_path: Path) -> None:
    """The variables of app.yaml, after the guide has put the SECRET_KEY in; `${…}` is what the platform knows."""
    (block,) = (block for block in blocks_of(DIGITALOCEAN) if block.language == "yaml")
    (tmp_path / "app.yaml").write_text(block.text)
    text = "\n".join(block.text for block in blocks_of(DIGITALOCEAN) if block.language == "sh")
    (secret,) = re.findall(r"(?m)^sed .*$", text)
    subprocess.run(["/bin/bash", "-c", secret], cwd=tmp_path, check=True)
    known = {
        "${APP_DOMAIN}": "linkup-abcde.ondigitalocean.app",
        "${db.DATABASE_URL}": "postgres://doadmin:secret@db.example.org:25060/defaultdb?sslmode=require",
        "${redis.DATABASE_URL}": "rediss://default:secret@redis.example.org:25061",
    }
    envs = yaml.safe_load((tmp_path / "app.yaml").read_text())["envs"]
    environment_of_app = {each["key"]: known.get(each["value"], each["value"]) for each in envs}
    assert len(environment_of_app["SECRET_KEY"]) >= 50
    assert not [value for value in environment_of_app.values() if "${" in value]
    assert {each["key"] for each in envs if each["value"].startswith("THE_")} <= {
        each["key"] for each in envs if each.get("type") == "SECRET"
    }
    mine = dict.fromkeys(("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD"), "")
    done = installation.manage("check", "--deploy", "--fail-level", "WARNING", **mine, **environment_of_app)
    assert done.returncode == 0, done.stderr


def test_the_image_that_is_built_for_aws_is_the_one_that_is_pushed(tmp_path: Path) -> None:
    (block,) = (block for block in blocks_of(AWS) if "docker build" in block.text)
    calls = tmp_path / "calls"
    record = f"docker() {{ printf '%s\\n' \"$@\" '' >>'{calls}'; }}\naws() {{ :; }}\n"
    shell = Shell(tmp_path, {"PATH": os.environ["PATH"], "ACCOUNT": "123456789012", "NETWORK": "subnets=[]"})
    try:
        shell.type(record + block.text)
    finally:
        shell.leave()
    described = [call.splitlines() for call in calls.read_text().split("\n\n") if call]
    (built,) = (call for call in described if call[0] == "build")
    (pushed,) = (call for call in described if call[0] == "push")
    assert pushed == ["push", built[built.index("--tag") + 1]]
    assert pushed[1].startswith("123456789012.dkr.ecr.")


@pytest.mark.parametrize("page", [AWS, DIGITALOCEAN, HEROKU, DOCKER, KUBERNETES], ids=lambda page: page.name)
def test_each_page_says_what_sends_the_mail_that_waited(page: Path) -> None:
    assert "send_due_notifications" in page.read_text()


def test_the_policy_of_aws_is_about_the_bucket_that_is_made() -> None:
    page = {block.language: block for block in reversed(blocks_of(AWS))}
    policy = json.loads(page["json"].text)
    bucket = re.search(r"--bucket (\S+)", page["sh"].text)
    assert bucket
    resources = {statement["Resource"] for statement in policy["Statement"]}
    assert resources == {f"arn:aws:s3:::{bucket[1]}", f"arn:aws:s3:::{bucket[1]}/*"}
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Allow"}


# -- Commands named anywhere
COMMAND = re.compile(r"manage(?:\.py)? ([a-z][a-z_]+)((?: --[a-z-]+(?: [A-Z\d]+\b)?)*)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_exists_with_its_options(page: Path) -> None:
    # Only what is written as code; generate_secret_key works without settings, and so without Django.
    code = re.findall(r"`([^`\n]+)`", page.read_text()) + [block.text for block in blocks_of(page)]
    known = get_commands()
    for name, options in {match for text in code for match in COMMAND.findall(text.replace("\\\n", ""))}:
        if name == "generate_secret_key":
            continue
        assert name in known
        parser = load_command_class(known[name], name).create_parser("manage.py", name)
        taken = {option for action in parser._actions for option in action.option_strings}
        assert set(re.findall(r"--[a-z-]+", options)) <= taken, name


def test_generate_secret_key_needs_nothing(installation: Installation) -> None:
    python = installation.linkup / ".venv" / "bin" / "python"
    done = subprocess.run(
        [python, "manage.py", "generate_secret_key"],
        cwd=installation.linkup,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.strip()) >= 50
