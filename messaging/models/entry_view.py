"""What a conversation shows of an entry: plain values, which are the key by which its HTML is cached."""

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language

from core.files.fields import sized_url
from users.models import MemberView

# Pixels of the longer side; the last is what a page shows.
PICTURE_SIZES = (1600, 800)


class AttachmentView(NamedTuple):
    """A picture or another file of a message."""

    conversation: int
    pk: int
    is_picture: bool
    name: str
    size: int
    width: int
    height: int

    @property
    def url(self) -> str:
        return reverse("messaging:attachment", args=[self.conversation, self.pk])

    @property
    def full_url(self) -> str:
        return sized_url(self.url, PICTURE_SIZES[0])

    @property
    def alt(self) -> str:
        return self.name


class EntryTimes(NamedTuple):
    """The time of an entry as a page shows it, in the current time zone and language."""

    iso: str
    zone: str
    day: str
    clock: str


class EntryView(NamedTuple):
    """An entry as one viewer may see it; of what is hidden or deleted neither words nor files."""

    conversation: int
    seq: int
    kind: str
    created_at: datetime
    # None for an author who does not exist for the viewer.
    author_id: int | None
    author: MemberView | None
    # The member who came or went.
    subject: MemberView | None
    is_mine: bool
    # In a group, words of an author who does not exist for the viewer.
    is_hidden: bool
    is_edited: bool
    is_deleted: bool
    # The member left, and was not removed by another.
    is_own_leave: bool
    # The id by which the viewer's own pages know what they sent.
    client_id: UUID | None
    # The new title of a conversation.
    title: str
    html: str
    attachments: tuple[AttachmentView, ...]

    @property
    def is_message(self) -> bool:
        return self.kind == "message"

    @property
    def times(self) -> EntryTimes:
        return _times_of(self.created_at, timezone.get_current_timezone_name(), get_language())


@lru_cache(maxsize=1000)
def _times_of(created_at: datetime, zone: str, language: str | None) -> EntryTimes:
    """The times in the zone and the language that are current now, which are named so that the key has them."""
    at = timezone.localtime(created_at)
    return EntryTimes(at.isoformat(), date_format(at, "T"), date_format(at, "DATE_FORMAT"), f"{at:%H:%M}")
