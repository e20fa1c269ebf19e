"""Each service changes only the rows of its pair, in its direction, and announces it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.dispatch import Signal

from network import events
from network.models import Block, Connection, Follow
from network.services import (
    accept_invitation,
    block_member,
    follow_member,
    ignore_invitation,
    invite_member,
    remove_connection,
    unblock_member,
    unfollow_member,
    withdraw_invitation,
)
from tests.cast import connect, make_member
from users.models import User

pytestmark = pytest.mark.django_db

Row = tuple[str, ...]


def rows() -> set[Row]:
    """Return every connection, follow and block of all members as text."""
    found: set[Row] = set()
    for row in Connection.objects.select_related("low", "high", "inviter"):
        state = "ignored" if row.ignored_at else Connection.State(row.state).name.lower()
        asked = row.high if row.inviter_id == row.low_id else row.low
        found.add((state, *((row.inviter.username, asked.username) if state != "connected" else pair(row))))
    for follow in Follow.objects.select_related("follower", "followed"):
        found.add(("follow", follow.follower.username, follow.followed.username))
    for block in Block.objects.select_related("blocker", "blocked"):
        found.add(("block", block.blocker.username, block.blocked.username))
    return found


def pair(row: Connection) -> tuple[str, ...]:
    return tuple(sorted((row.low.username, row.high.username)))


@pytest.fixture
def world(db: None) -> dict[str, User]:
    """Six members: a, b and c are connected and follow each other; a, b, d and e have invited; b, c, e and f block."""
    members = {name: make_member(name * 3) for name in "abcdef"}
    a, b, c, d, e, f = members.values()
    connect(a, b)
    connect(a, c)
    connect(b, c)
    for inviter, invitee in ((a, d), (a, e), (b, d), (d, c), (e, d)):
        invite_member(inviter=inviter, invitee=invitee)
    for follower, followed in ((a, b), (b, a), (a, c), (c, a), (b, c), (c, b)):
        follow_member(follower=follower, followed=followed)
    for blocker, blocked in ((e, f), (f, e), (f, a), (b, f), (c, e)):
        block_member(blocker=blocker, blocked=blocked)
    return members


@contextmanager
def announcements() -> Iterator[list[Row]]:
    """Collect the signals of `network`, each with the members that it names."""
    heard: list[Row] = []

    def note(name: str) -> Callable[..., None]:
        return lambda **facts: heard.append((name, *named_in(facts)))

    with ExitStack() as after:
        for name, signal in vars(events).items():
            if isinstance(signal, Signal):
                receiver = note(name)
                signal.connect(receiver, weak=False)
                after.callback(signal.disconnect, receiver)
        yield heard


def named_in(facts: dict[str, Any]) -> Iterator[str]:
    for key, value in sorted(facts.items()):
        if isinstance(value, User):
            yield f"{key}={value.username}"
        elif isinstance(value, Connection):
            yield "-".join(pair(value))


def between(members: dict[str, User], names: str) -> Connection:
    return Connection.objects.between(members[names[0]].pk, members[names[1]].pk).get()


# The service, the rows that it deletes, and the rows that it creates.
VERBS: dict[str, tuple[Callable[[dict[str, User]], object], set[Row], set[Row]]] = {
    "accept": (
        lambda who: accept_invitation(connection=between(who, "ad"), by=who["d"]),
        {("invited", "aaa", "ddd")},
        {("connected", "aaa", "ddd")},
    ),
    "ignore": (
        lambda who: ignore_invitation(connection=between(who, "ad"), by=who["d"]),
        {("invited", "aaa", "ddd")},
        {("ignored", "aaa", "ddd")},
    ),
    "ignore what was accepted": (
        lambda who: ignore_invitation(connection=between(who, "ab"), by=who["b"]),
        set(),
        set(),
    ),
    "withdraw": (
        lambda who: withdraw_invitation(connection=between(who, "ad"), by=who["a"]),
        {("invited", "aaa", "ddd")},
        set(),
    ),
    "withdraw what another has sent": (
        lambda who: withdraw_invitation(connection=between(who, "ad"), by=who["d"]),
        set(),
        set(),
    ),
    "remove": (
        lambda who: remove_connection(member=who["b"], other=who["a"]),
        {("connected", "aaa", "bbb")},
        set(),
    ),
    "remove what was only asked": (
        lambda who: remove_connection(member=who["a"], other=who["d"]),
        set(),
        set(),
    ),
    "unfollow whom one does not follow": (
        lambda who: unfollow_member(follower=who["d"], followed=who["a"]),
        set(),
        set(),
    ),
    "follow": (
        lambda who: follow_member(follower=who["d"], followed=who["a"]),
        set(),
        {("follow", "ddd", "aaa")},
    ),
    "unfollow": (
        lambda who: unfollow_member(follower=who["a"], followed=who["b"]),
        {("follow", "aaa", "bbb")},
        set(),
    ),
    "block": (
        lambda who: block_member(blocker=who["a"], blocked=who["b"]),
        {("connected", "aaa", "bbb"), ("follow", "aaa", "bbb"), ("follow", "bbb", "aaa")},
        {("block", "aaa", "bbb")},
    ),
    "unblock": (
        lambda who: unblock_member(blocker=who["f"], blocked=who["e"]),
        {("block", "fff", "eee")},
        set(),
    ),
}


# What each of these services announces; the others announce nothing.
ANNOUNCED: dict[str, list[Row]] = {
    "accept": [("connection_made", "by=ddd", "aaa-ddd")],
    "remove": [("connection_removed", "member=bbb", "other=aaa")],
    "follow": [("member_followed", "followed=aaa", "follower=ddd")],
    "unfollow": [("member_unfollowed", "followed=bbb", "follower=aaa")],
    "block": [("member_blocked", "blocked=bbb", "blocker=aaa")],
}


def test_a_service_changes_the_rows_of_its_pair_and_no_others(world: dict[str, User]) -> None:
    wrong = []
    before = rows()
    for name, (verb, gone, new) in VERBS.items():
        with transaction.atomic(), announcements() as heard:
            verb(world)
            after = rows()
            transaction.set_rollback(True)
        if (before - after, after - before, heard) != (gone, new, ANNOUNCED.get(name, [])):
            wrong.append((name, before - after, after - before, heard))
    assert not wrong
