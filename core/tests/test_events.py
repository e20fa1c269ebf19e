"""Events for one tab: delivered in order, once, and never missed."""

import threading

import pytest

from core.database.thread_pool import in_database
from core.sockets import frames
from core.sockets.flow_control import WAITING_EVENTS
from core.sockets.frames import Event, Frame, TabState
from core.sockets.hub import hub
from core.sockets.publisher import member_topic
from users.models import User

from .socket_client import SocketClient

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("registry", "fresh_breakers", "no_heartbeats"),
]


async def test_events_of_a_topic_that_a_handler_added_are_rendered(alice: User) -> None:
    @frames.on_frame("tests.watch")
    def watch(tab: TabState, frame: Frame) -> list[Frame]:
        tab.topics = {"tests.room"} if frame["on"] else set()
        return [{"type": "tests.watching"}]

    frames.on_event("tests.look")(lambda tab, event: [{**event}])
    async with await SocketClient.of(alice) as tab:
        hub.dispatch(["tests.room"], {"type": "tests.look", "id": 1})
        for on, group in ((True, "tests.room"), (False, member_topic(alice.pk))):
            tab.say({"type": "tests.watch", "on": on})
            assert await tab.next() == {"type": "tests.watching"}
            hub.dispatch([group], {"type": "tests.look", "id": 2})
            assert await tab.next() == {"type": "tests.look", "id": 2}
        hub.dispatch(["tests.room"], {"type": "tests.look", "id": 3})
        assert await tab.is_silent()


async def test_an_event_during_a_handler_is_not_missed(alice: User) -> None:
    reading, go_on = threading.Event(), threading.Event()

    @frames.on_frame("tests.watch")
    def watch(tab: TabState, frame: Frame) -> list[Frame]:
        reading.set()
        go_on.wait(10)
        tab.topics.add("tests.room")
        return [{"type": "tests.watching"}]

    frames.on_event("tests.look")(lambda tab, event: [{**event}])
    async with await SocketClient.of(alice) as tab:
        hub.dispatch(["tests.room"], {"type": "tests.look", "id": 1})
        tab.say({"type": "tests.watch"})
        assert await in_database(reading.wait, 10)
        for number in (2, 3, 4):
            hub.dispatch(["tests.room"], {"type": "tests.look", "id": number})
        go_on.set()
        assert await tab.next() == {"type": "tests.watching"}
        assert [await tab.next() for _ in range(3)] == [
            {"type": "tests.look", "id": number} for number in (2, 3, 4)
        ]
        assert await tab.is_silent()


async def test_equal_queued_events_are_rendered_once_and_in_order(alice: User) -> None:
    go_on = threading.Event()
    frames.on_frame("tests.wait")(lambda tab, frame: go_on.wait(10) and None)
    frames.on_event("tests.look")(lambda tab, event: [{**event}])
    async with await SocketClient.of(alice) as tab:
        tab.say({"type": "tests.wait"})
        for number in [1, 2, 1, 1, 3] * 50:
            hub.dispatch([member_topic(alice.pk)], {"type": "tests.look", "id": number})
        go_on.set()
        assert [(await tab.next())["id"] for _ in range(3)] == [1, 2, 3]
        assert await tab.is_silent()


async def test_a_failing_renderer_costs_its_event_only(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    def show(tab: TabState, event: Event) -> list[Frame]:
        if event["id"] == 1:
            raise LookupError("a fault")
        return [{**event}]

    frames.on_event("tests.look")(show)
    async with await SocketClient.of(alice) as tab:
        for number in (1, 2):
            hub.dispatch([member_topic(alice.pk)], {"type": "tests.look", "id": number})
        assert (await tab.next())["id"] == 2
    assert "the event tests.look failed" in caplog.text


async def test_an_event_that_nobody_knows_is_nothing(alice: User) -> None:
    frames.on_event("tests.look")(lambda tab, event: [{**event}])
    async with await SocketClient.of(alice) as tab:
        hub.dispatch([member_topic(alice.pk)], {"type": "from.the.future", "id": 1})
        hub.dispatch([member_topic(alice.pk)], {"type": "tests.look", "id": 2})
        assert await tab.next() == {"type": "tests.look", "id": 2}


async def test_too_many_queued_events_ask_for_a_resync(alice: User) -> None:
    go_on = threading.Event()
    frames.on_frame("tests.wait")(lambda tab, frame: go_on.wait(10) and None)
    frames.on_event("tests.look")(lambda tab, event: [{**event}])
    async with await SocketClient.of(alice) as tab:
        tab.say({"type": "tests.wait"})
        for number in range(WAITING_EVENTS + 3):
            hub.dispatch([member_topic(alice.pk)], {"type": "tests.look", "id": number})
        go_on.set()
        assert await tab.next() == {"type": "lagged"}
        # What waited until then is not kept: the tab finds it by asking.
        newest = WAITING_EVENTS + 1
        assert [(await tab.next())["id"] for _ in range(2)] == [newest, newest + 1]


async def test_an_event_of_a_process_of_the_version_before_arrives(alice: User) -> None:
    frames.on_event("tests.look")(lambda tab, event: [{**event}])
    async with await SocketClient.of(alice) as tab:
        for number, name in enumerate(("groups", "topics")):
            event = {"type": "tests.look", "id": number}
            hub._handle_message({"events": [{name: [member_topic(alice.pk)], "event": event}]})
            assert await tab.next() == event
