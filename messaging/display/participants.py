"""Who is in a conversation, as one of them sees it."""

from dataclasses import dataclass

from django.utils import timezone

from network.models import Member
from users.models import User

from .. import presence
from ..models import Conversation, Membership
from .rendering import load_members


@dataclass(frozen=True)
class Person:
    """Somebody who is in; `member` is None for one who does not exist for the viewer."""

    membership: Membership
    member: Member | None
    is_me: bool
    is_online: bool
    words: str


def people_of(conversation: Conversation, viewer: User) -> list[Person]:
    """All who are in: the viewer, then others by name, then those who do not exist for the viewer. Three queries."""
    rows = list(Membership.objects.within(conversation))
    known = load_members([row.member_id for row in rows], viewer)
    there = presence.by_member(known.keys(), viewer)
    now = timezone.now()
    found = []
    for row in rows:
        told = presence.describe(row.member_id, there.get(row.member_id), now)
        member = known.get(row.member_id)
        is_online = member is not None and bool(told["online"])
        words = str(told["words"]) if member else ""
        found.append(Person(row, member, row.member_id == viewer.pk, is_online, words))
    return sorted(found, key=_order)


def _order(person: Person) -> tuple[bool, bool, str, int]:
    name = person.member.sort_name if person.member else ""
    return not person.is_me, person.member is None, name, person.membership.pk
