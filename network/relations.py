"""Relations of a viewer to other members: what a page needs to offer the right buttons."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from core.database.compiled_queries import CompiledQuery
from core.web.address_formats import AddressFormat
from users.models import User

from .models import Connection, ConnectionQuerySet, Follow, Member

_invite_address = AddressFormat("network:invite")
_withdraw_address = AddressFormat("network:withdraw")
_accept_address = AddressFormat("network:accept")
_ignore_address = AddressFormat("network:ignore")


class ConnectionState(Enum):
    """The state of the connection between viewer and member, seen from the viewer."""

    SELF = "self"
    STRANGER = "stranger"
    INVITATION_SENT = "invitation_sent"  # by the viewer
    INVITATION_RECEIVED = "invitation_received"  # by the viewer
    CONNECTED = "connected"


class RelationAction(NamedTuple):
    """A button that changes a relation."""

    address: str
    label: str
    # What screen readers say instead of the label.
    aria_label: str
    classes: str
    icon: str = ""


class RelationView(NamedTuple):
    """Everything that network/_relation.html shows of a relation: viewers with equal ones share its HTML."""

    username: str
    name: str
    # A value of ConnectionState.
    state: str
    # The id of an open invitation between viewer and member, or 0.
    invitation: int
    is_ignored: bool

    @property
    def status(self) -> str:
        """Words before the buttons."""
        return _("Invitation sent") if self.state == ConnectionState.INVITATION_SENT.value else ""

    @property
    def badge(self) -> str:
        """What the viewer and the member are to each other."""
        return _("Connected") if self.state == ConnectionState.CONNECTED.value else ""

    @property
    def actions(self) -> list[RelationAction]:
        """The buttons that the viewer is offered."""
        name = {"name": self.name}
        match ConnectionState(self.state):
            case ConnectionState.STRANGER:
                words = _("Connect with %(name)s") % name
                address = _invite_address(self.username)
                return [RelationAction(address, _("Connect"), words, "btn btn-sm", "user-plus")]
            case ConnectionState.INVITATION_SENT:
                words = _("Withdraw the invitation to %(name)s") % name
                address = _withdraw_address(self.invitation)
                return [RelationAction(address, _("Withdraw"), words, "btn btn-quiet btn-sm")]
            case ConnectionState.INVITATION_RECEIVED:
                words = _("Accept the invitation of %(name)s") % name
                address = _accept_address(self.invitation)
                accept = RelationAction(address, _("Accept"), words, "btn btn-primary btn-sm")
                words = _("Ignore the invitation of %(name)s") % name
                address = _ignore_address(self.invitation)
                ignore = RelationAction(address, _("Ignore"), words, "btn btn-quiet btn-sm")
                return [accept] if self.is_ignored else [accept, ignore]
        return []


@dataclass(frozen=True)
class Relation:
    """The viewer's relation to one member."""

    member: Member
    state: ConnectionState
    connection: Connection | None
    following: bool

    def cache_key(self) -> RelationView:
        """What parts of pages show of the relation."""
        member, connection = self.member, self.connection
        is_open = connection is not None and not connection.is_connected
        return RelationView(
            member.username,
            member.display_name,
            self.state.value,
            connection.pk if connection and is_open else 0,
            bool(connection and is_open and connection.ignored_at),
        )


def load_relations(viewer: User, members: Iterable[Member]) -> list[Relation]:
    """Return the relation of `viewer` to each of `members`, in their order, without `following`. One query."""
    people = list(members)
    pairs = _PAIRS.fetch(viewer=viewer.pk, members=[member.pk for member in people])
    connections = {connection.other_id_for(viewer): connection for connection in pairs}
    return [build_relation(viewer, member, connections.get(member.pk)) for member in people]


def load_relation(viewer: User, member: Member) -> Relation:
    """Return the relation of `viewer` to one member. Two queries."""
    pairs = _PAIRS.fetch(viewer=viewer.pk, members=[member.pk])
    is_followed = bool(_FOLLOWS.fetch(viewer=viewer.pk, member=member.pk))
    return build_relation(viewer, member, pairs[0] if pairs else None, following=is_followed)


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


def _pairs_query(viewer: int, members: Collection[int]) -> ConnectionQuerySet:
    return Connection.objects.with_each(viewer, members)


def _follows_query(viewer: int, member: int) -> QuerySet[Follow, tuple[int]]:
    return Follow.objects.filter(follower=viewer, followed=member).values_list("followed")


_PAIRS = CompiledQuery(_pairs_query)
_FOLLOWS = CompiledQuery(_follows_query)
