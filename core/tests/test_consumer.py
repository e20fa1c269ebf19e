"""One tab's socket: what it says, what it may say, and what becomes of faults."""

import asyncio
import logging
import threading
import time

import pytest
from django.db import OperationalError
from psycopg2 import OperationalError as Unreachable

from core.database.thread_pool import in_database
from core.sockets import frames, handler_calls
from core.sockets.frames import Frame, FrameError, TabState, read_number
from core.sockets.hub import hub
from tests.cases import all_cases
from users.models import User

from .conftest import clear_registry
from .socket_client import SocketClient, cookie_of, until, until_up

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("registry", "fresh_breakers", "no_heartbeats"),
]

MALFORMED = {"type": "error", "reason": "malformed"}


async def a_tab_is_greeted_and_then_hears_the_apps(alice: User) -> None:
    frames.on_open(lambda tab: [{"type": "tests.news", "member": tab.member_id}])
    async with SocketClient(await cookie_of(alice)) as tab:
        await tab.open()
        assert await tab.next() == {"type": "hello", "heartbeat": 25, "member": alice.pk}
        assert await tab.next() == {"type": "tests.news", "member": alice.pk}


async def frames_are_answered_one_after_the_other(alice: User) -> None:
    def slow_then_quick(tab: TabState, frame: Frame) -> list[Frame]:
        time.sleep(0.05 if frame["n"] == 0 else 0)
        return [{"type": "tests.answer", "n": frame["n"]}]

    frames.on_frame("tests.ask")(slow_then_quick)
    async with await SocketClient.of(alice) as tab:
        for number in range(5):
            tab.say({"type": "tests.ask", "n": number})
        assert [(await tab.next())["n"] for _ in range(5)] == [0, 1, 2, 3, 4]


async def what_a_tab_says_at_once_waits_until_apps_have_greeted_it(alice: User) -> None:
    @frames.on_open
    def greet(tab: TabState) -> list[Frame]:
        time.sleep(0.1)
        return [{"type": "tests.first"}]

    frames.on_frame("tests.ask")(lambda tab, frame: [{"type": "tests.second"}])
    async with await SocketClient.of(alice) as tab:
        tab.say({"type": "tests.ask"})
        assert [(await tab.next())["type"] for _ in range(2)] == ["tests.first", "tests.second"]


async def what_only_notes_something_does_not_wait_behind_the_database(alice: User) -> None:
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


async def several_apps_hear_one_type_and_the_tab_is_visible_by_then(alice: User) -> None:
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


FRAMES = (
    a_tab_is_greeted_and_then_hears_the_apps,
    frames_are_answered_one_after_the_other,
    what_a_tab_says_at_once_waits_until_apps_have_greeted_it,
    what_only_notes_something_does_not_wait_behind_the_database,
    several_apps_hear_one_type_and_the_tab_is_visible_by_then,
)


async def test_what_a_tab_says_is_heard_and_answered(alice: User) -> None:
    with all_cases() as case:
        for check in FRAMES:
            clear_registry()
            with case(check.__name__):
                await check(alice)


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


async def test_a_refusal_has_its_reason_and_a_binary_frame_is_malformed(alice: User) -> None:
    with all_cases() as case:
        with case("a refusal has its reason"):

            def refuse(tab: TabState, frame: Frame) -> None:
                read_number(frame, "id")
                raise FrameError("not_found", "There is no such thing.")

            frames.on_frame("tests.ask")(refuse)
            async with await SocketClient.of(alice) as tab:
                tab.say({"type": "tests.ask", "id": -1})
                assert await tab.next() == MALFORMED
                tab.say({"type": "tests.ask", "id": 1})
                assert await tab.next() == {
                    "type": "error",
                    "reason": "not_found",
                    "text": "There is no such thing.",
                }
        with case("a binary frame is malformed"):
            async with await SocketClient.of(alice) as tab:
                tab.say_bytes(b'{"type": "tests.ask"}')
                assert await tab.next() == MALFORMED


async def a_fault_is_logged_with_its_trace_and_without_what_was_said(
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


async def an_answer_that_cannot_travel_is_a_fault_of_the_app(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
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


async def a_database_that_is_away_is_said_once(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    handler_calls.breaker.reset()
    frames.on_frame("tests.ask")(away)
    frames.on_open(away)
    async with await SocketClient.of(alice) as tab:
        for _ in range(5):
            tab.say({"type": "tests.ask"})
            assert await tab.next() == {"type": "error", "reason": "failed"}
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "Traceback" not in caplog.text


async def a_server_that_cannot_send_any_more_is_no_fault(
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


FAULTS = (
    a_fault_is_logged_with_its_trace_and_without_what_was_said,
    an_answer_that_cannot_travel_is_a_fault_of_the_app,
    a_database_that_is_away_is_said_once,
    a_server_that_cannot_send_any_more_is_no_fault,
)


async def test_a_fault_is_logged_once_and_costs_no_tab(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    with all_cases() as case:
        for check in FAULTS:
            clear_registry()
            caplog.clear()
            with case(check.__name__):
                await check(alice, caplog)


async def a_tab_that_does_nothing_is_closed_at_once(alice: User) -> None:
    async with await SocketClient.of(alice) as tab:
        await until(lambda: tab.live._task is None)
        live = tab.live
        live.close(1012)
        # Not with the next heartbeat, which would close it as well.
        assert live._task is not None
        assert await tab.closed() == 1012


async def apps_hear_of_the_end_once_and_after_everything_else(alice: User) -> None:
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


async def who_leaves_before_the_handshake_is_over_was_never_there(alice: User) -> None:
    tab = SocketClient(await cookie_of(alice))
    assert await tab.knock({"type": "websocket.disconnect", "code": 1006}) == []


async def events_arrive_once_the_first_tab_is_open(alice: User) -> None:
    async with await SocketClient.of(alice):
        await until_up()


ENDS = (
    a_tab_that_does_nothing_is_closed_at_once,
    apps_hear_of_the_end_once_and_after_everything_else,
    who_leaves_before_the_handshake_is_over_was_never_there,
    events_arrive_once_the_first_tab_is_open,
)


async def test_a_tab_ends_once_and_for_all(alice: User) -> None:
    with all_cases() as case:
        for check in ENDS:
            clear_registry()
            with case(check.__name__):
                await check(alice)
