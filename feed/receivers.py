"""Receivers that update open home pages when connections change. Imported in FeedConfig.ready."""

from typing import Any

from django.dispatch import receiver

from core.sockets.publisher import member_topic, publish
from network.events import (
    connection_made,
    connection_removed,
    member_blocked,
    member_followed,
    member_unfollowed,
)
from network.models import Connection
from users.models import User


@receiver(connection_made, dispatch_uid="feed.authors_of_connected")
def refresh_authors_of_connected(sender: Any, connection: Connection, **values: Any) -> None:
    _refresh_authors(connection.low_id, connection.high_id)


@receiver(connection_removed, dispatch_uid="feed.authors_of_separated")
def refresh_authors_of_disconnected(sender: Any, member: User, other: User, **values: Any) -> None:
    _refresh_authors(member.pk, other.pk)


@receiver(member_blocked, dispatch_uid="feed.authors_of_blocked")
def refresh_authors_of_blocked(sender: Any, blocker: User, blocked: User, **values: Any) -> None:
    _refresh_authors(blocker.pk, blocked.pk)


@receiver([member_followed, member_unfollowed], dispatch_uid="feed.authors_of_follower")
def refresh_authors_of_follower(sender: Any, follower: User, **values: Any) -> None:
    _refresh_authors(follower.pk)


def _refresh_authors(*member_ids: int) -> None:
    """Make the open home pages of these members, in all processes, reload their list of authors."""
    for member_id in member_ids:
        publish(member_topic(member_id), {"type": "feed.circle"})
