"""The members of a conversation, as one of them sees them."""

from dataclasses import dataclass

from django.utils import timezone

from network.models import Member
from users.models import User

from .. import presence
from ..models import Conversation, Membership
from .rendering import load_members


@dataclass(frozen=True)
class Participant:
    """A member of the conversation; `member` is None where it is not available to the viewer."""

    membership: Membership
    member: Member | None
    is_me: bool
    is_online: bool
    words: str


def load_participants(conversation: Conversation, viewer: User) -> list[Participant]:
    """Return the viewer, the others by name, then members not available to the viewer. Three queries."""
    rows = list(Membership.objects.within(conversation))
    known = load_members([row.member_id for row in rows], viewer)
    there = presence.by_member(known.keys(), viewer)
    now = timezone.now()
    found = []
    for row in rows:
        description = presence.describe(row.member_id, there.get(row.member_id), now)
        member = known.get(row.member_id)
        is_online = member is not None and bool(description["online"])
        words = str(description["words"]) if member else ""
        found.append(Participant(row, member, row.member_id == viewer.pk, is_online, words))
    return sorted(
        found,
        key=lambda person: (
            not person.is_me,
            person.member is None,
            person.member.sort_name if person.member else "",
            person.membership.pk,
        ),
    )
