"""The heartbeat, the end of sessions, and periodic_jobs."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.database.thread_pool import in_database
from core.sockets import frames, handler_calls, heartbeat
from core.sockets.connection import SIGNED_OUT, SocketConnection
from core.sockets.flow_control import MemberFlow
from core.sockets.frames import TabState
from core.sockets.heartbeat import Heartbeat
from core.sockets.hub import RESYNC_SECONDS, Hub, hub
from core.sockets.publisher import member_topic
from core.sockets.sessions import Visitor, tabs_with_ended_session
from tests.cases import all_cases
from tests.cast import make_member
from users.models import User

from .socket_client import SocketClient, cookie_of, until, until_up

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("registry", "fresh_breakers"),
]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time goes fifty times as fast."""
    for name in ("HEARTBEAT", "HEARTBEAT_ALONE", "TICK"):
        monkeypatch.setattr(heartbeat, name, getattr(heartbeat, name) / 50)


async def test_one_call_for_all_tabs_and_each_gets_its_own(alice: User, charlie: User) -> None:
    calls: list[int] = []

    @frames.on_heartbeat("tests")
    def part(tabs: Sequence[TabState]) -> Mapping[TabState, Mapping[str, Any]]:
        calls.append(len(tabs))
        return {tab: {"of": tab.member_id} for tab in tabs if tab.member_id == alice.pk}

    async with await SocketClient.of(alice) as one, await SocketClient.of(charlie) as two:
        await until_up()
        hub.request_resync()
        assert await one.next() == {"type": "heartbeat", "tests": {"of": alice.pk}}
        assert await two.next() == {"type": "heartbeat"}
        for _ in range(2):
            await one.next_of("heartbeat")
    assert 2 in calls


