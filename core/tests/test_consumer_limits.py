"""What tabs may send: frames of a size, as many as are allowed, and so many tabs of one member."""

import json
import threading

import pytest

from core.database.thread_pool import in_database
from core.sockets import frames
from core.sockets.flow_control import BURST, FRAME_BYTES, SOCKETS_PER_MEMBER, WAITING_BYTES
from core.sockets.frames import Frame, TabState
from tests.cases import all_cases
from tests.cast import make_member
from users.models import User

from .conftest import clear_registry
from .socket_client import Closed, SocketClient, cookie_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("registry", "fresh_breakers", "no_heartbeats"),
]


async def unknown_types_are_ignored_but_count(alice: User) -> None:
    async with await SocketClient.of(alice) as tab:
        for _ in range(BURST):
            tab.say({"type": "from.the.future"})
        assert await tab.is_silent()
        for _ in range(BURST):
            tab.say({"type": "from.the.future"})
        assert await tab.closed() == 1008


async def a_flood_closes_the_socket_and_nothing_more_is_done(alice: User) -> None:
    done = []
    frames.on_frame("tests.ask")(lambda tab, frame: done.append(frame["n"]))
    async with await SocketClient.of(alice) as tab:
        for number in range(10_000):
            tab.say({"type": "tests.ask", "n": number})
        assert await tab.closed() == 1008
    assert len(done) <= BURST + 5


async def what_is_dear_costs_more(alice: User) -> None:
    frames.on_frame("tests.dear", cost=10)(lambda tab, frame: None)
    async with await SocketClient.of(alice) as tab:
        for _ in range(BURST // 10 + 5):
            tab.say({"type": "tests.dear"})
        assert await tab.closed() == 1008


async def who_sends_much_that_must_wait_is_closed(alice: User) -> None:
    going_on = threading.Event()
    frames.on_frame("tests.ask")(lambda tab, frame: going_on.wait(10) and None)
    async with await SocketClient.of(alice) as tab:
        for _ in range(10):
            tab.say({"type": "tests.ask", "q": "x" * 60_000})
        going_on.set()
        assert await tab.closed() == 1008


async def what_was_answered_waits_no_more_however_much_it_was(alice: User) -> None:
    frames.on_frame("tests.ask")(lambda tab, frame: [{"type": "tests.answer"}])
    async with await SocketClient.of(alice) as tab:
        for _ in range(2 * WAITING_BYTES // 60_000):
            tab.say({"type": "tests.ask", "q": "x" * 60_000})
            assert await tab.next() == {"type": "tests.answer"}


TOO_MUCH = (
    unknown_types_are_ignored_but_count,
    a_flood_closes_the_socket_and_nothing_more_is_done,
    what_is_dear_costs_more,
    who_sends_much_that_must_wait_is_closed,
    what_was_answered_waits_no_more_however_much_it_was,
)


async def test_a_tab_that_sends_too_much_is_closed() -> None:
    with all_cases() as case:
        for number, check in enumerate(TOO_MUCH):
            clear_registry()
            with case(check.__name__):
                # Tabs of one member share their allowance.
                await check(await in_database(make_member, f"member{number}"))


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
