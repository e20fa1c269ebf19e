"""The one exit to sockets: after commit, ids only, and no harm when the layer is down."""

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, channel_layers, get_channel_layer
from django.db import transaction
from django.test import override_settings

from core.sockets.publisher import LONGEST_VALUE, TABS, breaker, flush, member_topic, publish
from tests.cases import all_cases

GROUP = "member.1"
Event = dict[str, Any]

pytestmark = pytest.mark.usefixtures("fresh_breakers")


@pytest.fixture
def process() -> Iterator[str]:
    """The channel of a process that has tabs."""
    assert flush()
    layer = get_channel_layer()
    assert isinstance(layer, InMemoryChannelLayer)
    channel: str = async_to_sync(layer.new_channel)()
    async_to_sync(layer.group_add)(TABS, channel)
    yield channel
    assert flush()
    async_to_sync(layer.flush)()


def heard(channel: str) -> list[dict[str, Any]]:
    """The events that wait on the channel, oldest first."""
    assert flush()
    layer = get_channel_layer()
    assert isinstance(layer, InMemoryChannelLayer)
    waiting = layer.channels.get(channel)
    found: list[dict[str, Any]] = []
    while waiting is not None and not waiting.empty():
        message = waiting.get_nowait()[1]
        assert message["type"] == "hub.events"
        found += message["events"]
    return found


def envelope(event: dict[str, Any], *groups: str) -> dict[str, Any]:
    """As it travels."""
    return {"topics": list(groups or [GROUP]), "event": event}


@pytest.mark.django_db(transaction=True)
def test_an_event_reaches_the_topic_after_commit_in_order_and_as_it_was(process: str) -> None:
    with all_cases() as case:
        with case("an event reaches the topic after commit"):
            with transaction.atomic():
                publish(GROUP, {"type": "post.published", "id": 5})
                assert heard(process) == []
            assert heard(process) == [envelope({"type": "post.published", "id": 5})]
        with case("nothing is said after a rollback"):
            with transaction.atomic():
                publish(GROUP, {"type": "post.published", "id": 5})
                transaction.set_rollback(True)
            assert heard(process) == []
        with case("events arrive in order and in batches"):
            with transaction.atomic():
                for number in range(500):
                    publish(GROUP, {"type": "post.published", "id": number})
            assert [found["event"]["id"] for found in heard(process)] == list(range(500))
        with case("what the caller changes later is not sent"):
            event: dict[str, int | str | None] = {"type": "post.published", "id": 5}
            with transaction.atomic():
                publish(GROUP, event)
                event["id"] = 6
            assert heard(process) == [envelope({"type": "post.published", "id": 5})]


@pytest.mark.django_db(transaction=True)
def test_what_is_published_is_sent_as_it_is(process: str) -> None:
    published = {"type": "post.published", "id": 5}
    cases: dict[str, tuple[str | list[str], Event, list[Event]]] = {
        "several topics": (
            [GROUP, "member.2"],
            published,
            [envelope(published, GROUP, "member.2")],
        ),
        "no topics": ([], published, []),
        **{
            f"the id {value!r:.20}": (
                GROUP,
                {"type": "message.sent", "id": value},
                [envelope({"type": "message.sent", "id": value})],
            )
            for value in (0, None, "x" * LONGEST_VALUE, "0e8dc55a-8e0a-4d1c-9f2b-2f7b4b6a3c11")
        },
    }
    with all_cases() as case:
        for what, (topics, event, sent) in cases.items():
            with case(what):
                publish(topics, event)
                assert heard(process) == sent


@pytest.mark.django_db
def test_anything_but_a_type_and_ids_is_refused() -> None:
    with all_cases() as case:
        no_ids: list[Any] = [1.5, ["a"], {"a": 1}, b"x", object()]
        no_types: list[Event] = [{}, {"id": 5}, {"type": 5}, {"type": None}]
        refused: list[tuple[Event, type[Exception], str]] = [
            *(({"type": "post.published", "body": value}, TypeError, "ids only") for value in no_ids),
            *((event, ValueError, "type") for event in no_types),
            ({"type": "message.sent", "body": "x" * (LONGEST_VALUE + 1)}, ValueError, "too long"),
        ]
        for event, error, words in refused:
            with case(event), pytest.raises(error, match=words):
                publish(GROUP, event)
        with case("the topic of a member contains the id"):
            assert member_topic(17) == "member.17"


@contextmanager
def layer_at(url: str) -> Iterator[None]:
    """A Redis channel layer at this address, and nothing remembered of another one."""
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [url]}}
    with override_settings(CHANNEL_LAYERS={"default": layer}):
        channel_layers.backends = {}
        breaker.reset()
        yield
    channel_layers.backends = {}
    breaker.reset()


@contextmanager
def layer_that_is_down() -> Iterator[None]:
    """A Redis channel layer whose port refuses connections."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        with layer_at(f"redis://:secret-word@127.0.0.1:{holder.getsockname()[1]}/0"):
            yield


@contextmanager
def layer_that_hangs() -> Iterator[None]:
    """A Redis channel layer that takes connections and never says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with layer_at(f"redis://:secret-word@127.0.0.1:{silent.getsockname()[1]}"):
            yield


# R8.4
@pytest.mark.django_db(transaction=True)
def test_without_an_answer_of_the_layer_it_warns_once_and_returns(caplog: pytest.LogCaptureFixture) -> None:
    with all_cases() as case:
        for layer, reason in [(layer_that_is_down, ""), (layer_that_hangs, " (TimeoutError)")]:
            with (
                case(layer.__name__),
                layer(),
                caplog.at_level(logging.WARNING, "core.observability.breaker"),
            ):
                caplog.clear()
                happened: list[str] = []
                started = time.monotonic()
                for number in range(20):
                    with transaction.atomic():
                        publish(GROUP, {"type": "post.published", "id": number})
                        transaction.on_commit(partial(happened.append, "after"))
                assert time.monotonic() - started < 0.2
                assert happened == ["after"] * 20
                assert flush()
                assert caplog.text.count(f"The channel layer does not answer{reason}") == 1
                assert "secret-word" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_without_any_layer_it_stays_silent() -> None:
    with override_settings(CHANNEL_LAYERS={}):
        channel_layers.backends = {}
        publish(GROUP, {"type": "post.published", "id": 5})
    channel_layers.backends = {}


@pytest.mark.django_db(transaction=True)
def test_a_forked_process_carries_by_itself(process: str) -> None:
    publish(GROUP, {"type": "post.published", "id": 5})
    assert flush()
    child = os.fork()
    if child == 0:
        from core.sockets.publisher import publisher  # noqa: PLC0415 -- the child's

        publisher.enqueue(envelope({"type": "post.published", "id": 6}))
        os._exit(0 if flush(5) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert heard(process) == [envelope({"type": "post.published", "id": 5})]
