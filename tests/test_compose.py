"""compose.yaml as docker-compose understands it, and the scripts of nginx and the certificate, outside a container."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.tasks.registry import longest_seconds
from scripts.programs import ROOT

from .environment_variables import find_used_variables
from .test_containers import BINARIES, last_stage, run, stand_in
from .test_repository import files_of_the_repository

ENVIRONMENT = {
    "SECRET_KEY": "s",
    "POSTGRES_PASSWORD": "p",
    "REDIS_PASSWORD": "r",
    "ALLOWED_HOSTS": "network.example.org",
}
OURS = ("migrate", "web", "worker", "work")
# What compose.yaml decides by what else stands in it, so that .env is not asked.
DECIDED = {
    "DJANGO_ENVIRONMENT",
    *("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD", "REDIS_URL"),
    *("TRUSTED_PROXIES", "MEDIA_ACCEL_PREFIX", "PROMETHEUS_MULTIPROC_DIR"),
}
# What the image and its entry point decide; errors are shown to nobody.
OF_THE_IMAGE = {
    *("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "DEBUG", "PORT", "WEB_SERVER"),
    *("DATA_DIR", "STATIC_ROOT", "MEDIA_ROOT", "LOG_DIR", "DRAIN_FILE"),
}


def compose(*options: str, **variables: str) -> dict[str, Any]:
    """The file as docker-compose understands it."""
    command: list[str | Path] = [BINARIES / "docker-compose", *options, "config", "--format", "json"]
    done = run(*command, **{**ENVIRONMENT, **variables})
    assert done.returncode == 0, done.stderr
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def test_compose_understands_the_file() -> None:
    done = run(BINARIES / "docker-compose", "config", "-q", **ENVIRONMENT)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", sorted(ENVIRONMENT))
def test_compose_refuses_to_begin_without(name: str) -> None:
    given = {key: value for key, value in ENVIRONMENT.items() if key != name}
    done = run(BINARIES / "docker-compose", "config", "-q", **given)
    assert done.returncode != 0
    assert name in done.stderr


# -- What .env says
def optional() -> set[str]:
    return find_used_variables() - DECIDED - OF_THE_IMAGE - set(ENVIRONMENT)


def test_each_variable_of_the_settings_is_taken_from_env_or_decided_here() -> None:
    given = {name: f"what .env says of {name}" for name in optional()}
    services = compose(**given)["services"]
    for name in OURS:
        got = services[name]["environment"]
        assert {key: got.get(key) for key in given} == given
        assert set(got) - {"STATIC_COPY"} == optional() | DECIDED | {"SECRET_KEY", "ALLOWED_HOSTS"}
    assert not DECIDED & OF_THE_IMAGE


def test_the_page_names_what_is_not_taken_from_env() -> None:
    page = (ROOT / "docs" / "DEPLOYMENT_DOCKER.md").read_text()
    sentence = page.split("but for those that `compose.yaml` decides itself:")[1].split(". ")[0]
    named = {
        "PORT",
        "WEB_SERVER",
        "TRUSTED_PROXIES",
        "MEDIA_ACCEL_PREFIX",
        "PROMETHEUS_MULTIPROC_DIR",
        "DEBUG",
    }
    assert set(re.findall(r"`([A-Z_]+)`", sentence)) == named <= DECIDED | OF_THE_IMAGE


def settings_with(folder: Path, **variables: str) -> set[str]:
    """All settings of production in this environment, a line each."""
    given = {
        "DJANGO_ENVIRONMENT": "production",
        "SECRET_KEY": "k" * 60,
        "ALLOWED_HOSTS": "network.example.org",
        "DATABASE_URL": "postgres://nobody@localhost/nothing",
        "REDIS_URL": "redis://localhost/0",
        "DATA_DIR": str(folder),
        # Sets are told in one order.
        "PYTHONHASHSEED": "0",
        **variables,
    }
    done = run(BINARIES / "python", "manage.py", "diffsettings", "--all", **given)
    assert done.returncode == 0, done.stderr
    return {line for line in done.stdout.splitlines() if " object at 0x" not in line}


def test_an_empty_variable_is_one_that_is_not_given(tmp_path: Path) -> None:
    """compose.yaml hands on as empty what .env does not say."""
    assert settings_with(tmp_path, **dict.fromkeys(optional(), "")) == settings_with(tmp_path)


def test_env_says_which_version_runs() -> None:
    services = compose(LINKUP_VERSION="0.2.0")["services"]
    assert {services[name]["image"] for name in OURS} == {"linkup:0.2.0"}


# -- What runs
def test_our_containers_have_no_rights_and_write_nowhere_but_data() -> None:
    services = compose()["services"]
    for name in OURS:
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert {volume["target"] for volume in services[name]["volumes"]} <= {"/data", "/static"}


def test_servers_wait_for_the_migration_and_nothing_but_nginx_is_open() -> None:
    services = compose()["services"]
    for name in ("web", "worker", "work"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert [name for name, service in services.items() if service.get("ports")] == ["nginx"]
    assert set(compose()["volumes"]) == {"postgres", "data", "static", "webroot"}


def test_draining_one_container_leaves_the_others_alone() -> None:
    assert "DRAIN_FILE=/tmp/drain" in last_stage()
    assert "DRAIN_FILE" not in compose()["services"]["web"]["environment"]


def test_postgresql_is_well_when_it_answers_where_linkup_asks() -> None:
    """The first start answers on the socket alone, while it is not ready."""
    words = compose()["services"]["postgres"]["healthcheck"]["test"]
    assert words[words.index("--host") + 1] == "127.0.0.1"


def test_the_worker_of_tasks_is_no_server_and_has_time_to_end() -> None:
    work = compose()["services"]["work"]
    assert work["command"] == ["work"]
    assert work["restart"] == "unless-stopped"
    assert work["healthcheck"]["disable"] is True
    minutes, seconds = re.fullmatch(r"(\d+)m(\d+)s", work["stop_grace_period"]).groups()  # type: ignore[union-attr]
    assert int(minutes) * 60 + int(seconds) > longest_seconds()


def test_what_lies_beside_the_file_does_not_enter_the_image() -> None:
    """Certificates, and whatever else compose mounts from the folder that is not part of the code."""
    mounted = {
        Path(volume["source"]).relative_to(ROOT)
        for service in compose("--profile", "certificate")["services"].values()
        for volume in service.get("volumes", [])
        if volume["type"] == "bind"
    }
    code = {path.relative_to(ROOT) for path in files_of_the_repository()}
    private = {path.name for path in mounted - code}
    assert private == {"certificates", "letsencrypt"}
    assert private <= set((ROOT / ".dockerignore").read_text().splitlines())


# -- The certificate
def mounts(service: str, target: str) -> dict[str, Any]:
    volumes = compose("--profile", "certificate")["services"][service]["volumes"]
    (found,) = (volume for volume in volumes if volume["target"] == target)
    return {"source": found["source"], "writes": not found.get("read_only", False)}


def test_certbot_shows_to_lets_encrypt_what_nginx_serves() -> None:
    root = re.search(
        r"acme-challenge/ \{\s+root (\S+);", (ROOT / "deploy" / "nginx" / "linkup.conf").read_text()
    )
    assert root
    for target in (root[1], "/certificates"):
        certbot, nginx = mounts("certbot", target), mounts("nginx", target)
        assert certbot["source"] == nginx["source"]
        assert (certbot["writes"], nginx["writes"]) == (True, False)
    assert "certbot" not in compose()["services"], "`up` must not start it"


def renewed(tmp_path: Path, docker: str) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
    """deploy/docker/renew in a folder with a certificate; how it called `docker`, a list of words for each call."""
    script = tmp_path / "deploy" / "docker" / "renew"
    script.parent.mkdir(parents=True)
    script.write_text((ROOT / "deploy" / "docker" / "renew").read_text())
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates" / "fullchain.pem").write_text("old")
    (tmp_path / "bin").mkdir()
    path = stand_in(tmp_path / "bin", "docker")
    program = tmp_path / "bin" / "docker"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" "" >>"{tmp_path}/calls"\n{docker}\n')
    done = run("sh", script, PATH=path)
    return done, [call.splitlines() for call in (tmp_path / "calls").read_text().split("\n\n") if call]


def test_a_new_certificate_is_taken_by_nginx(tmp_path: Path) -> None:
    new = f'case $2 in run) echo new >"{tmp_path}/certificates/fullchain.pem" ;; esac'
    done, (renewal, reload) = renewed(tmp_path, new)
    assert done.returncode == 0, done.stderr
    assert renewal[:6] == ["compose", "run", "--rm", "-T", "certbot", "renew"]
    assert renewal[renewal.index("--webroot-path") + 1] == "/var/www/letsencrypt"
    hook = renewal[renewal.index("--deploy-hook") + 1]
    assert reload == ["compose", "exec", "-T", "nginx", "nginx", "-s", "reload"]

    # The hook is certbot's to run, with the folder of the new certificate, which holds links.
    lineage, certificates = tmp_path / "live", tmp_path / "certificates"
    lineage.mkdir()
    for name in ("fullchain.pem", "privkey.pem"):
        (tmp_path / f"1-{name}").write_text(name)
        (lineage / name).symlink_to(tmp_path / f"1-{name}")
    hook = hook.replace("/certificates/", f"{certificates}/")
    assert run("sh", "-c", hook, RENEWED_LINEAGE=str(lineage)).returncode == 0
    assert (certificates / "privkey.pem").read_text() == "privkey.pem"
    assert not (certificates / "privkey.pem").is_symlink()


def test_nginx_is_left_alone_when_there_is_no_new_certificate(tmp_path: Path) -> None:
    done, calls = renewed(tmp_path, ":")
    assert (done.returncode, len(calls)) == (0, 1)


def test_a_renewal_that_failed_says_so(tmp_path: Path) -> None:
    done, calls = renewed(tmp_path, "exit 1")
    assert (done.returncode, len(calls)) == (1, 1)


# -- nginx in compose
def nginx_script(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """deploy/docker/nginx.sh, which writes linkup.conf into the folder."""
    (tmp_path / "default.conf").touch()
    given = {
        "ALLOWED_HOSTS": "your.name.org,other.name.org",
        "CERTIFICATES": str(tmp_path),
        "SOURCE": str(ROOT / "deploy" / "nginx" / "linkup.conf"),
        "TARGET": str(tmp_path / "linkup.conf"),
        "DEFAULT_SITE": str(tmp_path / "default.conf"),
    }
    return run(ROOT / "deploy" / "docker" / "nginx.sh", **{**given, **variables})


@pytest.fixture
def certified(tmp_path: Path) -> Path:
    """A folder with a certificate in it, of a kind."""
    for name in ("fullchain.pem", "privkey.pem"):
        (tmp_path / name).touch()
    return tmp_path


def test_nginx_in_compose_serves_your_name_from_the_containers(certified: Path) -> None:
    assert nginx_script(certified).returncode == 0
    written = (certified / "linkup.conf").read_text()
    assert "default web:8000;" in written
    assert "default worker:8001;" in written
    assert "server_name your.name.org;" in written
    assert f"ssl_certificate {certified}/fullchain.pem;" in written
    assert "example.org" not in "".join(line for line in written.splitlines() if not line.startswith("#"))
    assert not (certified / "default.conf").exists()


def test_nginx_in_compose_asks_for_addresses_again_and_again(certified: Path) -> None:
    """An upstream's server is asked for once; test_platforms.py tries that a variable follows."""
    nginx_script(certified)
    written = re.sub(r"(?m)^ *#.*", "", (certified / "linkup.conf").read_text())
    assert re.search(r"^resolver 127\.0\.0\.11 valid=2s", written, re.MULTILINE)
    assert "upstream " not in written
    passed = re.findall(r"proxy_pass http://(\$\w+)", written)
    assert len(passed) >= 5
    assert set(passed) == {"$linkup_web", "$linkup_ws"}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "max-age=31536000; includeSubDomains; preload"),
        (
            dict.fromkeys(("SECURE_HSTS_SECONDS", "SECURE_HSTS_PRELOAD"), ""),
            "max-age=31536000; includeSubDomains; preload",
        ),
        ({"SECURE_HSTS_SECONDS": "3600", "SECURE_HSTS_PRELOAD": "False"}, "max-age=3600; includeSubDomains"),
        ({"SECURE_HSTS_INCLUDE_SUBDOMAINS": "off", "SECURE_HSTS_PRELOAD": "0"}, "max-age=31536000"),
        ({"SECURE_HSTS_SECONDS": "0"}, ""),
    ],
)
def test_nginx_says_the_same_of_https_as_linkup(
    certified: Path, variables: dict[str, str], expected: str
) -> None:
    assert nginx_script(certified, **variables).returncode == 0
    assert re.search(f'https +"{expected}";', (certified / "linkup.conf").read_text())
    assert {"SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD"} <= set(
        compose()["services"]["nginx"]["environment"]
    )


