"""A tab that reads slowly costs a window of bytes, and looks for everything once it reads again."""

import pytest

from core.sockets import frames, handler_calls
from core.sockets.flow_control import PING_BYTES, WINDOW_BYTES
from core.sockets.frames import Event, Frame, TabState
from core.sockets.hub import hub
from core.sockets.publisher import member_topic
from users.models import User

from .socket_client import SocketClient, until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("registry", "fresh_breakers", "no_heartbeats"),
]


async def test_a_slow_reader_gets_one_window_and_then_lagged(alice: User) -> None:
    frames.on_frame("tests.ask")(lambda tab, frame: [{"type": "tests.much", "q": "漢" * 17_000}])
    shown: list[Event] = []

    @frames.on_event("tests.look")
    def show(tab: TabState, event: Event) -> list[Frame]:
        shown.append(event)
        return [{**event}]

    async with await SocketClient.of(alice) as tab:
        for _ in range(30):
            tab.say({"type": "tests.ask"})
        came = 0
        pings: list[int] = []
        while came < 11 * 50_000 and len(pings) < 9:
            frame = await tab.next()
            if frame["type"] == "ping":
                pings.append(frame["n"])
            else:
                came += len(frame["q"].encode())
        assert await tab.is_silent()
        assert came <= WINDOW_BYTES + 50_000
        hub.dispatch([member_topic(alice.pk)], {"type": "tests.look", "id": 1})
        next(iter(hub.connections)).send_heartbeat(handler_calls.BARE_HEARTBEAT)
        assert await tab.next() == {"type": "heartbeat"}
        tab.say({"type": "pong", "n": 1.5})
        tab.say({"type": "pong", "n": -1})
        assert await tab.is_silent()
        tab.say({"type": "pong", "n": pings[-1]})
        assert await tab.next() == {"type": "lagged"}
        hub.dispatch([member_topic(alice.pk)], {"type": "tests.look", "id": 2})
        assert await tab.next() == {"type": "tests.look", "id": 2}
    assert [event["id"] for event in shown] == [2], "what cannot be sent is not even asked for"


async def test_an_event_for_a_tab_with_a_full_window_makes_it_lag(alice: User) -> None:
    # Letters of three bytes each: what is on its way counts as it travels.
    much = "漢" * (PING_BYTES // 3 + 1)
    frames.on_frame("tests.ask")(lambda tab, frame: [{"type": "tests.much", "q": much}])
    frames.on_event("tests.look")(lambda tab, event: [{**event}])
    async with await SocketClient.of(alice) as tab:
        pings = []
        for _ in range(WINDOW_BYTES // PING_BYTES):
            tab.say({"type": "tests.ask"})
            assert (await tab.next())["type"] == "tests.much"
            pings.append((await tab.next())["n"])
        hub.dispatch([member_topic(alice.pk)], {"type": "tests.look", "id": 1})
        assert await tab.is_silent()
        tab.say({"type": "pong", "n": pings[-1]})
        assert await tab.next() == {"type": "lagged"}


async def test_a_tab_that_missed_events_is_asked_once_to_resync_when_it_is_visible(alice: User) -> None:
    async with await SocketClient.of(alice) as tab:
        connection = next(iter(hub.connections))
        connection.mark_events_lost()
        connection.send_heartbeat(handler_calls.BARE_HEARTBEAT)
        assert await tab.next() == {"type": "heartbeat"}
        assert await tab.is_silent(), "nobody looks at it"
        tab.say({"type": "visible", "visible": True})
        await until(lambda: connection.visible)
        connection.send_heartbeat(handler_calls.BARE_HEARTBEAT)
        assert [await tab.next(), await tab.next()] == [{"type": "heartbeat"}, {"type": "lagged"}]
        connection.send_heartbeat(handler_calls.BARE_HEARTBEAT)
        assert await tab.next() == {"type": "heartbeat"}
        assert await tab.is_silent(), "it was asked before"
