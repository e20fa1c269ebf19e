"""Procfile, app.json, the Python version, systemd units: they say the same as the code (task 12; R13.3)."""

import configparser
import json
import re
import shlex
import tomllib
from typing import Any

import pytest

from core.tasks.registry import longest_seconds
from scripts.nginx import SITE_CONFIG, NginxSite, render_config
from scripts.programs import ROOT

from .environment_variables import find_used_variables

UNITS = ROOT / "deploy" / "systemd"


def processes() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line.strip())


def test_the_procfile_has_the_four_processes() -> None:
    found = processes()
    assert set(found) == {"web", "worker", "work", "release"}
    assert shlex.split(found["work"])[:5] == [
        "celery",
        "--app",
        "professional_network.celery",
        "worker",
        "--beat",
    ]
    assert shlex.split(found["web"])[:3] == ["gunicorn", "--config", "gunicorn.conf.py"]
    assert shlex.split(found["worker"])[0] == "daphne"
    assert found["worker"].endswith("professional_network.asgi:application")
    assert (
        found["release"] == "python manage.py migrate --noinput && python manage.py collectstatic --noinput"
    )


def test_daphne_has_limits_and_believes_no_forwarded_header() -> None:
    words = shlex.split(processes()["worker"])
    for option in (
        "--application-close-timeout",
        "--http-timeout",
        "--ping-interval",
        "--ping-timeout",
        "--websocket_timeout",
        "--websocket_connect_timeout",
        "--websocket-max-message-size",
    ):
        assert option in words
    assert not [word for word in words if word.startswith("--proxy-headers")]


def app() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "app.json").read_text())
    return loaded


def test_the_app_has_its_databases_a_scheduler_and_a_secret_of_its_own() -> None:
    assert {addon["plan"].partition(":")[0] for addon in app()["addons"]} == {
        "heroku-postgresql",
        "heroku-redis",
    }
    assert app()["env"]["SECRET_KEY"]["generator"] == "secret"
    assert app()["env"]["DJANGO_ENVIRONMENT"]["value"] == "production"
    assert app()["env"]["WEB_SERVER"]["value"] == "asgi"


def test_the_app_sets_only_variables_that_are_read() -> None:
    assert set(app()["env"]) <= find_used_variables() | {"DJANGO_ENVIRONMENT"}


def test_one_python_version_is_named_everywhere() -> None:
    version = (ROOT / ".python-version").read_text().strip()
    assert (ROOT / "runtime.txt").read_text().strip() == f"python-{version}"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={version}"


def unit(name: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / name)
    return parser


def command(name: str, key: str = "ExecStart") -> list[str]:
    return shlex.split(unit(name)["Service"][key].replace("\\\n", " "))


def test_systemd_starts_what_the_procfile_starts() -> None:
    web, ws = command("linkup-web.service"), command("linkup-ws.service")
    assert web == ["/srv/linkup/.venv/bin/gunicorn", *shlex.split(processes()["web"])[1:]]
    expected = (
        processes()["worker"].replace("--bind 0.0.0.0", "--bind 127.0.0.1").replace("${PORT:-8001}", "8001")
    )
    assert ws == ["/srv/linkup/.venv/bin/daphne", *shlex.split(expected)[1:]]


def test_systemd_drains_before_it_stops_and_reloads_by_hup() -> None:
    service = unit("linkup-web.service")["Service"]
    assert service["ExecStop"].endswith("manage.py drain")
    assert service["ExecReload"] == "/bin/kill -s HUP $MAINPID"
    assert unit("linkup-web.socket")["Socket"]["ListenStream"] == "127.0.0.1:8000"


@pytest.mark.parametrize(
    "name",
    [
        "linkup-web.service",
        "linkup-ws.service",
        "linkup-work.service",
        "linkup-backup.service",
    ],
)
def test_the_services_may_do_little(name: str) -> None:
    service = unit(name)["Service"]
    assert service["User"] == "linkup"
    for key in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "ProtectKernelTunables"):
        assert service[key] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""


def test_the_worker_finishes_the_longest_task_before_it_is_killed() -> None:
    service = unit("linkup-work.service")["Service"]
    expected = ["/srv/linkup/.venv/bin/celery", *shlex.split(processes()["work"])[1:]]
    assert command("linkup-work.service") == expected
    assert int(service["TimeoutStopSec"]) > longest_seconds()
    assert (service["KillMode"], service["Restart"]) == ("mixed", "always")
    assert "linkup-work.service" in unit("linkup.target")["Unit"]["Wants"].split()


def test_every_variable_of_a_unit_is_one_that_is_read() -> None:
    for path in UNITS.glob("*.service"):
        set_here = set(re.findall(r"^Environment=([A-Z_]+)=", path.read_text(), re.MULTILINE))
        assert set_here <= find_used_variables() | {"DJANGO_ENVIRONMENT"}


def locations() -> dict[str, str]:
    """The text of each location of nginx's configuration; none of them holds another block but `types` and `if`."""
    text = SITE_CONFIG.read_text()
    found = re.findall(r"(?ms)^    location ([^{]*?|\"[^\"]*\"|[^\n]*) \{\n(.*?)^    \}", text)
    return {f"{number} {name}": body for number, (name, body) in enumerate(found)}


def test_nginx_repeats_the_headers_where_it_sets_one() -> None:
    for name, body in locations().items():
        if "add_header" in body:
            for header in (
                "Strict-Transport-Security",
                "X-Content-Type-Options",
                "X-Frame-Options",
            ):
                assert f"add_header {header} " in body, name
            # A private file comes with LinkUp's own, and two of them would contradict each other.
            assert ("add_header Cache-Control " in body) != ("/protected-media/" in name), name
            assert body.count("add_header") == body.count(" always;"), name


def test_nginx_overwrites_what_a_visitor_says_of_the_way_here() -> None:
    names = ("Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Request-ID")
    for name, body in locations().items():
        if "proxy_set_header" in body:
            for header in names:
                assert f"proxy_set_header {header} " in body, name
    assert "$proxy_add_x_forwarded_for" not in SITE_CONFIG.read_text()
    assert "$http_host" not in SITE_CONFIG.read_text()


def test_every_server_of_nginx_ends_headers_that_never_end() -> None:
    """nginx takes the limit of a header from the default server of the port, as the name comes later."""
    servers = re.split(r"(?m)^server \{", SITE_CONFIG.read_text())[1:]
    assert len(servers) == 4
    for server in servers:
        assert "    client_header_timeout 15s;" in server


def test_every_way_to_linkup_is_bounded_and_files_are_not() -> None:
    for name, body in locations().items():
        assert ("limit_conn " in body) == ("proxy_pass" in body), name


def test_who_hangs_up_is_counted_until_linkup_has_answered() -> None:
    servers = re.split(r"(?m)^server \{", SITE_CONFIG.read_text())[1:]
    assert ["proxy_ignore_client_abort on;" in server for server in servers] == [
        "proxy_pass" in s for s in servers
    ]


def test_the_configuration_for_this_machine_names_none_of_the_example(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    site = NginxSite(folder, folder, folder, http_port=20080, https_port=20443, web_port=20000, ws_port=20001)
    text = re.sub(r"(?m)^#.*", "", render_config(site))
    assert not re.search(r"listen \[|/srv/linkup|server_name network|listen 80|listen 443", text)
