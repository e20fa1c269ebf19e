"""The members of all tests: Alice, Bob (a connection of Alice), Charlie (a stranger) and Mona (a moderator)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from core.sockets.publisher import publisher
from network.models import Connection
from network.services import accept_invitation, invite_member
from users.models import User

PASSWORD = "correct-horse-battery"

MakeMember = Callable[..., User]


def make_member(username: str, **values: Any) -> User:
    """Create a member with a confirmed email address."""
    values = {"name": username.capitalize(), "joined_at": timezone.now(), **values}
    return User.objects.create_user(username, f"{username}@example.org", PASSWORD, **values)


def connect(inviter: User, invitee: User) -> Connection:
    """Connect two members, by an invitation that is accepted."""
    return accept_invitation(connection=invite_member(inviter=inviter, invitee=invitee), by=invitee)


def client_of(member: User) -> Client:
    """Return a client in which `member` is signed in."""
    client = Client()
    client.force_login(member)
    return client


@pytest.fixture
def alice(db: None) -> User:
    return make_member("alice", name="Alice Álvarez")


@pytest.fixture
def bob(alice: User) -> User:
    """A connection of Alice."""
    bob = make_member("bob")
    connect(alice, bob)
    return bob


@pytest.fixture
def charlie(db: None) -> User:
    """A stranger."""
    return make_member("charlie")


@pytest.fixture
def mona(db: None) -> User:
    """A moderator."""
    return make_member("mona")


@pytest.fixture
def as_alice(alice: User) -> Client:
    return client_of(alice)


@pytest.fixture
def as_bob(bob: User) -> Client:
    return client_of(bob)


@pytest.fixture
def as_charlie(charlie: User) -> Client:
    return client_of(charlie)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The events sent to the channel layer; on_commit callbacks run at once, since tests do not commit."""
    events: list[dict[str, Any]] = []
    monkeypatch.setattr(publisher, "enqueue", events.append)
    monkeypatch.setattr(transaction, "on_commit", lambda callback, **options: callback())
    return events
