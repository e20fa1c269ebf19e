"""What network's tests say often: how two stand to each other, and what a browser was told."""

from typing import Any

from django.contrib.messages import get_messages
from django.test import Client

from network.models import Block, Connection, Follow
from users.models import User

HTMX = {"hx-request": "true"}


def tie(one: User, other: User) -> Connection | None:
    """The row of the pair."""
    return Connection.objects.between(one.pk, other.pk).first()


def connected(one: User, other: User) -> bool:
    return Connection.objects.connected().between(one.pk, other.pk).exists()


def invited(one: User, other: User) -> bool:
    """Whether `one` has asked `other`, and waits."""
    row = tie(one, other)
    return row is not None and not row.is_connected and row.inviter_id == one.pk


def follows(one: User, other: User) -> bool:
    return Follow.objects.filter(follower=one, followed=other).exists()


def blocks(one: User, other: User) -> bool:
    return Block.objects.filter(blocker=one, blocked=other).exists()


def act(client: Client, member: User | str, verb: str, **values: str) -> Any:
    """Do something to a member through the page's form."""
    return client.post(f"/members/{getattr(member, 'username', member)}/{verb}/", values)


def answer(client: Client, invitation: Connection, verb: str, **values: str) -> Any:
    """Answer or withdraw an invitation through the page's form."""
    return client.post(f"/network/invitations/{invitation.pk}/{verb}/", values)


def told(response: Any) -> list[tuple[str, str]]:
    """The messages of an answer, with their levels."""
    return [(message.level_tag, str(message)) for message in get_messages(response.wsgi_request)]


def names(response: Any) -> list[str]:
    """The usernames of the people on a page, in order."""
    people = response.context["people"]
    return [getattr(entry, "member", entry).username for entry in people]
