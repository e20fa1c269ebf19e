"""Relations of a viewer to other members: what a page needs to offer the right buttons."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from django.db.models import Q

from users.models import User

from .models import Connection, Follow, Member


class ConnectionState(Enum):
    """The state of the connection between viewer and member, seen from the viewer."""

    SELF = "self"
    STRANGER = "stranger"
    INVITATION_SENT = "invitation_sent"  # by the viewer
    INVITATION_RECEIVED = "invitation_received"  # by the viewer
    CONNECTED = "connected"


@dataclass(frozen=True)
class Relation:
    """The viewer's relation to one member."""

    member: Member
    state: ConnectionState
    connection: Connection | None
    following: bool


def load_relations(viewer: User, members: Iterable[Member]) -> list[Relation]:
    """Return the relation of `viewer` to each of `members`, in their order; two queries for all."""
    people = list(members)
    ids = [member.pk for member in people]
    pairs = Connection.objects.filter(Q(low=viewer, high__in=ids) | Q(high=viewer, low__in=ids))
    connections = {connection.other_id_for(viewer): connection for connection in pairs}
    followed = set(
        Follow.objects.filter(follower=viewer, followed__in=ids).values_list("followed", flat=True)
    )
    return [
        build_relation(viewer, member, connections.get(member.pk), following=member.pk in followed)
        for member in people
    ]


def load_relation(viewer: User, member: Member) -> Relation:
    """Return the relation of `viewer` to one member."""
    return load_relations(viewer, [member])[0]


def build_relation(
    viewer: User, member: Member, connection: Connection | None, *, following: bool = False
) -> Relation:
    """Return the relation for a known `connection`, without a query; lists that show no follows omit `following`."""
    if viewer.pk == member.pk:
        state = ConnectionState.SELF
    elif connection is None:
        state = ConnectionState.STRANGER
    elif connection.is_connected:
        state = ConnectionState.CONNECTED
    elif connection.inviter_id == viewer.pk:
        state = ConnectionState.INVITATION_SENT
    else:
        state = ConnectionState.INVITATION_RECEIVED
    return Relation(member, state, connection, following)
