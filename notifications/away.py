"""What messaging knows of a member who may be away: whether a page is in view, and which conversations wait."""

from collections.abc import Collection
from html import unescape

from django.utils.html import strip_tags
from django.utils.text import Truncator

from messaging.models import Entry, Membership
from messaging.presence import online_among
from users.models import User

__all__ = ["online_among", "read_newest_message", "unread_conversations"]

LONGEST_EXCERPT = 500


def unread_conversations(member_id: int, conversation_ids: Collection[int]) -> set[int]:
    """Those of the conversations in which the member still has something unread to hear of."""
    waiting = Membership.objects.waiting().filter(member=member_id, conversation__in=conversation_ids)
    return set(waiting.values_list("conversation_id", flat=True))


def read_newest_message(member: User, conversation_id: int, up_to: int) -> str:
    """Return the beginning of the newest message of others, up to the number `up_to`; "" where it has no words."""
    messages = Entry.objects.readable_by(member).filter(conversation=conversation_id, seq__lte=up_to)
    html = messages.exclude(author=member).order_by("-seq").values_list("html", flat=True).first() or ""
    return str(Truncator(" ".join(unescape(strip_tags(html)).split())).chars(LONGEST_EXCERPT))
