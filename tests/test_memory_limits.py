"""The limits of memory in deploy/kubernetes and compose.yaml hold an ordinary peak, and say how it is reckoned."""

import re
from typing import Any

import yaml
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher

from core.tasks.celery_app import OPTIONS
from scripts.programs import ROOT

from .test_compose import compose
from .test_containers import resources

MiB = 1024**2
UNITS = {"Ki": 1024, "Mi": MiB, "Gi": 1024**3, "k": 1024, "m": MiB, "g": 1024**3}
# Measured: gunicorn with two workers, each after some hundred requests, and a daphne.
IDLE_OF_GUNICORN, IDLE_OF_A_WORKER = 256 * MiB, 110 * MiB
IDLE_OF_DAPHNE, TAB_OF_DAPHNE = 130 * MiB, 64 * 1024
# What decoding takes: WebP, the dearest, needs four bytes for each pixel and three times as much in its decoder.
PICTURE = 24_000_000 * 16


def in_bytes(amount: str | int) -> int:
    """An amount as Kubernetes, compose or the kernel writes it."""
    match = re.fullmatch(r"(\d+)([A-Za-z]*)", str(amount))
    assert match, amount
    return int(match[1]) * UNITS.get(match[2], 1)


def peak_of_the_pages(processes: int, threads: int) -> int:
    """A lecture hall signs in while pictures are posted."""
    at_once = min(threads, getattr(settings, "PASSWORD_HASHES_AT_ONCE", threads))
    hashes = processes * at_once * Argon2PasswordHasher.memory_cost * 1024
    more = max(0, processes - 2) * IDLE_OF_A_WORKER
    return IDLE_OF_GUNICORN + more + hashes + processes * PICTURE


def container_of(deployment: str) -> tuple[dict[str, Any], dict[str, Any]]:
    pod = resources("Deployment")[deployment]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    return pod, container


def in_memory(pod: dict[str, Any]) -> int:
    """What the volumes of a pod may take that are memory, and so count with its processes."""
    volumes = [each["emptyDir"] for each in pod["volumes"] if "emptyDir" in each]
    return sum(in_bytes(each["sizeLimit"]) for each in volumes if each.get("medium") == "Memory")


def limit(container: dict[str, Any]) -> int:
    return in_bytes(container["resources"]["limits"]["memory"])


def test_a_pod_of_pages_outlives_a_lecture_hall() -> None:
    pod, container = container_of("linkup-web")
    said = resources("ConfigMap")["linkup"]["data"]
    peak = peak_of_the_pages(int(said["WEB_CONCURRENCY"]), int(said["WEB_THREADS"])) + in_memory(pod)
    assert peak <= 0.95 * limit(container)


def test_the_file_says_how_it_is_reckoned() -> None:
    text = (ROOT / "deploy" / "kubernetes" / "web.yaml").read_text()
    said = resources("ConfigMap")["linkup"]["data"]
    assert f"WEB_CONCURRENCY {said['WEB_CONCURRENCY']} x WEB_THREADS {said['WEB_THREADS']}" in text
    parts = [int(part) for part in re.findall(r"#(?: \+)? +(\d+)Mi ", text)]
    (total,) = re.findall(r"# = (\d+)Mi", text)
    assert len(parts) == 4
    assert sum(parts) == int(total)
    _pod, container = container_of("linkup-web")
    assert int(total) * MiB < limit(container)


def test_a_pod_of_sockets_holds_its_tabs() -> None:
    """Five thousand of them, and threads that answer (DB_POOL_SIZE), which sign nobody in."""
    pod, container = container_of("linkup-worker")
    assert IDLE_OF_DAPHNE + 5000 * TAB_OF_DAPHNE + in_memory(pod) <= limit(container)


def test_a_worker_has_room_for_its_largest_processes() -> None:
    """The main process, beat, and those that execute tasks, each replaced once it is larger than that."""
    pod, container = container_of("linkup-work")
    largest = int(str(OPTIONS["worker_max_memory_per_child"])) * 1000
    peak = 2 * IDLE_OF_A_WORKER + 2 * largest
    assert peak + in_memory(pod) <= limit(container)
    assert peak + tmpfs(compose()["services"]["work"])["/run/linkup"] <= in_bytes(
        compose()["services"]["work"]["mem_limit"]
    )


def test_every_container_of_kubernetes_has_a_limit() -> None:
    begun = {**resources("Deployment"), **resources("Job")}
    begun |= {name: each["spec"]["jobTemplate"] for name, each in resources("CronJob").items()}
    for name, each in begun.items():
        (container,) = each["spec"]["template"]["spec"]["containers"]
        assert limit(container) >= 256 * MiB, name
        assert in_bytes(container["resources"]["requests"]["memory"]) <= limit(container), name


def tmpfs(service: dict[str, Any]) -> dict[str, int]:
    mounts = (mount.partition(":") for mount in service["tmpfs"])
    return {path: in_bytes(options.rpartition("size=")[2]) for path, _, options in mounts}


def test_a_container_of_pages_outlives_a_lecture_hall_with_uploads() -> None:
    """In compose /tmp is memory too: every thread may be reading the largest request."""
    web = compose()["services"]["web"]
    processes, threads = int(web["environment"]["WEB_CONCURRENCY"]), 4
    folders = tmpfs(web)
    assert folders["/tmp"] >= processes * threads * settings.REQUEST_MAX_BODY  # noqa: S108 -- of a container
    peak = peak_of_the_pages(processes, threads) + sum(folders.values())
    assert peak <= 0.97 * in_bytes(web["mem_limit"])
    assert in_bytes(compose(WEB_MEMORY="5g")["services"]["web"]["mem_limit"]) == 5 * 1024**3


def test_every_container_of_compose_has_a_limit_but_the_database() -> None:
    """PostgreSQL is the one that must not be killed; its own settings bound it."""
    services = compose()["services"]
    assert {name for name, each in services.items() if "mem_limit" not in each} == {"postgres"}
    (most,) = re.findall(r"--maxmemory (\d+)mb ", " ".join(services["redis"]["command"]))
    assert 2 * int(most) * MiB <= in_bytes(services["redis"]["mem_limit"])


def test_threads_of_gunicorn_are_those_that_are_reckoned_with() -> None:
    text = (ROOT / "gunicorn.conf.py").read_text()
    assert '"WEB_THREADS", 4' in text
    assert yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["web"]
