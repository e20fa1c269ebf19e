"""Signing in while Redis is stopped, frozen, emptied or back: who knows the password gets in, who guesses does not."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache, caches
from django.test import Client, override_settings
from redis import Redis

from core.database.cache import breaker
from core.models import CacheEntry
from core.web import rate_limits
from scripts.servers import Server, redis_server
from tests.cast import PASSWORD, make_member
from tests.properties.loading import COMPLETE, load
from users.tests.accounts import is_signed_in, sign_in

from .conftest import FaultTable

pytestmark = pytest.mark.django_db(transaction=True)

RedisFault = Callable[[Server], None]


def empty(redis: Server) -> None:
    with Redis.from_url(redis.url) as client:
        client.flushall()


def restart(redis: Server) -> None:
    redis.stop()
    redis.start()


# What may happen to Redis in the middle of everything (bar.md, faults).
REDIS_FAULTS: dict[str, RedisFault] = {
    "stopped": Server.stop,
    "frozen": Server.pause,
    "emptied": empty,
    "restarted": restart,
}
redis_faults = pytest.mark.parametrize("redis_fault", REDIS_FAULTS.values(), ids=REDIS_FAULTS.keys())
absences = pytest.mark.parametrize("redis_fault", [Server.stop, Server.pause], ids=["stopped", "frozen"])


@pytest.fixture
def redis() -> Iterator[Server]:
    """A real Redis, and the cache of production on it."""
    with redis_server() as server:
        settings = load("production", {**COMPLETE, "REDIS_URL": server.url})
        with override_settings(CACHES=settings["CACHES"]):
            breaker.reset()
            yield server
            caches.close_all()
    breaker.reset()


@pytest.fixture(autouse=True)
def _alice(db: None) -> None:
    """In the database of the test; the fixture of that name is a visitor of the stack."""
    make_member("alice")


def seconds_of(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


@redis_faults
def test_a_correct_password_signs_in(redis: Server, redis_fault: RedisFault) -> None:
    redis_fault(redis)
    client = Client()
    assert sign_in(client, "alice").status_code == 302
    assert is_signed_in(client)


@redis_faults
def test_a_limit_that_began_before_goes_on_after(redis: Server, redis_fault: RedisFault) -> None:
    """Three wrong passwords with Redis, three without: the sixth, and from then on the right one, must wait."""
    client = Client()
    answers = [sign_in(client, "alice", "wrong-password") for _number in range(3)]
    redis_fault(redis)
    answers += [sign_in(client, "alice", "wrong-password") for _number in range(3)]
    refused = ["Too many failed" in answer.content.decode() for answer in answers]
    assert refused == [False] * 5 + [True]
    assert "Too many failed" in sign_in(client, "alice", PASSWORD).content.decode()
    assert not is_signed_in(client)


@redis_faults
def test_a_limit_goes_by_the_address_too(redis: Server, redis_fault: RedisFault) -> None:
    """Ten wrong passwords a minute from one address, for whomever; another address is free to sign in."""
    client = Client(REMOTE_ADDR="203.0.113.9")
    for number in range(10):
        if number == 5:
            redis_fault(redis)
        assert "Too many failed" not in sign_in(client, f"nobody{number}", "wrong").content.decode()
    assert "Too many failed" in sign_in(client, "alice").content.decode()
    elsewhere = Client(REMOTE_ADDR="203.0.113.10")
    sign_in(elsewhere, "alice")
    assert is_signed_in(elsewhere)


@absences
def test_no_answer_is_more_than_a_second_late(
    redis: Server, redis_fault: RedisFault, fault_table: FaultTable
) -> None:
    # bar.md: within +1 s; the page of suggestions asks the cache, sign-in asks the limits.
    client = Client()
    sign_in(client, "alice")
    usual = max(seconds_of(lambda: client.get("/network/")) for _number in range(3))
    redis_fault(redis)
    late = [seconds_of(lambda: client.get("/network/")) for _number in range(5)]
    newcomer = Client()
    late.append(seconds_of(lambda: sign_in(newcomer, "alice")))
    assert is_signed_in(newcomer)
    name = f"Redis {redis_fault.__name__}"
    fault_table.record_duration(name, "the latest answer beyond the usual", max(late) - usual, most=1)
    # Only the first one waits.
    fault_table.record_duration(name, "the third latest beyond the usual", sorted(late)[2] - usual, most=0.2)


@absences
def test_the_cache_goes_back_to_redis_within_ten_seconds(
    redis: Server, redis_fault: RedisFault, fault_table: FaultTable
) -> None:
    redis_fault(redis)
    cache.set("colour", "teal")
    assert cache.get("colour") == "teal"
    assert CacheEntry.objects.filter(cache_key__endswith=":colour").exists()
    redis.resume() if redis_fault is Server.pause else redis.start()
    back = time.monotonic()
    while time.monotonic() < back + 60:
        cache.set("back", "yes")
        with Redis.from_url(redis.url) as client:
            if client.keys("*:back"):
                break
        time.sleep(0.1)
    fault_table.record_duration(
        f"Redis {redis_fault.__name__}", "the cache is in Redis again after", time.monotonic() - back, most=10
    )
    with Redis.from_url(redis.url) as client:
        assert client.keys("*:back")


def test_a_redis_that_is_away_is_worth_one_warning_a_minute(
    redis: Server, caplog: pytest.LogCaptureFixture
) -> None:
    redis.stop()
    with caplog.at_level(logging.WARNING):
        deadline = time.monotonic() + 2.5 * breaker.rest
        while time.monotonic() < deadline:
            cache.get("colour")
            time.sleep(0.05)
    said = [record.getMessage() for record in caplog.records if "Redis" in record.getMessage()]
    assert len(said) == 1
    assert redis.url not in said[0]


def test_more_keys_than_a_table_of_django_keeps_push_no_limit_out(redis: Server) -> None:
    """Django's table drops a third of its rows above 300: who guesses must not be able to bring that about."""
    redis.stop()
    for _number in range(5):
        sign_in(Client(), "alice", "wrong-password")
    for number in range(700):
        cache.set(f"chaff{number}", "x")
    assert "Too many failed" in sign_in(Client(), "alice").content.decode()


def may(member: int) -> bool:
    try:
        rate_limits.consume("comment", member)
    except rate_limits.RateLimited:
        return False
    return True


@redis_faults
@override_settings(MEMBER_LIMITS={"comment": ((3, 86_400),)})
def test_what_a_member_may_do_starts_again_and_is_limited_again(
    redis: Server, redis_fault: RedisFault
) -> None:
    assert [may(1) for _ in range(5)] == [True] * 3 + [False] * 2
    redis_fault(redis)
    # What Redis knew is not in the table: at most, everybody has the same again.
    assert [may(1) for _ in range(5)] == [True] * 3 + [False] * 2


@override_settings(MEMBER_LIMITS={"comment": ((10, 86_400),)})
def test_in_redis_many_at_once_count_each(redis: Server) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda _turn: may(1), range(80))).count(True) == 10
