"""What a conversation shows of an entry: plain values, which are the key by which its HTML is cached."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.urls import reverse

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
