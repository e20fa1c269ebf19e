"""Sockets live on whatever happens to the channel layer, and hear again once it is back."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis as redis_client
from channels.layers import channel_layers, get_channel_layer
from django.test import override_settings

from core.database.thread_pool import in_database
from core.sockets import frames, heartbeat, layer_link
from core.sockets.hub import hub
from core.sockets.publisher import member_topic
from scripts.servers import Server
from users.models import User

from .conftest import WITH_REDIS
from .socket_client import PATIENCE, SocketClient, echo, published, until, until_it_hears

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("registry", "fresh_breakers"),
]


def is_down() -> bool:
    """Whether this process has noticed that events do not reach it."""
    return not hub.is_up


@asynccontextmanager
async def restarted(server: Server) -> AsyncIterator[None]:
    """Stopped until that is noticed, then there again, empty."""
    server.stop()
    await until(is_down)
    yield
    server.start()  # not from another thread: the server dies with the thread that started it


@asynccontextmanager
async def frozen(server: Server) -> AsyncIterator[None]:
    """Until that is noticed, nothing answers, and nothing is refused."""
    server.pause()
    await until(is_down)
    yield
    server.resume()


@asynccontextmanager
async def emptied(server: Server) -> AsyncIterator[None]:
    """FLUSHALL: groups are forgotten, connections live."""
    with redis_client.Redis.from_url(server.url) as client:
        client.flushall()
    yield


@asynccontextmanager
async def disconnected(server: Server) -> AsyncIterator[None]:
    """CLIENT KILL: connections die, groups live."""
    with redis_client.Redis.from_url(server.url) as client:
        for kind in ("normal", "pubsub"):
            client.execute_command("CLIENT", "KILL", "TYPE", kind)
    yield


async def until_it_beats(tab: SocketClient, newest: int) -> None:
    """Wait for a heartbeat that says `newest`; it may have come already."""
    async with asyncio.timeout(PATIENCE):
        while {"type": "heartbeat", "tests": {"newest": newest}} not in tab.seen:
            await tab.next()


async def end_connections() -> None:
    """Close what needs the loop of this test, which ends."""
    layer: Any = get_channel_layer()
    await layer.flush()
    gc.collect()
    await asyncio.sleep(0.05)


# redis-py leaves streams of dead connections to the collector, whenever that comes.
leaves_streams = pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@leaves_streams
@pytest.mark.usefixtures("quick_to_notice")
@pytest.mark.parametrize("layer", WITH_REDIS, indirect=True)
async def test_sockets_outlive_what_happens_to_redis(
    alice: User,
    layer: str,
    redis: Server,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Events arrive again, and a heartbeat reports lost ones at once instead of after 25 seconds."""
    # Each part recovers by itself, without the last resort, which rebuilds everything.
    monkeypatch.setattr(layer_link, "TRIES", 1000)
    newest = [0]
    frames.on_event("tests.look")(echo)
    frames.on_heartbeat("tests")(lambda tabs: {tab: {"newest": newest[0]} for tab in tabs})
    loses_events = {restarted: True, frozen: True, emptied: layer == "core", disconnected: False}
    async with await SocketClient.of(alice) as tab:
        await until_it_hears(tab, alice)
        for fault, is_lossy in loses_events.items():
            newest[0] += 1
            async with fault(redis):
                await in_database(published, member_topic(alice.pk), -1)
            await until_it_hears(tab, alice)
            if is_lossy:
                await until_it_beats(tab, newest[0])
    assert "Traceback" not in caplog.text
    assert [record.levelname for record in caplog.records].count("WARNING") <= 3
    await end_connections()


async def test_while_the_layer_is_down_tabs_open_and_beat_more_often(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "HEARTBEAT", 600.0)
    monkeypatch.setattr(heartbeat, "HEARTBEAT_ALONE", 0.1)
    monkeypatch.setattr(heartbeat, "TICK", 0.02)
    frames.on_heartbeat("tests")(lambda tabs: {tab: {"newest": 7} for tab in tabs})
    down = {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
    }
    for layers in ({"default": down}, {}):
        with override_settings(CHANNEL_LAYERS=layers):
            channel_layers.backends = {}
            async with await SocketClient.of(alice) as tab:
                for _ in range(3):
                    assert await tab.next() == {"type": "heartbeat", "tests": {"newest": 7}}
                assert not hub.is_up
        channel_layers.backends = {}


@leaves_streams
@pytest.mark.usefixtures("layer", "quick_to_notice")
async def test_a_channel_that_hears_nothing_any_more_is_given_up(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_link, "PROBE_SECONDS", 0.1)
    frames.on_event("tests.look")(echo)
    layer: Any = get_channel_layer()
    receive, channels, deaf = layer.receive, [], []

    async def listen(channel: str) -> Any:
        """Once deaf, as over a connection whose other end has gone without a word."""
        if channel not in channels:
            channels.append(channel)
        message = await receive(channel)
        return await (asyncio.Event().wait() if channel in deaf else asyncio.sleep(0, message))

    monkeypatch.setattr(layer, "receive", listen)
    async with await SocketClient.of(alice) as tab:
        await until_it_hears(tab, alice)
        deaf.append(channels[0])
        await until(is_down)
        await until_it_hears(tab, alice)
        assert len(channels) > 1
    await end_connections()


@leaves_streams
@pytest.mark.usefixtures("layer", "quick_to_notice")
@pytest.mark.parametrize("layer", WITH_REDIS[1:], indirect=True)
async def test_a_rebuild_closes_old_connections(
    alice: User, redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The layer itself would keep one that is half dead."""
    monkeypatch.setattr(layer_link, "TRIES", 1)
    frames.on_event("tests.look")(echo)

    def connections() -> set[str]:
        with redis_client.Redis.from_url(redis.url) as client:
            return {listed["id"] for listed in client.client_list(_type="pubsub")}

    async with await SocketClient.of(alice) as tab:
        await until_it_hears(tab, alice)
        before = connections()
        async with frozen(redis):
            pass
        await until_it_hears(tab, alice)
        assert before
        await until(lambda: not before & connections())
    await end_connections()
