"""Hints reach the tabs that listen, through each of the three channel layers and whatever Redis does."""

import asyncio
import gc
import time
from typing import Any

import pytest
import redis as redis_client
from channels.layers import channel_layers, get_channel_layer
from django.db import transaction
from django.test import override_settings

from core import frames, layer_link
from core.courier import TABS, Courier, courier
from core.database import in_database
from core.frames import Event, Frame, Tab
from core.realtime import member_group, publish, settle
from core.switchboard import switchboard
from scripts.servers import Server
from users.models import User

from .conftest import WITH_REDIS
from .socket_client import SocketClient, until, until_up

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("registry", "fresh_breakers"),
]

# Within so many seconds hints flow again, whatever happened to Redis.
BACK_WITHIN = 10.0


def echo(tab: Tab, event: Event) -> list[Frame]:
    """Show the event itself."""
    return [{**event, "to": tab.member_id}]


def published(group: str, number: int) -> None:
    """Publish from a thread with a transaction, as a view does."""
    with transaction.atomic():
        publish(group, {"type": "tests.look", "id": number})


@pytest.mark.usefixtures("layer")
async def test_a_hint_reaches_every_tab_of_the_member(alice: User, charlie: User) -> None:
    frames.on_event("tests.look")(echo)
    one, two, other = [await SocketClient.of(member) for member in (alice, alice, charlie)]
    await until_up()
    await in_database(published, member_group(alice.pk), 7)
    for tab in (one, two):
        assert await tab.next_of("tests.look") == {"type": "tests.look", "id": 7, "to": alice.pk}
    await other.leave()
    assert [frame["type"] for frame in other.rest()] in ([], ["heartbeat"])
    for tab in (one, two):
        await tab.leave()


@pytest.mark.usefixtures("layer")
async def test_several_groups_are_told_at_once_and_a_tab_in_two_of_them_hears_it_once(
    alice: User, charlie: User
) -> None:
    frames.on_event("tests.look")(echo)
    frames.on_open(lambda tab: tab.groups.add("tests.room"))
    async with await SocketClient.of(alice) as one, await SocketClient.of(charlie) as two:
        await until_up()
        groups = [member_group(alice.pk), "tests.room", member_group(charlie.pk), "tests.empty"]
        await in_database(publish, groups, {"type": "tests.look", "id": 1})
        await in_database(publish, groups, {"type": "tests.look", "id": 2})
        for tab in (one, two):
            assert [(await tab.next_of("tests.look"))["id"] for _ in range(2)] == [1, 2]


@pytest.mark.usefixtures("layer")
async def test_many_hints_at_once_all_arrive_in_order(alice: User) -> None:
    seen: list[Any] = []
    frames.on_event("tests.look")(lambda tab, event: seen.append(event["id"]))

    def all_at_once() -> None:
        for number in range(900):
            publish(member_group(alice.pk), {"type": "tests.look", "id": number})

    async with await SocketClient.of(alice):
        await until_up()
        await in_database(all_at_once)
        await until(lambda: len(seen) == 900)
    assert seen == list(range(900))


@pytest.mark.usefixtures("layer")
async def test_words_of_another_version_hurt_nobody(alice: User) -> None:
    frames.on_event("tests.look")(echo)
    layer: Any = get_channel_layer()
    async with await SocketClient.of(alice) as tab:
        await until_up()
        for message in (
            {"type": "from.the.future"},
            {"type": "switchboard.events", "events": [{"groups": None, "event": 1}]},
            {"type": "switchboard.events", "events": 7},
            {"type": "switchboard.events", "events": [{"groups": [member_group(alice.pk)], "event": {}}]},
            {"type": "switchboard.probe", "channel": "another", "number": 1},
        ):
            await layer.group_send(TABS, message)
        await in_database(published, member_group(alice.pk), 2)
        assert (await tab.next_of("tests.look"))["id"] == 2


