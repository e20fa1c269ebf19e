"""Hints reach the tabs that listen, through each of the three channel layers."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.test import override_settings

from core.database.thread_pool import in_database
from core.sockets import frames
from core.sockets import hub as hubs
from core.sockets.connection import RESTART
from core.sockets.hub import hub
from core.sockets.publisher import (
    BATCH,
    MOST_WAITING,
    TABS,
    Publisher,
    flush,
    member_topic,
    publish,
    publisher,
)
from tests.cases import all_cases
from users.models import User

from .socket_client import SocketClient, echo, published, until, until_up

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("registry", "fresh_breakers"),
]


async def an_event_reaches_every_tab_of_the_member(alice: User, charlie: User) -> None:
    frames.on_event("tests.look")(echo)
    one, two, other = [await SocketClient.of(member) for member in (alice, alice, charlie)]
    await until_up()
    await in_database(published, member_topic(alice.pk), 7)
    for tab in (one, two):
        assert await tab.next_of("tests.look") == {"type": "tests.look", "id": 7, "to": alice.pk}
    await other.leave()
    assert [frame["type"] for frame in other.rest()] in ([], ["heartbeat"])
    for tab in (one, two):
        await tab.leave()


async def a_tab_with_two_topics_of_an_event_gets_it_once(alice: User, charlie: User) -> None:
    frames.on_event("tests.look")(echo)
    frames.on_open(lambda tab: tab.topics.add("tests.room"))
    async with await SocketClient.of(alice) as one, await SocketClient.of(charlie) as two:
        await until_up()
        groups = [member_topic(alice.pk), "tests.room", member_topic(charlie.pk), "tests.empty"]
        await in_database(publish, groups, {"type": "tests.look", "id": 1})
        await in_database(publish, groups, {"type": "tests.look", "id": 2})
        for tab in (one, two):
            assert [(await tab.next_of("tests.look"))["id"] for _ in range(2)] == [1, 2]


async def many_events_at_once_arrive_in_order(alice: User, charlie: User) -> None:
    seen: list[Any] = []
    frames.on_event("tests.look")(lambda tab, event: seen.append(event["id"]))

    def all_at_once() -> None:
        for number in range(900):
            publish(member_topic(alice.pk), {"type": "tests.look", "id": number})

    async with await SocketClient.of(alice):
        await until_up()
        await in_database(all_at_once)
        await until(lambda: len(seen) == 900)
    assert seen == list(range(900))


async def words_of_another_version_hurt_nobody(alice: User, charlie: User) -> None:
    frames.on_event("tests.look")(echo)
    layer: Any = get_channel_layer()
    async with await SocketClient.of(alice) as tab:
        await until_up()
        for message in (
            {"type": "from.the.future"},
            {"type": "hub.events", "events": [{"topics": None, "event": 1}]},
            {"type": "hub.events", "events": 7},
            {"type": "hub.events", "events": [{"topics": [member_topic(alice.pk)], "event": {}}]},
            {"type": "hub.probe", "channel": "another", "number": 1},
        ):
            await layer.group_send(TABS, message)
        await in_database(published, member_topic(alice.pk), 2)
        assert (await tab.next_of("tests.look"))["id"] == 2


async def a_tab_that_comes_after_all_have_left_hears_again(alice: User, charlie: User) -> None:
    frames.on_event("tests.look")(echo)
    for number in range(3):
        async with await SocketClient.of(alice) as tab:
            await until_up()
            await in_database(published, member_topic(alice.pk), number)
            assert (await tab.next_of("tests.look"))["id"] == number
        assert not hub.connections


THROUGH_EACH_LAYER = (
    an_event_reaches_every_tab_of_the_member,
    a_tab_with_two_topics_of_an_event_gets_it_once,
    many_events_at_once_arrive_in_order,
    words_of_another_version_hurt_nobody,
    a_tab_that_comes_after_all_have_left_hears_again,
)


@pytest.mark.usefixtures("layer")
async def test_events_reach_the_tabs_that_listen_through_each_layer(alice: User, charlie: User) -> None:
    with all_cases() as case:
        for check in THROUGH_EACH_LAYER:
            frames.event_renderers.clear()
            frames.openers.clear()
            with case(check.__name__):
                await check(alice, charlie)


async def test_a_failed_task_restarts(
    alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hubs, "DRAIN_EVERY", 0.02)
    monkeypatch.setattr(hubs, "AGAIN_AFTER", 0.02)
    async with await SocketClient.of(alice) as tab:
        with override_settings(DRAIN_FILE=7):
            await until(lambda: "a task of the socket hub failed and is restarted" in caplog.text)
        file = tmp_path / "drain"
        file.touch()
        with override_settings(DRAIN_FILE=str(file)):
            assert await tab.closed() == RESTART
    assert "TypeError" in caplog.text


# -- The publisher -------------------------------------------------------------------------------
def end(own: Publisher) -> None:
    """Stop its loop, and wait until its thread has ended."""
    assert own._own is not None
    own._own.call_soon_threadsafe(own._own.stop)
    while not own._own.is_closed():
        time.sleep(0.001)


def test_without_a_server_in_this_process_a_loop_of_its_own_carries() -> None:
    own = Publisher()
    own.enqueue({"topics": ["tests"], "event": {"type": "tests.look"}})
    assert own.flush(5)
    end(own)


def test_after_the_server_has_ended_a_loop_of_its_own_carries() -> None:
    own = Publisher()
    ended = asyncio.new_event_loop()
    ended.close()
    own.serve_on(ended)
    own.enqueue({"topics": ["tests"], "event": {"type": "tests.look"}})
    assert own.flush(5)
    end(own)


@pytest.mark.usefixtures("quick_to_notice")
async def test_what_was_lost_is_made_good_by_a_heartbeat_once_the_layer_answers(alice: User) -> None:
    frames.on_heartbeat("tests")(lambda tabs: {tab: {"newest": 7} for tab in tabs})
    layer: Any = get_channel_layer()
    async with await SocketClient.of(alice) as tab:
        await until_up()
        await tab.next_of("heartbeat")
        sends, said = layer.group_send, []

        async def fail(group: str, message: dict[str, Any]) -> None:
            said.append(message)
            if message["type"] == "hub.events" and len(said) < 3:
                raise ConnectionError
            await sends(group, message)

        layer.group_send = fail
        await in_database(published, member_topic(alice.pk), 1)
        assert (await tab.next_of("heartbeat"))["tests"] == {"newest": 7}
        del layer.group_send
    assert await asyncio.to_thread(flush)


@pytest.mark.usefixtures("quick_to_notice")
async def test_a_tab_that_may_have_missed_events_resyncs_once_visible(alice: User) -> None:
    async with await SocketClient.of(alice) as tab:
        await until_up()
        await tab.next_of("heartbeat")
        hub.request_resync()
        await tab.next_of("heartbeat")
        tab.say({"type": "visible", "visible": True})
        hub.request_resync()
        await tab.next_of("lagged")
        hub.request_resync()
        await tab.next_of("heartbeat")
        await tab.next_of("lagged")
        assert [frame["type"] for frame in tab.seen].count("lagged") == 2


def test_too_many_at_once_are_dropped_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    class Slow(Publisher):
        """Never comes to carry anything."""

        def _ensure_running(self) -> None:
            """Not yet."""

    slow = Slow()
    for _ in range(1100):
        slow.enqueue({"topics": ["tests"], "event": {"type": "tests.look"}})
    assert len(slow._waiting) == 1000
    assert caplog.text.count("too slow") == 1
    assert not slow.flush(0.01)
    slow.reset()
    assert slow.flush(0.01)


async def test_events_are_sent_in_batches_of_fifty_and_losses_are_reported(alice: User) -> None:
    layer: Any = get_channel_layer()
    message = {"topics": [member_topic(alice.pk)], "event": {"type": "tests.look"}}
    loads: list[list[dict[str, Any]]] = []
    send = layer.group_send

    async def note(group: str, message: dict[str, Any]) -> None:
        if message["type"] == "hub.events":
            if not loads:  # while these are on their way, more come than there is room for
                for _ in range(MOST_WAITING + 1):
                    publisher.enqueue(message)
            loads.append(message["events"])
        await send(group, message)

    layer.group_send = note
    async with await SocketClient.of(alice):
        await until_up()
        publisher.enqueue(message)
        await until(lambda: {"lost": True} in [event for load in loads for event in load])
        assert await asyncio.to_thread(flush)
    del layer.group_send
    assert max(map(len, loads)) <= BATCH + 1


def test_the_courier_of_this_process_is_quiet_in_the_end() -> None:
    assert publisher.flush(5)
