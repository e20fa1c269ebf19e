"""The cache keeps JSON: over Redis, the table and memory alike; what is no JSON is a miss, and never run."""

import base64
import os
import pickle
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py
from allauth.core import ratelimit
from django.core.cache import cache, caches
from django.core.cache.backends.base import BaseCache
from django.test import RequestFactory, override_settings

from core.database.cache import FallbackCache, breaker
from core.database.json_cache import JsonDatabaseCache, JsonMemoryCache
from core.models import CacheEntry
from core.web import rate_limits
from scripts.servers import Server

pytestmark = [pytest.mark.both, pytest.mark.django_db]

NESTED = "[" * 100_000
DAY = 86_400
TWO_A_DAY = {"test": [(2, DAY)]}
VALUES: list[Any] = [0, 7, -1, 2**70, 1.5, True, False, None, "", "ä☃\x00", [1.5, 2.5], {"a": [1]}, []]


class Evil:
    """What an attacker pickles: loading it makes a file."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.proof}",)


def over_redis(server: Server) -> FallbackCache:
    breaker.reset()
    with redis_py.Redis.from_url(server.url) as client:
        client.flushdb()
    return FallbackCache(server.url, {"KEY_PREFIX": "linkup", "TIMEOUT": 300})


@pytest.fixture
def each_cache(redis: Server) -> Iterator[dict[str, BaseCache]]:
    found = {
        "Redis": over_redis(redis),
        "the table": JsonDatabaseCache("core_cacheentry", {"KEY_PREFIX": "linkup"}),
        "memory": JsonMemoryCache("each", {}),
    }
    yield found
    caches.close_all()


def test_what_is_stored_comes_back_the_same_wherever_it_is_kept(each_cache: dict[str, BaseCache]) -> None:
    wrong: list[tuple[Any, ...]] = []
    for name, kept in each_cache.items():
        for value in VALUES:
            kept.set("key", value)
            found = (kept.get("key", "nothing"), kept.get_many(["key", "other"]))
            if found != (value, {"key": value}) or type(found[0]) is not type(value):
                wrong.append((name, value, found))
        kept.set("key", {1: (2, 3)})
        if kept.get("key") != {"1": [2, 3]}:
            wrong.append((name, "keys become text and tuples lists", kept.get("key")))
    assert not wrong


def test_it_adds_counts_touches_and_deletes_wherever_it_is_kept(each_cache: dict[str, BaseCache]) -> None:
    wrong: list[tuple[Any, ...]] = []
    for name, kept in each_cache.items():
        done = [kept.add("n", 1), kept.add("n", 2), kept.incr("n"), kept.get("n"), kept.touch("n", 60)]
        done += [kept.has_key("n"), kept.delete("n"), kept.has_key("n"), kept.touch("n"), kept.get("n")]
        kept.set("gone", 1, timeout=-1)
        done += [kept.get("gone"), kept.add("gone", 3), kept.get("gone")]
        expected = [True, False, 2, 2, True, True, True, False, False, None, None, True, 3]
        if done != expected:
            wrong.append((name, done))
        for refused in (object(), {1, 2}, b"bytes"):
            try:
                kept.set("key", refused)
            except TypeError:
                continue
            wrong.append((name, refused, "was stored"))
    assert not wrong


def is_allowed() -> bool:
    try:
        rate_limits.consume("test", member_id=1)
    except rate_limits.RateLimited:
        return False
    return True


def test_a_limit_counts_alike_over_redis_and_over_the_table(redis: Server) -> None:
    request = RequestFactory().post("/", REMOTE_ADDR="203.0.113.4")
    backends = {
        "default": {
            "BACKEND": "core.database.cache.FallbackCache",
            "LOCATION": redis.url,
            "KEY_PREFIX": "linkup",
        }
    }
    for away in (False, True):
        over_redis(redis)
        CacheEntry.objects.all().delete()
        limits = {"ACCOUNT_RATE_LIMITS": {"change_password": "3/m/ip"}, "MEMBER_LIMITS": TWO_A_DAY}
        with override_settings(CACHES=backends, **limits):
            if away:
                breaker.trip(ConnectionError())
            told = [ratelimit.consume(request, action="change_password") for _ in range(5)]
            counted = [is_allowed() for _ in range(3)]
        breaker.reset()
        assert (away, told, counted) == (away, [True] * 3 + [False] * 2, [True, True, False])


def poisons(proof: Path) -> dict[str, bytes]:
    return {
        "a pickle that runs a command": pickle.dumps(Evil(proof)),
        "the same in the first protocol": pickle.dumps(Evil(proof), protocol=0),
        "the same as text": base64.b64encode(pickle.dumps(Evil(proof))),
        "an old pickle": pickle.dumps({37: 2}),
        "bytes that are no text": b"\xff\xfe\x00",
        "nested deeper than Python goes": NESTED.encode(),
        "half an entry": b'{"37": ',
        "nothing": b"",
    }


def test_a_forged_or_old_entry_is_a_miss_and_runs_nothing(redis: Server, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    kept = over_redis(redis)
    wrong: list[tuple[Any, ...]] = []
    with redis_py.Redis.from_url(redis.url) as client:
        for name, poison in poisons(proof).items():
            for key, call in reads(kept).items():
                client.set(f"linkup:1:{key}", poison)
                if call() not in ("a miss", {}, 1):
                    wrong.append((name, key))
    table = JsonDatabaseCache("core_cacheentry", {"KEY_PREFIX": "linkup"})
    for name, poison in poisons(proof).items():
        for key, call in reads(table).items():
            text = poison.decode("latin-1").replace("\x00", "")
            entry = {"value": text, "expires": "2100-01-01T00:00Z"}
            CacheEntry.objects.update_or_create(cache_key=f"linkup:1:{key}", defaults=entry)
            if call() not in ("a miss", {}, 1):
                wrong.append((name, key, "table"))
    assert not wrong
    assert not proof.exists()


def reads(kept: BaseCache) -> dict[str, Callable[[], Any]]:
    """Each way to read an entry, under the key that it reads."""

    def count() -> int:
        try:
            return kept.incr("counted")
        except ValueError:
            kept.delete("counted")
            return 1 if kept.add("counted", 1) else 0

    return {
        "one": lambda: kept.get("one", "a miss"),
        "many": lambda: kept.get_many(["many"]),
        "counted": count,
    }


def test_a_counter_under_a_forged_key_begins_again(redis: Server, tmp_path: Path) -> None:
    backends = {
        "default": {
            "BACKEND": "core.database.cache.FallbackCache",
            "LOCATION": redis.url,
            "KEY_PREFIX": "linkup",
        }
    }
    over_redis(redis)
    limited = override_settings(CACHES=backends, MEMBER_LIMITS=TWO_A_DAY)
    with limited, redis_py.Redis.from_url(redis.url) as client:
        wrong: list[tuple[Any, ...]] = []
        for name, poison in {**poisons(tmp_path / "proof"), "a list": b"[]", "a word": b'"x"'}.items():
            client.set(f"linkup:1:quota:test:1:{DAY}:{time.time() // DAY:.0f}", poison)
            counted = [is_allowed() for _ in range(3)]
            if counted != [True, True, False]:
                wrong.append((name, counted))
        assert not wrong
        cache.clear()
