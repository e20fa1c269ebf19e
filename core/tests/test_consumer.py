"""One tab's socket: what it says, what it may say, and what becomes of faults."""

import asyncio
import json
import logging
import threading
import time

import pytest
from django.db import OperationalError
from psycopg2 import OperationalError as Unreachable

from core.database.thread_pool import in_database
from core.sockets import frames, handler_calls
from core.sockets.flow_control import BURST, FRAME_BYTES, SOCKETS_PER_MEMBER, WAITING_BYTES
from core.sockets.frames import Frame, FrameError, TabState, read_number
from core.sockets.hub import hub
from tests.cases import all_cases
from users.models import User

from .socket_client import Closed, SocketClient, cookie_of, until, until_up

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("registry", "fresh_breakers", "no_heartbeats"),
]

MALFORMED = {"type": "error", "reason": "malformed"}


async def test_a_tab_is_greeted_and_then_hears_the_apps(alice: User) -> None:
    frames.on_open(lambda tab: [{"type": "tests.news", "member": tab.member_id}])
    async with SocketClient(await cookie_of(alice)) as tab:
        await tab.open()
        assert await tab.next() == {"type": "hello", "heartbeat": 25, "member": alice.pk}
        assert await tab.next() == {"type": "tests.news", "member": alice.pk}


async def test_frames_are_answered_one_after_the_other(alice: User) -> None:
    def slow_then_quick(tab: TabState, frame: Frame) -> list[Frame]:
        time.sleep(0.05 if frame["n"] == 0 else 0)
        return [{"type": "tests.answer", "n": frame["n"]}]

    frames.on_frame("tests.ask")(slow_then_quick)
    async with await SocketClient.of(alice) as tab:
        for number in range(5):
            tab.say({"type": "tests.ask", "n": number})
        assert [(await tab.next())["n"] for _ in range(5)] == [0, 1, 2, 3, 4]


async def test_what_a_tab_says_at_once_waits_until_apps_have_greeted_it(alice: User) -> None:
    @frames.on_open
    def greet(tab: TabState) -> list[Frame]:
        time.sleep(0.1)
        return [{"type": "tests.first"}]

    frames.on_frame("tests.ask")(lambda tab, frame: [{"type": "tests.second"}])
    async with await SocketClient.of(alice) as tab:
        tab.say({"type": "tests.ask"})
        assert [(await tab.next())["type"] for _ in range(2)] == ["tests.first", "tests.second"]


async def test_what_only_notes_something_does_not_wait_behind_the_database(alice: User) -> None:
    gate = threading.Event()
    noted: list[int] = []
    heard_of_it = asyncio.Event()

    def note(tab: TabState, frame: Frame) -> None:
        noted.append(read_number(frame, "n"))
        heard_of_it.set()

    frames.on_frame("tests.ask")(lambda tab, frame: gate.wait(5) and [{"type": "tests.asked"}])
    frames.on_quick_frame("tests.note")(note)
    async with await SocketClient.of(alice) as tab:
        tab.say({"type": "tests.ask"})
        tab.say({"type": "tests.note", "n": 7})
        tab.say({"type": "tests.note", "n": -7})
        async with asyncio.timeout(5):
            await heard_of_it.wait()
        gate.set()
        heard = [await tab.next(), await tab.next()]
    assert {frame["type"] for frame in heard} == {"tests.asked", "error"}
    assert noted == [7]


async def test_several_apps_hear_one_type_and_the_tab_is_visible_by_then(alice: User) -> None:
    for name in ("one", "two"):
        frames.on_frame("visible")(
            lambda tab, frame, name=name: [{"type": f"tests.{name}", "visible": tab.visible}]
        )
    async with await SocketClient.of(alice) as tab:
        tab.say({"type": "visible", "visible": True})
        assert await tab.next() == {"type": "tests.one", "visible": True}
        assert await tab.next() == {"type": "tests.two", "visible": True}
        tab.say({"type": "visible", "visible": "yes"})
        assert await tab.next() == {"type": "tests.one", "visible": False}


DEEP = "[" * 60_000


async def test_what_is_no_frame_is_answered_and_the_socket_stays(alice: User) -> None:
    frames.on_frame("tests.ask")(lambda tab, frame: [{"type": "tests.answer"}])
    with all_cases() as case:
        for said in [
            "",
            "x",
            "{",
            "[]",
            "1",
            '"text"',
            "null",
            "NaN",
            '{"type": NaN}',
            "{}",
            '{"type": 1}',
            '{"type": null}',
            '{"type": ["a"]}',
            '{"type": "tests.ask", "n": Infinity}',
            DEEP,
            '{"type":' + DEEP,
            '{"type": "x", "n": ' + "9" * 5000 + "}",
        ]:
            with case(said):
                async with await SocketClient.of(alice) as tab:
                    tab.say_text(said)
                    assert await tab.next() == MALFORMED
                    tab.say({"type": "tests.ask"})
                    assert await tab.next() == {"type": "tests.answer"}


