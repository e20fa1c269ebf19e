"""The guides of platforms: what of them can be run without an account there."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from scripts.programs import ROOT
from scripts.servers import HOST, free_port
from tests.integration.delivery.wire import Closed, Socket

from .blocks import AWS, DIGITALOCEAN, DOCKER, HEROKU, blocks_of
from .place import ADMIN, Place
from .shell import Shell
from .test_blocks import PAGES

BINARIES = Path(sys.executable).parent


# -- Docker
@pytest.fixture
def composed(tmp_path: Path) -> dict[str, str]:
    """The environment of `web` as compose makes it of the guide's `.env`."""
    for name in ("compose.yaml", "deploy"):
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
        for block in blocks_of(DOCKER):
            if block.language == "bash":
                assert shell.run(block) == ""
        told = json.loads(shell.type("docker compose config --format json"))
    finally:
        shell.leave()
    environment = told["services"]["web"]["environment"]
    return {name: str(value) for name, value in environment.items() if value is not None}


def test_linkup_starts_with_what_compose_gives_it(
    place: Place, composed: dict[str, str], tmp_path: Path
) -> None:
    assert oct((tmp_path / ".env").stat().st_mode)[-3:] == "600"
    assert len(set(re.findall(r"=(\w{50,})$", (tmp_path / ".env").read_text(), re.MULTILINE))) == 3
    # The folders of the image are not here.
    mine = {"DATA_DIR": place.environment["DATA_DIR"], "STATIC_ROOT": "", "MEDIA_ROOT": "", "LOG_DIR": ""}
    done = place.manage("check", "--deploy", "--fail-level", "WARNING", **{**composed, **mine})
    assert done.returncode == 0, done.stderr


# -- Heroku
@pytest.fixture
def told_to_heroku(tmp_path: Path) -> list[list[str]]:
    """How the guide calls the platform's client, each call by its words."""
    (block,) = (block for block in blocks_of(HEROKU) if block.language == "sh")
    calls = tmp_path / "calls"
    record = f"heroku() {{ printf '%s\\n' \"$@\" '' >>'{calls}'; }}\ngit() {{ :; }}\n"
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
    place: Place, told_to_heroku: list[list[str]]
) -> None:
    variables = variables_of(told_to_heroku)
    assert {"SECRET_KEY", "ALLOWED_HOSTS", "WEB_SERVER"} <= set(variables)
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line)
    port = free_port()
    # Heroku's router comes from elsewhere; here nobody may.
    variables |= {"PORT": str(port), "GUNICORN_CMD_ARGS": f"--bind {HOST}:{port}"}
    server = place.server("heroku", shlex.split(lines["web"]), port, **variables)
    server.start()
    try:
        with pytest.raises(Closed) as refused:
            await Socket.open(port, {"Host": variables["ALLOWED_HOSTS"], "X-Forwarded-Proto": "https"})
        assert refused.value.args[0] == 403
    finally:
        server.stop()


def test_what_is_run_on_heroku_runs_here(place: Place, told_to_heroku: list[list[str]]) -> None:
    commands = [call[1:] for call in told_to_heroku if call[0] == "run"]
    assert commands == [["python", "manage.py", "createsuperuser"]]
    answers = {**{f"DJANGO_SUPERUSER_{name}": value for name, value in ADMIN.items()}}
    answers |= {"DJANGO_SUPERUSER_USERNAME": "hera", "DJANGO_SUPERUSER_EMAIL": "hera@example.org"}
    done = place.manage(*commands[0][2:], "--noinput", **answers)
    assert "Superuser created successfully" in done.stdout, done.stderr


# -- DigitalOcean, AWS
def test_the_app_of_digitalocean_runs_what_the_image_has() -> None:
    (block,) = (block for block in blocks_of(DIGITALOCEAN) if block.language == "yaml")
    app = yaml.safe_load(block.text)
    entrypoint = (ROOT / "deploy" / "docker" / "entrypoint").read_text()
    parts = {part["name"]: part for part in [*app["services"], *app["jobs"]]}
    for part in parts.values():
        program, word = part["run_command"].split()
        assert program == "/app/deploy/docker/entrypoint"
        assert re.search(rf"^ *{word}\)", entrypoint, re.MULTILINE), word
    first, last = app["ingress"]["rules"]
    assert (first["match"]["path"]["prefix"], first["component"]["preserve_path_prefix"]) == ("/ws/", True)
    assert {first["component"]["name"], last["component"]["name"]} <= set(parts)
    for service in app["services"]:
        assert service["health_check"]["http_path"] == "/health/db/"


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
    # Only what stands in code; generate_secret_key works without settings, and so without Django.
    code = re.findall(r"`([^`\n]+)`", page.read_text()) + [block.text for block in blocks_of(page)]
    known = get_commands()
    for name, options in {match for text in code for match in COMMAND.findall(text.replace("\\\n", ""))}:
        if name == "generate_secret_key":
            continue
        assert name in known
        parser = load_command_class(known[name], name).create_parser("manage.py", name)
        taken = {option for action in parser._actions for option in action.option_strings}
        assert set(re.findall(r"--[a-z-]+", options)) <= taken, name


def test_generate_secret_key_needs_nothing(place: Place) -> None:
    python = place.linkup / ".venv" / "bin" / "python"
    done = subprocess.run(
        [python, "manage.py", "generate_secret_key"],
        cwd=place.linkup,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.strip()) >= 50
