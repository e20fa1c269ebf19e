"""A client id means nothing: what is sent again is stored again."""

from messaging.models import Entry
from messaging.services import log, messages

from . import replace

CONSTRAINT = ("messaging_entry", "messaging_sent_once")


def store(entry: Entry) -> bool:
    entry.save(force_insert=True)
    return True


def apply() -> None:
    replace("store", store, log, messages)
    replace("_sent_before", lambda author, client_id, digest: None, messages)
