"""What follows on open home pages from facts of the network. Imported in FeedConfig.ready."""

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


@receiver(connection_made, dispatch_uid="feed.circle_of_connected")
def renew_circles_of_connected(sender: Any, connection: Connection, **values: Any) -> None:
    _renew_circles(connection.low_id, connection.high_id)


@receiver(connection_removed, dispatch_uid="feed.circle_of_separated")
def renew_circles_of_separated(sender: Any, member: User, other: User, **values: Any) -> None:
    _renew_circles(member.pk, other.pk)


@receiver(member_blocked, dispatch_uid="feed.circle_of_blocked")
def renew_circles_of_blocked(sender: Any, blocker: User, blocked: User, **values: Any) -> None:
    _renew_circles(blocker.pk, blocked.pk)


@receiver([member_followed, member_unfollowed], dispatch_uid="feed.circle_of_follower")
def renew_circle_of_follower(sender: Any, follower: User, **values: Any) -> None:
    _renew_circles(follower.pk)


def _renew_circles(*member_ids: int) -> None:
    """Let the open home pages of these members, in all processes, ask whose posts belong on them."""
    for member_id in member_ids:
        publish(member_topic(member_id), {"type": "feed.circle"})