def test_nginx_in_compose_says_that_the_certificate_is_missing(tmp_path: Path) -> None:
    done = nginx_script(tmp_path)
    assert done.returncode == 1
    assert "certificates/fullchain.pem" in done.stderr


@pytest.mark.parametrize(
    "variables",
    [
        {"SITE_NAME": "a.org; include /etc/passwd"},
        {"OUTER_PROXIES": "10.0.0.0/8; include /etc/passwd"},
        {"SECURE_HSTS_SECONDS": "3600; preload"},
    ],
)
def test_nginx_in_compose_takes_no_value_that_could_be_more_than_one(
    certified: Path, variables: dict[str, str]
) -> None:
    done = nginx_script(certified, **variables)
    assert done.returncode == 1
    assert not (certified / "linkup.conf").exists()


def test_every_variable_of_env_in_the_file_is_one_of_linkup_or_told_on_the_page() -> None:
    """What only compose.yaml reads, no other page could tell."""
    text = (ROOT / "compose.yaml").read_text()
    of_compose = set(re.findall(r"\$\{([A-Z0-9_]+)", text)) - find_used_variables()
    page = (ROOT / "docs" / "DEPLOYMENT_DOCKER.md").read_text()
    assert [name for name in sorted(of_compose) if name not in page] == []
    assert yaml.safe_load(text)["name"] == "linkup"