@pytest.mark.usefixtures("layer")
async def test_who_comes_after_all_have_left_hears_again(alice: User) -> None:
    frames.on_event("tests.look")(echo)
    for number in range(3):
        async with await SocketClient.of(alice) as tab:
            await until_up()
            await in_database(published, member_group(alice.pk), number)
            assert (await tab.next_of("tests.look"))["id"] == number
        assert not switchboard.tabs


async def restarted(server: Server) -> None:
    """Stopped for longer than a probe takes, then there again, empty."""
    server.stop()
    await asyncio.sleep(3)
    server.start()  # not from another thread: the server dies with the thread that started it


async def emptied(server: Server) -> None:
    """FLUSHALL: groups are forgotten, connections live."""
    with redis_client.Redis.from_url(server.url) as client:
        client.flushall()


async def disconnected(server: Server) -> None:
    """CLIENT KILL: connections die, groups live."""
    with redis_client.Redis.from_url(server.url) as client:
        for kind in ("normal", "pubsub"):
            client.execute_command("CLIENT", "KILL", "TYPE", kind)


async def frozen(server: Server) -> None:
    """Nothing answers for a while, and nothing is refused."""
    server.freeze()
    await asyncio.sleep(4)
    server.thaw()


# redis-py leaves streams of dead connections to the collector, whenever that comes.
@pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("fault", [restarted, emptied, disconnected, frozen])
@pytest.mark.parametrize("layer", WITH_REDIS, indirect=True)
async def test_sockets_outlive_what_happens_to_redis(
    alice: User, layer: str, fault: Any, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    frames.on_event("tests.look")(echo)
    frames.on_pulse("tests")(lambda tabs: {tab: {"newest": 7} for tab in tabs})
    async with await SocketClient.of(alice) as tab:
        await until_up()
        await in_database(published, member_group(alice.pk), 0)
        await tab.next_of("tests.look")
        await tab.next_of("heartbeat")  # the first: hints travel now
        tab.seen.clear()
        await fault(request.getfixturevalue("redis"))
        began = time.monotonic()
        heard = None
        for number in range(1, 1000):
            await in_database(published, member_group(alice.pk), number)
            try:
                heard = await tab.next_of("tests.look", patience=0.2)
            except TimeoutError:
                continue
            break
        assert heard is not None
        assert time.monotonic() - began < BACK_WITHIN
        # What was told meanwhile is found by the heartbeat, which comes at once and not after 25 seconds.
        if fault in {restarted, frozen} or (layer, fault) == ("core", emptied):
            beats = [frame for frame in tab.seen if frame["type"] == "heartbeat"]
            assert (beats or [await tab.next_of("heartbeat")])[0]["tests"] == {"newest": 7}
    assert "Traceback" not in caplog.text
    assert sum(record.levelname == "WARNING" for record in caplog.records) <= 3
    # It needs their loop, which ends with this test.
    redis_layer: Any = get_channel_layer()
    await redis_layer.flush()
    gc.collect()
    await asyncio.sleep(0.05)


async def test_while_the_layer_is_down_tabs_open_and_beat(alice: User) -> None:
    frames.on_pulse("tests")(lambda tabs: {tab: {"newest": 7} for tab in tabs})
    down = {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
    }
    for layers in ({"default": down}, {}):
        with override_settings(CHANNEL_LAYERS=layers):
            channel_layers.backends = {}
            async with await SocketClient.of(alice) as tab:
                frame = await tab.next_of("heartbeat", patience=7)
                assert frame == {"type": "heartbeat", "tests": {"newest": 7}}
                assert not switchboard.is_up
        channel_layers.backends = {}


async def test_a_connection_that_is_half_dead_is_made_anew(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_link, "PROBE_PATIENCE", 0.05)
    monkeypatch.setattr(layer_link, "PROBE_EVERY", 0.05)
    monkeypatch.setattr(layer_link, "PAUSE", 0.05)
    frames.on_event("tests.look")(echo)
    layer: Any = get_channel_layer()
    async with await SocketClient.of(alice) as tab:
        await until_up()
        first = switchboard._link._channel
        deaf = layer.receive

        async def receive(channel: str) -> Any:
            """As over a connection whose other end has gone without a word."""
            return await (asyncio.Event().wait() if channel == first else deaf(channel))

        layer.receive = receive
        async with asyncio.timeout(10):
            while switchboard._link._channel == first or not switchboard.is_up:
                layer.channels.pop(first, None)
                await asyncio.sleep(0.01)
        del layer.receive
        await in_database(published, member_group(alice.pk), 1)
        assert (await tab.next_of("tests.look"))["id"] == 1


async def test_work_that_fails_begins_anew(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    times: list[int] = []

    async def fail_once() -> None:
        times.append(1)
        if len(times) == 1:
            raise LookupError("a fault")
        await asyncio.Event().wait()

    switchboard._watch_drain = fail_once  # type: ignore[method-assign]
    try:
        async with await SocketClient.of(alice):
            await until(lambda: len(times) == 2)
    finally:
        del switchboard._watch_drain
    assert "LookupError: a fault" in caplog.text


# -- The courier -------------------------------------------------------------------------------
def end(own: Courier) -> None:
    """Stop its loop, and wait until its thread has ended."""
    assert own._own is not None
    own._own.call_soon_threadsafe(own._own.stop)
    while not own._own.is_closed():
        time.sleep(0.001)


def test_without_a_server_in_this_process_a_loop_of_its_own_carries() -> None:
    own = Courier()
    own.post({"groups": ["tests"], "event": {"type": "tests.look"}})
    assert own.settle(5)
    end(own)


def test_after_the_server_has_ended_a_loop_of_its_own_carries() -> None:
    own = Courier()
    ended = asyncio.new_event_loop()
    ended.close()
    own.serve_on(ended)
    own.post({"groups": ["tests"], "event": {"type": "tests.look"}})
    assert own.settle(5)
    end(own)


async def test_what_was_lost_is_made_good_by_a_heartbeat_once_the_layer_answers(alice: User) -> None:
    frames.on_pulse("tests")(lambda tabs: {tab: {"newest": 7} for tab in tabs})
    layer: Any = get_channel_layer()
    async with await SocketClient.of(alice) as tab:
        await until_up()
        await tab.next_of("heartbeat")
        sends, said = layer.group_send, []

        async def fail(group: str, message: dict[str, Any]) -> None:
            said.append(message)
            if message["type"] == "switchboard.events" and len(said) < 3:
                raise ConnectionError
            await sends(group, message)

        layer.group_send = fail
        await in_database(published, member_group(alice.pk), 1)
        assert (await tab.next_of("heartbeat"))["tests"] == {"newest": 7}
        del layer.group_send
    assert await asyncio.to_thread(settle)


async def test_who_may_have_missed_hints_is_told_to_ask_once_it_is_in_view(alice: User) -> None:
    async with await SocketClient.of(alice) as tab:
        await until_up()
        await tab.next_of("heartbeat")
        switchboard.heal()
        await tab.next_of("heartbeat")
        tab.seen.clear()
        tab.say({"type": "visible", "visible": True})
        switchboard.heal()
        await tab.next_of("lagged")
        switchboard.heal()
        await tab.next_of("heartbeat")
        await tab.next_of("lagged")
        assert [frame["type"] for frame in tab.seen].count("lagged") == 2


def test_too_many_at_once_are_dropped_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    class Slow(Courier):
        """Never comes to carry anything."""

        def _start(self) -> None:
            """Not yet."""

    slow = Slow()
    for _ in range(1100):
        slow.post({"groups": ["tests"], "event": {"type": "tests.look"}})
    assert len(slow._waiting) == 1000
    assert caplog.text.count("too slow") == 1
    assert not slow.settle(0.01)
    slow.begin()
    assert slow.settle(0.01)


def test_the_courier_of_this_process_is_quiet_in_the_end() -> None:
    assert courier.settle(5)
