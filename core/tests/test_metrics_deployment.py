"""The folder of metrics and the access to /metrics, in each of the files of deploy/."""

import re
from pathlib import PurePosixPath
from typing import Any

import yaml

from scripts.programs import ROOT
from tests.cases import all_cases

DEPLOY = ROOT / "deploy"
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def resources(name: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text()) if each]


def unit(name: str) -> str:
    return (DEPLOY / "systemd" / name).read_text()


def test_under_systemd_the_folder_goes_with_the_service() -> None:
    web = unit("linkup-web.service")
    (folder,) = re.findall(rf"^Environment={VARIABLE}=(.+)$", web, re.MULTILINE)
    (runtime,) = re.findall(r"^RuntimeDirectory=(.+)$", web, re.MULTILINE)
    assert PurePosixPath(folder).parent == PurePosixPath("/run") / runtime
    assert "RuntimeDirectoryPreserve" not in web
    # daphne is one process, and counts in its own memory.
    assert VARIABLE not in unit("linkup-ws.service")


def test_in_compose_it_is_memory_that_nothing_else_fills() -> None:
    loaded = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for name in ("web", "worker"):
        environment, mounts = loaded[name]["environment"], loaded[name]["tmpfs"]
        places = [PurePosixPath(mount.partition(":")[0]) for mount in mounts]
        parent = PurePosixPath(environment[VARIABLE]).parent
        assert parent in places
        assert parent != PurePosixPath("/tmp")  # noqa: S108
        assert environment["METRICS_TOKEN"] == "${METRICS_TOKEN:-}"


def test_on_kubernetes_too() -> None:
    with all_cases() as case:
        for name in ["web.yaml", "worker.yaml", "migrate.yaml"]:
            with case(name):
                (config,) = resources("config.yaml")
                parent = str(PurePosixPath(config["data"][VARIABLE]).parent)
                pod = next(each for each in resources(name) if each["kind"] in {"Deployment", "Job"})["spec"][
                    "template"
                ]["spec"]
                (container,) = pod["containers"]
                (mount,) = [each for each in container["volumeMounts"] if each["mountPath"] == parent]
                (volume,) = [each for each in pod["volumes"] if each["name"] == mount["name"]]
                assert volume["emptyDir"]["medium"] == "Memory"


def test_prometheus_asks_the_servers_and_not_nginx() -> None:
    (job,) = yaml.safe_load((DEPLOY / "monitoring" / "prometheus.yml").read_text())["scrape_configs"]
    targets = [target for each in job["static_configs"] for target in each["targets"]]
    socket, ws = unit("linkup-web.socket"), unit("linkup-ws.service")
    assert f"ListenStream={targets[0]}" in socket
    assert f"--port {targets[1].partition(':')[2]} " in ws
    assert job["metrics_path"] == "/metrics"
    assert "credentials_file" in job["authorization"]
