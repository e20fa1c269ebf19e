"""What messaging knows of a member who may be away: whether a page is in view, and which conversations wait."""

from collections.abc import Collection
from html import unescape

from django.db.models import Subquery
from django.utils.html import strip_tags
from django.utils.text import Truncator

from messaging.models import Entry, Membership
from messaging.models.entry import EntryQuerySet
from messaging.presence import online_among
from users.models import User

__all__ = ["online_among", "quote_unread_messages", "unread_conversations", "unread_messages"]

LONGEST_EXCERPT = 500
# That a mail shows.
MOST_MESSAGES = 5


def unread_conversations(member_id: int, conversation_ids: Collection[int]) -> set[int]:
    """Those of the conversations in which the member still has something unread to hear of."""
    waiting = Membership.objects.waiting().filter(member=member_id, conversation__in=conversation_ids)
    return set(waiting.values_list("conversation_id", flat=True))


def unread_messages(member: User, conversation_id: int, up_to: int) -> EntryQuerySet:
    """The messages of others that the member has not read, up to the number `up_to`."""
    mine = Membership.objects.filter(member=member, conversation=conversation_id)
    unread = Entry.objects.readable_by(member).filter(
        conversation=conversation_id, seq__gt=Subquery(mine.values("read_seq")), seq__lte=up_to
    )
    return unread.exclude(author=member)


def quote_unread_messages(member: User, conversation_id: int, up_to: int) -> str:
    """Return the beginnings of the newest unread messages, one a line, the oldest of them first."""
    newest = unread_messages(member, conversation_id, up_to).order_by("-seq").values_list("html", flat=True)
    texts = [" ".join(unescape(strip_tags(html)).split()) for html in newest[:MOST_MESSAGES]]
    return "\n".join(str(Truncator(text).chars(LONGEST_EXCERPT)) for text in reversed(texts) if text)
