"""How a viewer stands to other members: what a page needs to offer the right buttons."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from django.db.models import Q

from users.models import User

from .models import Connection, Follow, Member


class Standing(Enum):
    """The state of the pair, seen from the viewer."""

    SELF = "self"
    STRANGER = "stranger"
    INVITED = "invited"  # I asked
    ASKED = "asked"  # I was asked
    CONNECTED = "connected"


@dataclass(frozen=True)
class Relation:
    """The viewer's relation to one member."""

    member: Member
    standing: Standing
    connection: Connection | None
    following: bool


def relations(viewer: User, members: Iterable[Member]) -> list[Relation]:
    """The relation of `viewer` to each of `members`, in their order; two queries for all."""
    people = list(members)
    ids = [member.pk for member in people]
    pairs = Connection.objects.filter(Q(low=viewer, high__in=ids) | Q(high=viewer, low__in=ids))
    ties = {tie.other_id_for(viewer): tie for tie in pairs}
    followed = set(
        Follow.objects.filter(follower=viewer, followed__in=ids).values_list("followed", flat=True)
    )
    return [
        Relation(
            member, _standing(viewer, member, ties.get(member.pk)), ties.get(member.pk), member.pk in followed
        )
        for member in people
    ]


def relation(viewer: User, member: Member) -> Relation:
    """The relation of `viewer` to one member."""
    return relations(viewer, [member])[0]


def of_tie(viewer: User, member: Member, tie: Connection | None) -> Relation:
    """The relation to a member of whom the tie is known, in a list that says nothing of follows. No query."""
    return Relation(member, _standing(viewer, member, tie), tie, following=False)


def _standing(viewer: User, member: Member, tie: Connection | None) -> Standing:
    if viewer.pk == member.pk:
        return Standing.SELF
    if tie is None:
        return Standing.STRANGER
    if tie.is_connected:
        return Standing.CONNECTED
    return Standing.INVITED if tie.inviter_id == viewer.pk else Standing.ASKED
