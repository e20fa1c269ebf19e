"""What the members of the demo network write to each other: sent the way members send, dated afterwards."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from messaging import services
from messaging.models import Conversation, Entry, Membership, Presence
from users.models import User

from . import pictures
from .content import TalkText
from .documents import pdf

# Ids of messages come of this, so that the same network is made each time.
IDS = uuid.UUID("0f3a5a1e-2f0e-4c5c-9a54-6c696e6b7570")


def make(
    talks: list[TalkText], members: Mapping[str, User], *, now: datetime, with_pictures: bool
) -> list[Entry]:
    """Let the members talk, the oldest conversation first; returns the messages."""
    said: list[Entry] = []
    # Lists are sorted by what was stored last.
    for talk in sorted(talks, key=lambda talk: float(talk.lines[-1][0]), reverse=True):
        said += _hold(talk, members, now, with_pictures=with_pictures)
    Presence.objects.bulk_create(_seen(said))
    return said


def _hold(text: TalkText, members: Mapping[str, User], now: datetime, *, with_pictures: bool) -> list[Entry]:
    first, *others = (members[name] for name in text.between)
    if text.title:
        conversation = services.start_group(by=first, members=others, title=text.title)
    else:
        conversation = services.start_direct(by=first, other=others[0])
    said = [
        _say(conversation, members, number, line, now, with_pictures=with_pictures)
        for number, line in enumerate(text.lines)
    ]
    start = said[0].created_at - timedelta(minutes=3)
    Entry.objects.bulk_update(said, ["created_at"])
    Entry.objects.filter(conversation=conversation, seq__lt=said[0].seq).update(created_at=start)
    Conversation.objects.filter(pk=conversation.pk).update(created_at=start)
    memberships = Membership.objects.filter(conversation=conversation)
    memberships.update(joined_at=start)
    memberships.filter(accepted_at__isnull=False).update(accepted_at=start)
    _read(text, members, said)
    return said


def _say(
    conversation: Conversation,
    members: Mapping[str, User],
    number: int,
    line: list[Any],
    now: datetime,
    *,
    with_pictures: bool,
) -> Entry:
    hours, author, text, *more = line
    carried = more[0] if more else {}
    shown = [dict(spec) for spec in carried.get("pictures", [])] if with_pictures else []
    sheet = carried.get("file")
    entry = services.send_message(
        conversation=conversation,
        author=members[author],
        client_id=uuid.uuid5(IDS, f"{conversation.pk}:{number}"),
        text=text,
        pictures=[
            services.Picture(pictures.drawn(spec.pop("kind"), seed=text, **spec), name="picture.webp")
            for spec in shown
        ],
        files=[services.File(pdf(sheet["title"], sheet["lines"]), sheet["name"])] if sheet else [],
    ).entry
    entry.created_at = now - timedelta(hours=hours)
    return entry


def _read(text: TalkText, members: Mapping[str, User], said: list[Entry]) -> None:
    """Everybody has read all but the last few lines, as far as the text says so; a request not at all."""
    for name in text.between:
        unread = text.unread.get(name, 0)
        read = said[-1].seq - unread
        if not (text.request and unread):
            pair = (said[0].conversation_id, members[name].pk)
            services.move_cursors({pair: services.Reached(delivered=said[-1].seq, read=read)})


def _seen(said: list[Entry]) -> list[Presence]:
    """Everybody was last seen a moment after their latest words."""
    latest: dict[int, datetime] = {}
    for entry in said:
        if entry.author_id is not None:
            latest[entry.author_id] = max(latest.get(entry.author_id, entry.created_at), entry.created_at)
    return [
        Presence(member_id=pk, seen_at=at + timedelta(minutes=2), until=at + timedelta(minutes=2))
        for pk, at in latest.items()
    ]
