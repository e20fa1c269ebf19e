"""What messaging knows of a member who may be away: whether a page is in view, and which conversations wait."""

from collections.abc import Collection

from messaging.models import Membership
from messaging.presence import online_among

__all__ = ["online_among", "unread_conversations"]


def unread_conversations(member_id: int, conversation_ids: Collection[int]) -> set[int]:
    """Those of the conversations in which the member still has something unread to hear of."""
    waiting = Membership.objects.waiting().filter(member=member_id, conversation__in=conversation_ids)
    return set(waiting.values_list("conversation_id", flat=True))