async def test_a_binary_frame_is_malformed(alice: User) -> None:
    async with await SocketClient.of(alice) as tab:
        tab.say_bytes(b'{"type": "tests.ask"}')
        assert await tab.next() == MALFORMED


async def test_unknown_types_are_ignored_but_count(alice: User) -> None:
    async with await SocketClient.of(alice) as tab:
        for _ in range(BURST):
            tab.say({"type": "from.the.future"})
        assert await tab.is_silent()
        for _ in range(BURST):
            tab.say({"type": "from.the.future"})
        assert await tab.closed() == 1008


async def test_a_flood_closes_the_socket_and_nothing_more_is_done(alice: User) -> None:
    done = []
    frames.on_frame("tests.ask")(lambda tab, frame: done.append(frame["n"]))
    async with await SocketClient.of(alice) as tab:
        for number in range(10_000):
            tab.say({"type": "tests.ask", "n": number})
        assert await tab.closed() == 1008
    assert len(done) <= BURST + 5


async def test_all_tabs_of_a_member_share_one_allowance(alice: User, charlie: User) -> None:
    cookie = await cookie_of(alice)
    tabs = [SocketClient(cookie) for _ in range(SOCKETS_PER_MEMBER)]
    for tab in tabs:
        await tab.open()
        assert (await tab.next())["type"] == "hello"
    for tab in tabs[1:]:
        for _ in range(BURST // len(tabs[1:]) + 3):
            tab.say({"type": "from.the.future"})
    for _ in range(3):
        tabs[0].say({"type": "from.the.future"})
    assert await tabs[0].closed() == 1008
    async with await SocketClient.of(charlie) as other:
        other.say({"type": "from.the.future"})
        assert await other.is_silent()
    for tab in tabs:
        await tab.leave()


async def test_what_is_dear_costs_more(alice: User) -> None:
    frames.on_frame("tests.dear", cost=10)(lambda tab, frame: None)
    async with await SocketClient.of(alice) as tab:
        for _ in range(BURST // 10 + 5):
            tab.say({"type": "tests.dear"})
        assert await tab.closed() == 1008


async def test_a_member_takes_one_thread_of_the_pool_at_the_most(alice: User, charlie: User) -> None:
    at_once, most, going_on = [0], [0], threading.Event()

    @frames.on_frame("tests.ask")
    def slow(tab: TabState, frame: Frame) -> None:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        going_on.wait(10)
        at_once[0] -= 1

    frames.on_frame("tests.quick")(lambda tab, frame: [{"type": "tests.answer"}])
    cookie = await cookie_of(alice)
    tabs = [SocketClient(cookie) for _ in range(SOCKETS_PER_MEMBER)]
    for tab in tabs:
        await tab.open()
        assert (await tab.next())["type"] == "hello"
    for tab in tabs:
        for _ in range(3):
            tab.say({"type": "tests.ask"})
    async with await SocketClient.of(charlie) as other:
        other.say({"type": "tests.quick"})
        assert await other.next() == {"type": "tests.answer"}
    going_on.set()
    for tab in tabs:
        await tab.leave()
    assert most == [1]


async def test_a_frame_may_have_64_kib_and_not_a_byte_more(alice: User) -> None:
    frames.on_frame("tests.ask")(lambda tab, frame: [{"type": "tests.answer"}])
    empty = len(json.dumps({"type": "tests.ask", "q": ""}))
    room = FRAME_BYTES - empty
    with all_cases() as case:
        for letter in ["x", "ü", "漢", "🙂"]:
            with case(letter):
                size = len(letter.encode())
                async with await SocketClient.of(alice) as tab:
                    fill = letter * (room // size)
                    tab.say_text(json.dumps({"type": "tests.ask", "q": fill}, ensure_ascii=False))
                    assert await tab.next() == {"type": "tests.answer"}
                    tab.say_text(json.dumps({"type": "tests.ask", "q": fill + letter}, ensure_ascii=False))
                    assert await tab.closed() == 1009


async def test_who_sends_much_that_must_wait_is_closed(alice: User) -> None:
    going_on = threading.Event()
    frames.on_frame("tests.ask")(lambda tab, frame: going_on.wait(10) and None)
    async with await SocketClient.of(alice) as tab:
        for _ in range(10):
            tab.say({"type": "tests.ask", "q": "x" * 60_000})
        going_on.set()
        assert await tab.closed() == 1008


async def test_what_was_answered_waits_no_more_however_much_it_was(alice: User) -> None:
    frames.on_frame("tests.ask")(lambda tab, frame: [{"type": "tests.answer"}])
    async with await SocketClient.of(alice) as tab:
        for _ in range(2 * WAITING_BYTES // 60_000):
            tab.say({"type": "tests.ask", "q": "x" * 60_000})
            assert await tab.next() == {"type": "tests.answer"}


async def test_a_refusal_has_its_reason(alice: User) -> None:
    def refuse(tab: TabState, frame: Frame) -> None:
        read_number(frame, "id")
        raise FrameError("not_found", "There is no such thing.")

    frames.on_frame("tests.ask")(refuse)
    async with await SocketClient.of(alice) as tab:
        tab.say({"type": "tests.ask", "id": -1})
        assert await tab.next() == MALFORMED
        tab.say({"type": "tests.ask", "id": 1})
        assert await tab.next() == {"type": "error", "reason": "not_found", "text": "There is no such thing."}


async def test_a_fault_is_logged_with_its_trace_and_without_what_was_said(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(tab: TabState, frame: Frame) -> None:
        raise LookupError("a fault")

    frames.on_frame("tests.ask")(fail)
    frames.on_frame("tests.ask")(lambda tab, frame: [{"type": "tests.answer"}])
    async with await SocketClient.of(alice) as tab:
        tab.say({"type": "tests.ask", "q": "a secret"})
        assert await tab.next() == {"type": "tests.answer"}
        assert await tab.next() == {"type": "error", "reason": "failed"}
        tab.say({"type": "tests.ask"})
        assert await tab.next() == {"type": "tests.answer"}
    faults = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(faults) == 2
    assert "LookupError: a fault" in caplog.text
    assert "a secret" not in caplog.text
    assert tab.cookie.partition("=")[2] not in caplog.text


async def test_an_answer_that_cannot_travel_is_a_fault_of_the_app(alice: User) -> None:
    with all_cases() as case:
        for answer in [object(), {"type": "x", "n": float("nan")}, {"type": "x", "q": "\ud800"}]:
            with case(repr(answer)):
                frames.frame_handlers.clear()
                frames.on_frame("tests.ask")(lambda tab, frame, answer=answer: [answer])
                async with await SocketClient.of(alice) as tab:
                    tab.say({"type": "tests.ask"})
                    assert await tab.next() == {"type": "error", "reason": "failed"}


def away(*_: object) -> None:
    """As Django raises it when PostgreSQL cannot be reached."""
    try:
        raise Unreachable("could not connect to server")
    except Unreachable as cause:
        raise OperationalError(str(cause)) from cause


async def test_a_database_that_is_away_is_said_once(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    handler_calls.breaker.reset()
    frames.on_frame("tests.ask")(away)
    frames.on_open(away)
    async with await SocketClient.of(alice) as tab:
        for _ in range(5):
            tab.say({"type": "tests.ask"})
            assert await tab.next() == {"type": "error", "reason": "failed"}
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "Traceback" not in caplog.text


async def test_a_tab_that_does_nothing_is_closed_at_once(alice: User) -> None:
    async with await SocketClient.of(alice) as tab:
        await until(lambda: tab.live._task is None)
        live = tab.live
        live.close(1012)
        # Not with the next heartbeat, which would close it as well.
        assert live._task is not None
        assert await tab.closed() == 1012


async def test_apps_hear_of_the_end_once_and_after_everything_else(alice: User) -> None:
    heard: list[str] = []

    @frames.on_frame("tests.ask")
    def slow(tab: TabState, frame: Frame) -> None:
        time.sleep(0.05)
        heard.append("frame")

    frames.on_close(lambda tab: heard.append("close"))
    frames.run_every(60)(lambda: heard.append("periodic job"))
    tab = await SocketClient.of(alice)
    tab.say({"type": "tests.ask"})
    await in_database(time.sleep, 0.02)
    await tab.leave()
    assert heard == ["frame", "close", "periodic job"]
    assert not hub.connections


async def test_a_member_has_room_for_so_many_tabs(alice: User, charlie: User) -> None:
    cookie = await cookie_of(alice)
    tabs = [SocketClient(cookie) for _ in range(SOCKETS_PER_MEMBER)]
    for tab in tabs:
        await tab.open()
        assert (await tab.next())["type"] == "hello"
    one_more = SocketClient(cookie)
    await one_more.open()
    with pytest.raises(Closed, match="1008"):
        await one_more.next()
    async with await SocketClient.of(charlie):
        pass
    await tabs.pop().leave()
    again = SocketClient(cookie)
    await again.open()
    assert (await again.next())["type"] == "hello"
    for tab in [*tabs, again]:
        await tab.leave()


async def test_a_server_that_cannot_send_any_more_is_no_fault(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    frames.on_frame("tests.ask")(lambda tab, frame: [{"type": "tests.answer"}])
    tab = await SocketClient.of(alice)

    async def gone(message: object) -> None:
        tried.set()
        raise BrokenPipeError

    tried = asyncio.Event()
    next(iter(hub.connections))._asgi_send = gone
    tab.say({"type": "tests.ask"})
    await tried.wait()
    await tab.leave()
    assert "BrokenPipeError" in caplog.text
    assert "Traceback" not in caplog.text


async def test_who_leaves_before_the_handshake_is_over_was_never_there(alice: User) -> None:
    tab = SocketClient(await cookie_of(alice))
    assert await tab.knock({"type": "websocket.disconnect", "code": 1006}) == []


async def test_events_arrive_once_the_first_tab_is_open(alice: User) -> None:
    async with await SocketClient.of(alice):
        await until_up()
