"""What tests of sockets share: an empty registry of frames, and the three channel layers."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from channels.layers import channel_layers
from django.test import override_settings

from core.observability.drain import drain
from core.sockets import frames, heartbeat, layer_link, publisher
from core.tasks import registry as task_registry
from scripts.servers import Server, redis_server

LAYERS = {
    "memory": "channels.layers.InMemoryChannelLayer",
    "core": "channels_redis.core.RedisChannelLayer",
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
}
# A network with a Redis has a PostgreSQL too: SQLite is for `make run`, which has the layer of the process.
WITH_REDIS = [pytest.param(name, marks=pytest.mark.postgres_only) for name in ("core", "pubsub")]


REGISTERED_BY_NAME = (
    "frame_handlers",
    "frame_costs",
    "quick_handlers",
    "event_renderers",
    "event_filters",
    "heartbeat_parts",
)
REGISTERED_IN_ORDER = ("openers", "closers", "periodic_jobs")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is registered for sockets but what the test registers."""
    for name in REGISTERED_BY_NAME:
        monkeypatch.setattr(frames, name, {})
    for name in REGISTERED_IN_ORDER:
        monkeypatch.setattr(frames, name, [])


def clear_registry() -> None:
    """Forget what the case before has registered, in a test with `registry`."""
    for name in (*REGISTERED_BY_NAME, *REGISTERED_IN_ORDER):
        getattr(frames, name).clear()


@pytest.fixture
def own_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks that a test registers are gone after it; those of the apps are not there meanwhile."""
    monkeypatch.setattr(task_registry, "_definitions", {})


@pytest.fixture(scope="session")
def redis() -> Iterator[Server]:
    """A Redis of the tests' own."""
    with redis_server() as server:
        yield server


@pytest.fixture
def fresh_breakers() -> Iterator[None]:
    """Nothing remembers another test's failures, neither a breaker nor the publisher; no drain is under way."""
    breakers = (publisher.breaker, publisher.overflow, layer_link.breaker)
    for breaker in breakers:
        breaker.reset()
    publisher.publisher._has_lost = False
    drain.reset()
    terminate = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, terminate)
    for breaker in breakers:
        breaker.reset()
    drain.reset()


@pytest.fixture(params=["memory", *WITH_REDIS])
def layer(request: pytest.FixtureRequest, fresh_breakers: None) -> Iterator[str]:
    """Each of the three channel layers in turn."""
    config: dict[str, Any] = {"capacity": 1000}
    if request.param != "memory":
        url = request.getfixturevalue("redis").url
        config = {"hosts": [{"address": url, "socket_connect_timeout": 1}], "prefix": f"test-{request.param}"}
    layers = {"default": {"BACKEND": LAYERS[request.param], "CONFIG": config}}
    with override_settings(CHANNEL_LAYERS=layers):
        channel_layers.backends = {}
        yield request.param
    channel_layers.backends = {}


@pytest.fixture
def no_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """No heartbeat comes by itself: it would send what nothing else has sent."""
    monkeypatch.setattr(heartbeat, "HEARTBEAT", 600.0)
    monkeypatch.setattr(heartbeat, "HEARTBEAT_ALONE", 600.0)
    monkeypatch.setattr(heartbeat, "TICK", 600.0)  # nor the one after events were lost


@pytest.fixture
def quick_to_notice(monkeypatch: pytest.MonkeyPatch, no_heartbeats: None) -> None:
    """What takes seconds takes moments; and no heartbeat comes by itself."""
    for module, name, seconds in (
        (layer_link, "PROBE_EVERY", 0.05),
        (layer_link, "PAUSE", 0.05),
        (layer_link, "PROBE_SECONDS", 0.5),
        (layer_link, "CALL_SECONDS", 0.5),
        (publisher, "SEND_SECONDS", 0.5),
        (publisher.breaker, "rest", 0.1),
        (heartbeat, "TICK", 0.05),
    ):
        monkeypatch.setattr(module, name, seconds)
