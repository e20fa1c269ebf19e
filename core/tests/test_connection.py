"""One SocketConnection: the order of its frames, and frames after it is closed."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator

import pytest

from core.database.thread_pool import in_database
from core.sockets import frames, handler_calls
from core.sockets.connection import EVENTS_AT_ONCE, FLOODED, RESTART
from core.sockets.flow_control import BURST, TokenBucket
from core.sockets.frames import Event, Frame, FrameError, TabState
from core.sockets.hub import hub
from core.sockets.publisher import member_topic
from users.models import User

from .socket_client import SocketClient, until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("registry", "fresh_breakers", "no_heartbeats"),
]


async def test_a_tab_is_closed_for_the_first_reason_and_hears_nothing_more(alice: User) -> None:
    noted: list[Frame] = []
    frames.on_quick_frame("tests.note")(lambda tab, frame: noted.append(frame))
    async with await SocketClient.of(alice) as tab:
        live = tab.live
        live.close(FLOODED)
        live.close(RESTART)
        live.handle_message(json.dumps({"type": "tests.note"}))
        assert await tab.closed() == FLOODED
    assert noted == []


async def test_what_waits_is_not_done_any_more_once_the_client_has_gone(alice: User) -> None:
    done: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    @frames.on_frame("tests.ask")
    def ask(tab: TabState, frame: Frame) -> list[Frame]:
        done.append(frame["n"])
        begun.set()
        go_on.wait(10)
        return [{"type": "tests.answer"}]

    tab = await SocketClient.of(alice)
    live = tab.live
    for number in range(3):
        tab.say({"type": "tests.ask", "n": number})
    assert await in_database(begun.wait, 10)
    leaving = asyncio.create_task(tab.leave())
    await until(lambda: live._has_gone)
    go_on.set()
    await leaving
    assert (done, tab.rest()) == ([0], [])
    live.start()
    assert live._task is None


async def test_apps_hear_of_the_end_after_what_is_being_sent(alice: User) -> None:
    heard: list[str] = []
    sending, go_on = asyncio.Event(), asyncio.Event()

    async def send_slowly(message: object) -> None:
        sending.set()
        await go_on.wait()
        heard.append("sent")

    frames.on_close(lambda tab: heard.append("close"))
    frames.on_frame("tests.ask")(lambda tab, frame: [{"type": "tests.answer"}])
    tab = await SocketClient.of(alice)
    live = tab.live
    live._asgi_send = send_slowly
    tab.say({"type": "tests.ask"})
    await sending.wait()
    leaving = asyncio.create_task(tab.leave())
    await until(lambda: live._has_gone)
    await in_database(time.sleep, 0.1)
    go_on.set()
    await leaving
    assert heard == ["sent", "close"]


async def test_what_is_dear_costs_exactly_what_it_says(alice: User) -> None:
    frames.on_frame("tests.dear", cost=BURST // 4)(lambda tab, frame: [{"type": "tests.answer"}])
    async with await SocketClient.of(alice) as tab:
        hub.flow_of(alice.pk).tokens = TokenBucket(BURST, rate=0)
        for _ in range(4):
            tab.say({"type": "tests.dear"})
            assert await tab.next() == {"type": "tests.answer"}
        tab.say({"type": "from.the.future"})
        assert await tab.closed() == FLOODED


async def test_a_frame_waits_behind_a_few_events_only(alice: User) -> None:
    shows, go_on = threading.Event(), threading.Event()

    def show(tab: TabState, event: Event) -> list[Frame]:
        shows.set()
        go_on.wait(10)
        return [{**event}]

    frames.on_event("tests.look")(show)
    frames.on_frame("tests.ask")(lambda tab, frame: [{"type": "tests.answer"}])
    async with await SocketClient.of(alice) as tab:
        for number in range(2 * EVENTS_AT_ONCE + 1):
            hub.dispatch([member_topic(alice.pk)], {"type": "tests.look", "id": number})
        assert await in_database(shows.wait, 10)
        tab.say({"type": "tests.ask"})
        go_on.set()
        told = [(await tab.next())["type"] for _ in range(2 * EVENTS_AT_ONCE + 2)]
    assert told.index("tests.answer") == EVENTS_AT_ONCE


def test_what_one_app_answers_is_sent_though_another_one_refuses() -> None:
    def refuse(tab: TabState, frame: Frame) -> Iterator[Frame]:
        yield {"type": "tests.begun"}
        raise FrameError("not_found")

    frames.on_frame("tests.ask")(lambda tab, frame: [{"type": "tests.answer"}])
    frames.on_frame("tests.ask")(refuse)
    told = [json.loads(said) for said in handler_calls.handle_frame(TabState(1), {"type": "tests.ask"})]
    assert told[0] == {"type": "tests.answer"}
    assert told[-1] == {"type": "error", "reason": "not_found"}