async def test_a_part_that_fails_costs_itself_alone(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    def fail(tabs: Sequence[TabState]) -> Mapping[TabState, Mapping[str, Any]]:
        raise LookupError("a fault")

    frames.on_heartbeat("failing")(fail)
    frames.on_heartbeat("mute")(lambda tabs: {tab: {"what": object()} for tab in tabs})
    frames.on_heartbeat("shapeless")(lambda tabs: dict.fromkeys(tabs, 7))
    frames.on_heartbeat("foreign")(lambda tabs: {TabState(1): {"n": 1}})
    frames.on_heartbeat("tests")(lambda tabs: {tab: {"n": 1} for tab in tabs})
    async with await SocketClient.of(alice) as tab:
        assert await tab.next() == {"type": "heartbeat", "tests": {"n": 1}}
    assert "the heartbeat's part failing failed" in caplog.text
    assert "the heartbeat's part mute failed" in caplog.text
    assert "the heartbeat's part shapeless failed" in caplog.text


async def test_groups_that_a_part_changes_are_heard(alice: User) -> None:
    def part(tabs: Sequence[TabState]) -> Mapping[TabState, Mapping[str, Any]]:
        for tab in tabs:
            tab.topics.add("tests.room")
        return {}

    frames.on_heartbeat("tests")(part)
    frames.on_event("tests.look")(lambda tab, event: [{**event}])
    async with await SocketClient.of(alice) as tab:
        await tab.next_of("heartbeat")
        hub.dispatch(["tests.room"], {"type": "tests.look", "id": 1})
        await tab.next_of("tests.look")


def waiting(go_on: threading.Event, tabs: Sequence[TabState]) -> Mapping[TabState, Mapping[str, Any]]:
    """As when the database takes long."""
    go_on.wait(20)
    return {tab: {"n": 1} for tab in tabs}


async def test_a_database_that_takes_too_long_delays_no_heartbeat(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "COLLECT_SECONDS", 0.05)
    go_on = threading.Event()
    frames.on_heartbeat("tests")(partial(waiting, go_on))
    async with await SocketClient.of(alice) as tab:
        for _ in range(3):
            assert await tab.next() == {"type": "heartbeat"}
        go_on.set()
        async with asyncio.timeout(5):
            while await tab.next() != {"type": "heartbeat", "tests": {"n": 1}}:
                pass


async def test_who_comes_while_the_database_is_slow_gets_a_bare_heartbeat(
    alice: User, charlie: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(heartbeat, "COLLECT_SECONDS", 0.3)
    for name in ("HEARTBEAT", "HEARTBEAT_ALONE"):
        monkeypatch.setattr(heartbeat, name, 0.0)  # so that both are always asked about
    go_on = threading.Event()
    frames.on_heartbeat("tests")(partial(waiting, go_on))
    async with await SocketClient.of(alice) as one, await SocketClient.of(charlie) as two:
        assert await one.next() == {"type": "heartbeat"}
        assert await two.next() == {"type": "heartbeat"}
        go_on.set()
        async with asyncio.timeout(5):
            while await two.next() != {"type": "heartbeat", "tests": {"n": 1}}:
                pass
    # What was asked for the one tab alone says nothing of the other, and is no fault.
    assert caplog.text == ""


async def test_a_tab_that_has_just_had_its_heartbeat_waits_for_the_next(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HEARTBEAT", "HEARTBEAT_ALONE"):
        monkeypatch.setattr(heartbeat, name, 1000)
    async with await SocketClient.of(alice) as tab:
        await until_up()
        await tab.next_of("heartbeat")  # since events travel now
        hub.request_resync()
        assert await tab.next() == {"type": "heartbeat"}
        assert await tab.is_silent()


def many_tabs(board: Hub, count: int) -> asyncio.Queue[dict[str, Any]]:
    """Tabs of nobody's session on `board`; returns what they are sent."""
    sent = asyncio.Queue[dict[str, Any]]()
    board.connections = {
        SocketConnection(Visitor(1, "", ""), sent.put, board, MemberFlow()) for _ in range(count)
    }
    return sent


async def test_tabs_beyond_those_that_are_asked_about_together_have_their_turn_at_once(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BATCH", 2)
    monkeypatch.setattr(heartbeat, "TICK", 1000)
    board = Hub()
    sent = many_tabs(board, 5)
    beating = asyncio.create_task(Heartbeat(board).run())
    async with asyncio.timeout(5):
        assert [(await sent.get())["code"] for _ in range(5)] == [SIGNED_OUT] * 5
    beating.cancel()


async def test_an_event_is_not_rendered_again_when_the_heartbeat_adds_another_of_its_topics(
    alice: User,
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    @frames.on_heartbeat("tests")
    def part(tabs: Sequence[TabState]) -> Mapping[TabState, Mapping[str, Any]]:
        asked.set()
        go_on.wait(10)
        for tab in tabs:
            tab.topics.add("tests.room")
        return {}

    frames.on_event("tests.look")(lambda tab, event: [{**event}])
    async with await SocketClient.of(alice) as tab:
        assert await in_database(asked.wait, 10)
        hub.dispatch([member_topic(alice.pk), "tests.room"], {"type": "tests.look", "id": 1})
        await tab.next_of("tests.look")
        go_on.set()
        for number in (2, 3):
            hub.dispatch(["tests.room"], {"type": "tests.look", "id": number})
            assert (await tab.next_of("tests.look"))["id"] == number


def test_many_tabs_are_healed_within_seconds_and_not_at_once() -> None:
    board = Hub()
    many_tabs(board, 600)
    now = monotonic()
    for tab in board.connections:
        tab.due = now + 25
    first = next(iter(board.connections))
    first.due = now - 1
    board.request_resync()
    due = sorted(tab.due - now for tab in board.connections if tab is not first)
    assert due[0] < 1
    assert 2 < due[-1] < RESYNC_SECONDS
    assert first.due == now - 1, "which is due already, waits no longer"


# -- Sessions ----------------------------------------------------------------------------------
def session_of(tab: SocketClient) -> Any:
    """The row of its session."""
    return Session.objects.filter(session_key=tab.cookie.partition("=")[2])


def sign_out(member: User, tab: SocketClient) -> None:
    session_of(tab).delete()


def let_time_pass(member: User, tab: SocketClient) -> None:
    session_of(tab).update(expire_date=timezone.now() - timedelta(seconds=1))


def deactivate(member: User, tab: SocketClient) -> None:
    User.objects.filter(pk=member.pk).update(is_active=False)


def suspend(member: User, tab: SocketClient) -> None:
    User.objects.filter(pk=member.pk).update(suspended_at=timezone.now())


def change_password(member: User, tab: SocketClient) -> None:
    member.set_password("another-long-password")
    member.save()


def delete(member: User, tab: SocketClient) -> None:
    member.delete()


ENDS = [sign_out, let_time_pass, deactivate, suspend, change_password, delete]


async def test_the_heartbeat_finds_an_ended_session(charlie: User) -> None:
    with all_cases() as case:
        for end in ENDS:
            with case(end.__name__):
                member = await in_database(make_member, end.__name__)
                async with await SocketClient.of(member) as tab, await SocketClient.of(charlie) as other:
                    await in_database(end, member, tab)
                    assert await tab.closed() == 4401
                    for _ in range(2):
                        await other.next_of("heartbeat")


async def test_an_event_ends_it_at_once(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEARTBEAT", "HEARTBEAT_ALONE"):
        monkeypatch.setattr(heartbeat, name, 1000)
    frames.on_event("tests.look")(lambda tab, event: [{**event}])
    with all_cases() as case:
        for end in ENDS:
            with case(end.__name__):
                member = await in_database(make_member, end.__name__)
                async with await SocketClient.of(member) as tab, await SocketClient.of(member) as other:
                    await until_up()
                    hub.request_resync()
                    for each in (tab, other):
                        await each.next_of("heartbeat")  # there is no other in this case
                    group = member_topic(member.pk)
                    await in_database(end, member, tab)
                    hub.dispatch([group], {"type": "tab.session"})
                    assert await tab.closed() == 4401
                    if end in {sign_out, let_time_pass}:
                        hub.dispatch([group], {"type": "tests.look", "id": 1})
                        await other.next_of("tests.look")
                    else:
                        assert await other.closed() == 4401


async def test_nobody_is_sent_away_while_the_database_cannot_be_asked(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(tabs: Sequence[TabState]) -> set[TabState]:
        raise LookupError("a fault")

    monkeypatch.setattr(handler_calls, "tabs_with_ended_session", fail)
    async with await SocketClient.of(alice) as tab:
        hub.dispatch([member_topic(alice.pk)], {"type": "tab.session"})
        for _ in range(2):
            await tab.next_of("heartbeat")
    assert "checking sessions failed" in caplog.text
    assert "checking a session failed" in caplog.text


def test_two_queries_ask_for_all_tabs(alice: User, charlie: User) -> None:
    tabs = [TabState(member.pk, "no such key", "hash") for member in (alice, charlie) for _ in range(20)]
    with CaptureQueriesContext(connection) as asked:
        assert tabs_with_ended_session(tabs) == set(tabs)
    assert len(asked) == 2


async def test_several_tabs_of_one_session_live_and_end_together(alice: User) -> None:
    cookie = await cookie_of(alice)
    tabs = [SocketClient(cookie) for _ in range(3)]
    for tab in tabs:
        await tab.open()
        await tab.next_of("heartbeat")
    await in_database(sign_out, alice, tabs[0])
    for tab in tabs:
        assert await tab.closed() == 4401


# -- Periodic jobs -----------------------------------------------------------------------------
async def test_periodic_jobs_run_while_there_are_tabs_and_once_more(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[int] = []

    @frames.run_every(0.01)
    def job() -> None:
        done.append(1)
        if len(done) == 2:
            raise LookupError("a fault")

    async with await SocketClient.of(alice):
        await until(lambda: len(done) >= 5)
    after = len(done)
    await asyncio.sleep(0.1)
    assert len(done) == after >= 6
    assert "the periodic job job failed" in caplog.text
