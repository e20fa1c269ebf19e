"""Metrics of open tabs and their events."""

import asyncio
from typing import Any

import pytest
from channels.layers import channel_layers
from django.db import transaction
from django.test import override_settings

from core.database.thread_pool import in_database
from core.observability.metrics import SERVER_CODES, count_closed_socket
from core.sockets import frames, publisher
from core.sockets.connection import FLOODED, RESTART, SIGNED_OUT, TOO_LARGE
from core.sockets.flow_control import BURST, FRAME_BYTES, SOCKETS_PER_MEMBER
from core.sockets.hub import hub
from core.sockets.publisher import MOST_WAITING, Publisher, breaker, flush, member_topic, publish
from tests.cases import all_cases
from users.models import User

from .socket_client import Refused, SocketClient, cookie_of, until, until_up
from .test_metrics import value

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("registry", "fresh_breakers"),
]


class Change:
    """The increase of a metric since the creation of this object."""

    def __init__(self, name: str, **labels: str) -> None:
        self._name, self._labels = name, labels
        self._before = value(name, **labels)

    def __call__(self) -> float:
        return value(self._name, **self._labels) - self._before


async def until_once(change: Change) -> None:
    """Wait until the metric has increased by one."""
    await until(lambda: change() == 1)


def closed(by: str, code: object) -> Change:
    return Change("linkup_websockets_closed_total", by=by, code=str(code))


def refused(reason: str) -> Change:
    return Change("linkup_websocket_frames_refused_total", reason=reason)


async def test_open_closed_and_refused_tabs_are_counted(alice: User) -> None:
    with all_cases() as case:
        with case("open tabs are those that are open"):
            went, ours = closed("client", 1001), Change("linkup_websockets_closed_total", by="server")
            one, two = [await SocketClient.of(alice) for _ in range(2)]
            assert value("linkup_websockets_open") == 2
            await one.leave()
            assert value("linkup_websockets_open") == 1
            await two.leave()
            assert (value("linkup_websockets_open"), went(), ours()) == (0, 2, 0)
        with case("what the server closes has its code"):
            sent_elsewhere, came = (
                closed("server", RESTART),
                Change("linkup_websockets_closed_total", by="client"),
            )
            tab = await SocketClient.of(alice)
            hub.close_all()
            assert await tab.closed() == RESTART
            await until(lambda: sent_elsewhere() == 1)
            assert came() == 0
        with case("a frame that is none is counted"):
            malformed = refused("malformed")
            async with await SocketClient.of(alice) as tab:
                tab.say_text("no frame")
                await tab.next()
            assert malformed() == 1
        with case("a handshake that is refused is counted"):
            handshakes = Change("linkup_websockets_refused_total")
            with pytest.raises(Refused):
                await SocketClient().open()
            assert handshakes() == 1


TOO_MUCH = [(["x" * (FRAME_BYTES + 1)], "too_large", TOO_LARGE), (["{}"] * (BURST + 20), "flood", FLOODED)]


async def test_a_tab_too_many_and_a_tab_that_says_too_much_are_counted_by_what_they_did(alice: User) -> None:
    with all_cases() as case:
        for said, reason, code in TOO_MUCH:
            with case(reason):
                frames_refused, tabs_closed = refused(reason), closed("server", code)
                tab = await SocketClient.of(alice)
                for text in said:
                    tab.say_text(text)
                assert await tab.closed() == code
                await until_once(tabs_closed)
                assert frames_refused() == 1
        with case("a tab too many is counted"):
            cookie = await cookie_of(alice)
            tabs = [SocketClient(cookie) for _ in range(SOCKETS_PER_MEMBER + 1)]
            too_many = closed("server", FLOODED)
            for tab in tabs:
                await tab.open()
            assert (await tabs[-1].closed(), too_many()) == (FLOODED, 1)
            for tab in tabs:
                await tab.leave()
            assert value("linkup_websockets_open") == 0


def test_a_tab_cannot_make_up_labels_and_each_server_code_starts_at_zero() -> None:
    with all_cases() as case:
        for code, told in [(1000, 1000), (1006, 1006), (4999, "other"), (3, "other")]:
            with case(code):
                counted = closed("client", told)
                count_closed_socket(0, code)
                assert counted() == 1
        with case("each server code starts at zero"):
            assert set(SERVER_CODES) == {RESTART, FLOODED, TOO_LARGE, SIGNED_OUT}


@pytest.mark.usefixtures("layer")
async def test_events_that_the_layer_accepted_are_sent(alice: User) -> None:
    def three() -> None:
        with transaction.atomic():
            for number in range(3):
                publish(member_topic(alice.pk), {"type": "tests.look", "id": number})

    frames.on_event("tests.look")(lambda tab, event: [{**event}])
    async with await SocketClient.of(alice) as tab:
        await until_up()
        sent, dropped = (
            Change("linkup_hints_total", outcome="sent"),
            Change("linkup_hints_total", outcome="dropped"),
        )
        await in_database(three)
        for _ in range(3):
            await tab.next_of("tests.look")
        await until(lambda: sent() == 3)
        assert dropped() == 0


def test_events_during_an_outage_of_the_layer_are_dropped() -> None:
    layer = {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
    }
    dropped, sent = (
        Change("linkup_hints_total", outcome="dropped"),
        Change("linkup_hints_total", outcome="sent"),
    )
    failed = Change("linkup_redis_failures_total")
    with override_settings(CHANNEL_LAYERS={"default": layer}):
        channel_layers.backends = {}
        for number in range(5):
            publish("tests", {"type": "tests.look", "id": number})
        assert flush()
    channel_layers.backends = {}
    assert (dropped(), sent()) == (5, 0)
    assert failed() >= 1
    assert breaker.is_open


def test_events_beyond_the_queue_are_dropped() -> None:
    slow, loop = Publisher(), asyncio.new_event_loop()
    # A loop that has no time for events: it does not run.
    slow.serve_on(loop)
    dropped = Change("linkup_hints_total", outcome="dropped")
    message: dict[str, Any] = {"topics": ["tests"], "event": {"type": "tests.look"}}
    for _ in range(MOST_WAITING + 7):
        slow.enqueue(message)
    loop.close()
    assert dropped() == 7
    assert publisher.overflow.has_tripped
