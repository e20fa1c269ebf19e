"""Numbers are left free and given to later ones, so that what was sent later may stand before."""

from messaging.models import Conversation, Entry
from messaging.services import log, send

from . import replace


def take_number(conversation: Conversation) -> int:
    rows = Conversation.objects.filter(pk=conversation.pk)
    last = rows.select_for_update(no_key=True).values_list("last_seq", flat=True).get()
    taken = set(Entry.objects.filter(conversation=conversation).values_list("seq", flat=True))
    free = next((seq for seq in range(1, last) if seq not in taken), last + 2)
    rows.update(last_seq=max(last, free))
    return free


def apply() -> None:
    replace("take_number", take_number, log, send)
