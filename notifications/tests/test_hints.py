"""Which hints leave for open tabs, and when."""

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

Hint = tuple[str, int | None]


@pytest.fixture
def heard() -> Iterator[Callable[[], list[Hint]]]:
    """Gives what reached the layer since the last look: the group and the notification."""
    breaker.reset()
    assert flush()
    layer = get_channel_layer()
    assert isinstance(layer, InMemoryChannelLayer)
    channel: str = async_to_sync(layer.new_channel)()
    async_to_sync(layer.group_add)(TABS, channel)

    def look() -> list[Hint]:
        assert flush()
        waiting, found = layer.channels.get(channel), []
        while waiting is not None and not waiting.empty():
            for hint in waiting.get_nowait()[1]["events"]:
                event: dict[str, Any] = hint["event"]
                if event["type"] == "notifications.changed":
                    found += [(group, event["notification"]) for group in hint["topics"]]
        return found

    yield look
    assert flush()
    async_to_sync(layer.flush)()


def test_what_comes_and_is_read_is_hinted_at(
    alice: User, charlie: User, heard: Callable[[], list[Hint]]
) -> None:
    react(say(alice), charlie)
    row = row_of(alice)
    assert heard() == [(f"member.{alice.pk}", row.pk)]
    services.mark_read(notification=row)
    assert heard() == [(f"member.{alice.pk}", row.pk)]
    services.mark_read(notification=row)
    assert heard() == []


def test_reading_all_is_one_hint_and_reading_nothing_is_none(
    alice: User, charlie: User, heard: Callable[[], list[Hint]]
) -> None:
    react(say(alice), charlie)
    heard()
    services.mark_all_read(member=alice)
    assert heard() == [(f"member.{alice.pk}", None)]
    services.mark_all_read(member=alice)
    assert heard() == []


def test_a_block_is_hinted_at_to_both(alice: User, charlie: User, heard: Callable[[], list[Hint]]) -> None:
    block_member(blocker=alice, blocked=charlie)
    assert heard() == [(f"member.{alice.pk}", None), (f"member.{charlie.pk}", None)]


def test_what_shows_nowhere_is_not_hinted_at(
    alice: User, charlie: User, heard: Callable[[], list[Hint]]
) -> None:
    choices = {(Kind.FOLLOW, Channel.PAGE): False, (Kind.FOLLOW, Channel.MAIL): True}
    services.set_preferences(member=alice, choices=choices)
    follow_member(follower=charlie, followed=alice)
    assert heard() == []


def test_a_past_that_nobody_lived_is_not_hinted_at(
    alice: User, charlie: User, heard: Callable[[], list[Hint]]
) -> None:
    with services.without_delivery():
        follow_member(follower=charlie, followed=alice)
    assert heard() == []
