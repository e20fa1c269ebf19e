"""A Redis that somebody else writes to, and one that answers but takes no writes."""

import base64
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.test import Client, override_settings
from redis import Redis

from core.database.cache import breaker
from core.models import CacheEntry
from core.observability import health
from scripts.servers import Server, redis_server
from tests.cast import make_member
from tests.properties.loading import COMPLETE, load
from users.tests.accounts import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def redis() -> Iterator[Server]:
    """A real Redis, and the settings of production on it."""
    with redis_server() as server, production_with(server):
        yield server


@contextmanager
def production_with(server: Server) -> Iterator[None]:
    """The settings of production, on this Redis."""
    settings = load("production", {**COMPLETE, "REDIS_URL": server.url})
    with override_settings(CACHES=settings["CACHES"], REDIS_URL=server.url):
        breaker.reset()
        yield
        caches.close_all()
    breaker.reset()


@contextmanager
def connect(redis: Server) -> Iterator[Any]:
    """A connection; redis-py's types allow for an asynchronous one at every answer."""
    with Redis.from_url(redis.url) as client:
        yield client


class Evil:
    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> Any:
        return os.system, (f"id > {self.proof}",)


def test_a_pickle_over_every_key_of_redis_and_of_the_table_is_never_run(
    redis: Server, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    poison = pickle.dumps(Evil(proof))
    make_member("kenji")
    client = Client()
    sign_in(client, "kenji", "a-wrong-password")
    sign_in(client, "kenji")
    assert client.get("/network/").status_code == 200
    with connect(redis) as writer:
        keys = [key for key in writer.keys("linkup:*") if b"network.mutual" in key]
        assert keys, "the page keeps nothing any more: look for another key"
        for key in writer.keys("*"):
            writer.set(key, poison)
    changed = CacheEntry.objects.update(value=base64.b64encode(poison).decode())
    assert changed
    assert client.get("/network/").status_code == 200
    assert sign_in(Client(), "kenji").status_code == 302
    redis.stop()
    CacheEntry.objects.update(value=base64.b64encode(poison).decode())
    assert client.get("/network/").status_code == 200
    assert not proof.exists()


def test_an_entry_of_another_shape_is_made_again(redis: Server) -> None:
    make_member("kenji")
    client = Client()
    sign_in(client, "kenji")
    client.get("/network/")
    wrong = []
    with connect(redis) as writer:
        (key,) = [key for key in writer.keys("linkup:*") if b"network.mutual" in key]
        for value in (b'"words"', b"[1,2]", b"7", b"null", b"{}", b'{"a": 1}', b'{"1": []}', b'{"1": 1e400}'):
            writer.set(key, value)
            if client.get("/network/").status_code != 200:
                wrong.append(value)
    assert not wrong


# What makes Redis refuse writes, and the words of the log.
REFUSALS: dict[str, tuple[list[tuple[str, ...]], str]] = {
    "a read-only replica": ([("replicaof", "127.0.0.1", "1")], "refuses writes: it is a read-only replica"),
    "full": (
        [("config", "set", "maxmemory-policy", "noeviction"), ("config", "set", "maxmemory", "1kb")],
        "refuses writes: its memory is full",
    ),
    "a failed snapshot": (
        [
            ("config", "set", "stop-writes-on-bgsave-error", "yes"),
            ("config", "set", "save", "3600 1"),
            ("set", "a", "1"),
            ("config", "set", "rdbcompression", "no"),
        ],
        "refuses writes: it cannot save its snapshot to the disk",
    ),
    "too few replicas": (
        [("config", "set", "min-replicas-to-write", "1")],
        "refuses writes: it has too few replicas",
    ),
    "without the password": (
        [("config", "set", "requirepass", "x")],
        "refuses the password or user of REDIS_URL",
    ),
    "a user who may not write": (
        [("acl", "setuser", "default", "-@write")],
        "refuses this user (check the ACL)",
    ),
}


def refuse(redis: Server, commands: list[tuple[str, ...]], name: str) -> None:
    with connect(redis) as client:
        for command in commands:
            client.execute_command(*command)
        if name == "a failed snapshot":
            break_snapshot(redis, client)


def break_snapshot(redis: Server, client: Any) -> None:
    """Let a snapshot fail: where it should be written there is a folder."""
    (redis.folder / "dump.rdb").mkdir()
    client.bgsave()
    while client.info("persistence")["rdb_bgsave_in_progress"]:
        pass
    assert client.info("persistence")["rdb_last_bgsave_status"] == "err"


def test_a_redis_that_takes_no_writes_is_not_ready_and_the_log_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong = []
    for name, (commands, words) in REFUSALS.items():
        with redis_server() as server, production_with(server):
            refuse(server, commands, name)
            caplog.clear()
            breaker.reset()
            health.redis._warnings.reset()
            answers = [Client().get(path) for path in ("/health/", "/health/redis/", "/readiness/")]
            cache.set("colour", "teal")
            found = [answer.status_code for answer in answers], cache.get("colour")
            said = {record.getMessage() for record in caplog.records if "edis" in record.getMessage()}
            expected = {f"health: redis {words}", f"Redis (cache) {words}; going on without it"}
            if found != ([200, 503, 503], "teal") or said != expected:
                wrong.append((name, found, said))
    assert not wrong
