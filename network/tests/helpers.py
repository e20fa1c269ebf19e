"""Assertions and requests that the tests of network share."""

from typing import Any

from django.contrib.messages import get_messages
from django.test import Client

from network.models import Block, Connection, Follow
from users.models import User

HTMX = {"hx-request": "true"}


def find_connection(one: User, other: User) -> Connection | None:
    """Return the row of the pair."""
    return Connection.objects.between(one.pk, other.pk).first()


def are_connected(one: User, other: User) -> bool:
    return Connection.objects.connected().between(one.pk, other.pk).exists()


def has_invited(one: User, other: User) -> bool:
    """Return whether `one` has sent `other` an invitation that is not accepted."""
    row = find_connection(one, other)
    return row is not None and not row.is_connected and row.inviter_id == one.pk


def follows(one: User, other: User) -> bool:
    return Follow.objects.filter(follower=one, followed=other).exists()


def blocks(one: User, other: User) -> bool:
    return Block.objects.filter(blocker=one, blocked=other).exists()


def post_action(client: Client, member: User | str, action: str, **values: str) -> Any:
    """Submit the form of an action on a member."""
    return client.post(f"/members/{getattr(member, 'username', member)}/{action}/", values)


def post_answer(client: Client, invitation: Connection, action: str, **values: str) -> Any:
    """Submit the form that accepts, ignores or withdraws an invitation."""
    return client.post(f"/network/invitations/{invitation.pk}/{action}/", values)


def messages_in(response: Any) -> list[tuple[str, str]]:
    """Return the messages of a response, with their levels."""
    return [(message.level_tag, str(message)) for message in get_messages(response.wsgi_request)]


def usernames_in(response: Any) -> list[str]:
    """Return the usernames of the people on a page, in order."""
    people = response.context["people"]
    return [getattr(entry, "member", entry).username for entry in people]
