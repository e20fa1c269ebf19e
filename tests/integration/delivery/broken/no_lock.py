"""Numbers are given without a lock on the conversation: two may read the same last one."""

from messaging.models import Conversation
from messaging.services import log, send

from . import replace

CONSTRAINT = ("messaging_entry", "messaging_one_entry_per_number")


def take_number(conversation: Conversation) -> int:
    rows = Conversation.objects.filter(pk=conversation.pk)
    number = rows.values_list("last_seq", flat=True).get() + 1
    rows.update(last_seq=number)
    return number


def apply() -> None:
    replace("take_number", take_number, log, send)
