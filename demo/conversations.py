"""Creates the conversations of the demo network: messages are sent through the services, and dated afterwards."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from messaging import services
from messaging.models import Conversation, Entry, Membership, Presence
from users.models import User

from . import pictures
from .content import ConversationText
from .documents import render_pdf

# The namespace of message ids, so that the same network is created each time.
IDS = uuid.UUID("0f3a5a1e-2f0e-4c5c-9a54-6c696e6b7570")


def create_conversations(
    texts: list[ConversationText], members: Mapping[str, User], *, now: datetime, with_pictures: bool
) -> list[Entry]:
    """Create the conversations, the oldest first; returns the messages."""
    messages: list[Entry] = []
    # Lists are sorted by what was stored last.
    for text in sorted(texts, key=lambda text: float(text.lines[-1][0]), reverse=True):
        messages += _create_conversation(text, members, now, with_pictures=with_pictures)
    # Every member was last seen shortly after their latest message.
    latest: dict[int, datetime] = {}
    for entry in messages:
        if entry.author_id is not None:
            latest[entry.author_id] = max(latest.get(entry.author_id, entry.created_at), entry.created_at)
    Presence.objects.bulk_create(
        Presence(member_id=pk, seen_at=at + timedelta(minutes=2), until=at + timedelta(minutes=2))
        for pk, at in latest.items()
    )
    return messages


def _create_conversation(
    text: ConversationText, members: Mapping[str, User], now: datetime, *, with_pictures: bool
) -> list[Entry]:
    first, *others = (members[name] for name in text.between)
    if text.title:
        conversation = services.start_group(by=first, members=others, title=text.title)
    else:
        conversation = services.start_direct(by=first, other=others[0])
    messages = [
        _send_message(conversation, members, number, line, now, with_pictures=with_pictures)
        for number, line in enumerate(text.lines)
    ]
    start = messages[0].created_at - timedelta(minutes=3)
    Entry.objects.bulk_update(messages, ["created_at"])
    Entry.objects.filter(conversation=conversation, seq__lt=messages[0].seq).update(created_at=start)
    Conversation.objects.filter(pk=conversation.pk).update(created_at=start)
    memberships = Membership.objects.filter(conversation=conversation)
    memberships.update(joined_at=start)
    memberships.filter(accepted_at__isnull=False).update(accepted_at=start)
    # Every member has read all messages except the last ones that the text calls unread; a request stays unread.
    for name in text.between:
        unread = text.unread.get(name, 0)
        if not (text.request and unread):
            pair = (conversation.pk, members[name].pk)
            last = messages[-1].seq
            services.move_cursors({pair: services.CursorPosition(delivered=last, read=last - unread)})
    return messages


def _send_message(
    conversation: Conversation,
    members: Mapping[str, User],
    number: int,
    line: list[Any],
    now: datetime,
    *,
    with_pictures: bool,
) -> Entry:
    hours, author, text, *more = line
    attachments = more[0] if more else {}
    shown = [dict(spec) for spec in attachments.get("pictures", [])] if with_pictures else []
    sheet = attachments.get("file")
    entry = services.send_message(
        conversation=conversation,
        author=members[author],
        client_id=uuid.uuid5(IDS, f"{conversation.pk}:{number}"),
        text=text,
        pictures=[
            services.Picture(pictures.draw_picture(spec.pop("kind"), seed=text, **spec), name="picture.webp")
            for spec in shown
        ],
        files=[services.File(render_pdf(sheet["title"], sheet["lines"]), sheet["name"])] if sheet else [],
    ).entry
    entry.created_at = now - timedelta(hours=hours)
    return entry
