"""The number of conversations with something unread, at the place in the navigation."""

import re

from django.test import Client

from messaging import services
from messaging.models import Conversation
from messaging.tests.factories import read, send
from users.models import User


def badges(client: Client) -> list[tuple[str, str]]:
    """What stands at Messages above and below, and whether it is hidden."""
    page = client.get("/members/").content.decode()
    return re.findall(r"data-messages-badge (hidden)?>\s*<span data-count>([^<]*)</span>", page)


def test_the_badge_is_there_and_hidden_where_nothing_waits(as_alice: Client) -> None:
    assert badges(as_alice) == [("hidden", "0")] * 2


def test_it_counts_conversations_not_messages(
    as_alice: Client, conversation: Conversation, group: Conversation, alice: User, bob: User
) -> None:
    read(group, alice, 9)
    send(conversation, bob)
    send(conversation, bob)
    assert badges(as_alice) == [("", "1")] * 2
    send(group, bob)
    assert badges(as_alice) == [("", "2")] * 2
    services.mute_conversation(conversation=group, member=alice)
    read(conversation, alice, 2)
    assert badges(as_alice) == [("hidden", "0")] * 2


def test_visitors_have_no_badge(client: Client, db: None) -> None:
    assert "data-messages-badge" not in client.get("/").content.decode()
