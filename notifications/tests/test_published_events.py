"""Which events are published to open tabs, and when."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer

from core.sockets.publisher import TABS, breaker, flush
from feed.tests.factories import react, say
from network.services import block_member, follow_member
from notifications import services
from notifications.kinds import Channel, Kind
from users.models import User

from .factories import row_of

pytestmark = pytest.mark.django_db(transaction=True)

PublishedEvent = tuple[str, int | None]


@pytest.fixture
def published() -> Iterator[Callable[[], list[PublishedEvent]]]:
    """A function that returns what reached the channel layer since the last call: topic and notification."""
    breaker.reset()
    assert flush()
    layer = get_channel_layer()
    assert isinstance(layer, InMemoryChannelLayer)
    channel: str = async_to_sync(layer.new_channel)()
    async_to_sync(layer.group_add)(TABS, channel)

    def look() -> list[PublishedEvent]:
        assert flush()
        waiting, found = layer.channels.get(channel), []
        while waiting is not None and not waiting.empty():
            for message in waiting.get_nowait()[1]["events"]:
                event: dict[str, Any] = message["event"]
                if event["type"] == "notifications.changed":
                    found += [(topic, event["notification"]) for topic in message["topics"]]
        return found

    yield look
    assert flush()
    async_to_sync(layer.flush)()


def test_new_and_read_notifications_are_published(
    alice: User, charlie: User, published: Callable[[], list[PublishedEvent]]
) -> None:
    react(say(alice), charlie)
    row = row_of(alice)
    assert published() == [(f"member.{alice.pk}", row.pk)]
    services.mark_read(notification=row)
    assert published() == [(f"member.{alice.pk}", row.pk)]
    services.mark_read(notification=row)
    assert published() == []


def test_reading_all_is_one_event_and_reading_nothing_is_none(
    alice: User, charlie: User, published: Callable[[], list[PublishedEvent]]
) -> None:
    react(say(alice), charlie)
    published()
    services.mark_all_read(member=alice)
    assert published() == [(f"member.{alice.pk}", None)]
    services.mark_all_read(member=alice)
    assert published() == []


def test_a_block_is_published_to_both(
    alice: User, charlie: User, published: Callable[[], list[PublishedEvent]]
) -> None:
    block_member(blocker=alice, blocked=charlie)
    assert published() == [(f"member.{alice.pk}", None), (f"member.{charlie.pk}", None)]


def test_a_notification_that_is_not_on_the_page_is_not_published(
    alice: User, charlie: User, published: Callable[[], list[PublishedEvent]]
) -> None:
    choices = {(Kind.FOLLOW, Channel.PAGE): False, (Kind.FOLLOW, Channel.MAIL): True}
    services.set_preferences(member=alice, choices=choices)
    follow_member(follower=charlie, followed=alice)
    assert published() == []


def test_without_delivery_nothing_is_published(
    alice: User, charlie: User, published: Callable[[], list[PublishedEvent]]
) -> None:
    with services.without_delivery():
        follow_member(follower=charlie, followed=alice)
    assert published() == []
