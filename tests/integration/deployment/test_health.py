"""What monitors get from every server and through nginx, with PostgreSQL and Redis really there and really away."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from scripts.servers import HOST, Server
from scripts.visitor import Visitor

from .installation import Installation
from .members import PASSWORD

PATHS = ("/health/", "/health/db/", "/health/redis/", "/readiness/")
DOORS = ("web", "ws", "second", "http")
PATIENCE = 30.0

# Who is away → what the four addresses say.
STATES: dict[tuple[str, ...], list[int]] = {
    (): [200, 200, 200, 200],
    ("database",): [200, 503, 200, 503],
    ("redis",): [200, 200, 503, 503],
    ("database", "redis"): [200, 503, 503, 503],
}


def asked(port: int, path: str) -> tuple[int, dict[str, object]]:
    """What a monitor hears, who asks by address and over plain HTTP."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@contextmanager
def without(servers: list[Server]) -> Iterator[None]:
    """These are stopped for the time of the block."""
    with ExitStack() as afterwards:
        for server in servers:
            server.stop()
            afterwards.callback(server.start)
        yield


def failing(answers: dict[str, object]) -> set[str]:
    """The names of the checks that failed."""
    checks = answers.get("checks", {})
    assert isinstance(checks, dict)
    return {name for name, check in checks.items() if check["status"] != "ok"}


def wait_until_all_is_well(installation: Installation) -> None:
    """Everybody is back by themselves."""
    deadline = time.monotonic() + PATIENCE
    for door in DOORS:
        while asked(installation.ports[door], "/readiness/")[0] != 200:
            assert time.monotonic() < deadline, f"{door} never came back"
            time.sleep(0.1)


@pytest.mark.parametrize("away", STATES, ids=lambda away: " and ".join(away) or "nobody is away")
def test_monitors_hear_who_is_away(
    installation: Installation, alice: str, guest: Visitor, away: tuple[str, ...]
) -> None:
    guest.sign_in(alice, PASSWORD)
    servers = {"database": installation.postgres, "redis": installation.redis}
    with without([servers[name] for name in away]):
        for door in DOORS:
            answers = [asked(installation.ports[door], path) for path in PATHS]
            assert [status for status, _said in answers] == STATES[away], door
            assert [failing(said) for _status, said in answers] == [
                set(),
                {"database"} & set(away),
                {"redis"} & set(away),
                set(away),
            ], door
        assert [guest.get(path).status for path in PATHS] == STATES[away]
        assert guest.get("/").status == (503 if "database" in away else 200)
    wait_until_all_is_well(installation)
    assert guest.get("/").status == 200
