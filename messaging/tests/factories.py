"""What the tests of conversations say, and how they look at what came of it."""

import io
import json
import uuid
import zipfile
from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from messaging import queries, services
from messaging.models import Conversation, Entry, Membership
from users.models import User

JSON = {"Accept": "application/json"}
PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


def send(
    conversation: Conversation,
    author: User,
    text: str = "Hello",
    client_id: uuid.UUID | None = None,
    **values: Any,
) -> Entry:
    """Send, the way a member does; returns the message as it is stored."""
    sent = services.send_message(
        conversation=conversation, author=author, client_id=client_id or uuid.uuid4(), text=text, **values
    )
    return Entry.objects.get(pk=sent.entry.pk)


def many(conversation: Conversation, author: User, count: int) -> None:
    """As many messages, without sending each."""
    Entry.objects.bulk_create(
        Entry(conversation=conversation, seq=turn, author=author, text=f"n{turn}", html=f"<p>n{turn}</p>")
        for turn in range(1, count + 1)
    )
    Conversation.objects.filter(pk=conversation.pk).update(last_seq=count)


def read(conversation: Conversation, member: User, seq: int) -> None:
    services.move_cursors({(conversation.pk, member.pk): services.CursorPosition(read=seq)})


def side_of(conversation: Conversation, member: User) -> Membership:
    """The row of one who is in, or was."""
    return Membership.objects.get(conversation=conversation, member=member)


def unread_of(conversation: Conversation, member: User) -> int:
    return side_of(conversation, member).unread


def unread_by_definition(conversation: Conversation, member: User) -> int:
    """What `unread` has to be: messages of others, not deleted, beyond what was read and not before one's coming."""
    side = side_of(conversation, member)
    beyond = max(side.read_seq, side.first_seq - 1)
    messages = Entry.objects.filter(conversation=conversation, kind=Entry.Kind.MESSAGE, deleted_at=None)
    return sum(entry.author_id != member.pk for entry in messages.filter(seq__gt=beyond))


def numbers_of(conversation: Conversation) -> list[int]:
    return list(Entry.objects.filter(conversation=conversation).order_by("pk").values_list("seq", flat=True))


def numbers_are_whole(conversation: Conversation) -> int:
    """1 … n without a gap, in the order in which they were stored; returns n."""
    numbers = numbers_of(conversation)
    assert numbers == list(range(1, len(numbers) + 1))
    assert Conversation.objects.get(pk=conversation.pk).last_seq == len(numbers)
    return len(numbers)


def told_since(conversation: Conversation, viewer: User, seq: int = 0) -> list[dict[str, Any]]:
    """All that comes after `seq`, asked for until there is no more."""
    entries: list[dict[str, Any]] = []
    while True:
        mine = queries.membership_of(viewer, conversation.pk)
        assert mine is not None
        told = queries.entries_since(mine, viewer, entries[-1]["seq"] if entries else seq)
        entries += told["entries"]
        if not told["more"]:
            return entries


def post_send(client: Client, conversation: Conversation, **data: Any) -> HttpResponse:
    """POST to `send` as a form, asking for JSON."""
    return client.post(f"/messages/{conversation.pk}/send/", data, headers=JSON)  # type: ignore[return-value]


def post_json(client: Client, address: str, body: object, **headers: str) -> HttpResponse:
    """POST a JSON body, asking for JSON."""
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post(  # type: ignore[return-value]
        address, data, content_type="application/json", headers={**JSON, **headers}
    )


def statements_of(act: Any) -> list[str]:
    """The SQL that `act` makes."""
    with CaptureQueriesContext(connection) as captured:
        act()
    return [query["sql"] for query in captured.captured_queries]


def upload(name: str, data: bytes, content_type: str = "application/octet-stream") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type)


def archive(files: Mapping[str, bytes | str], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive of `files`, the first one not packed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for place, (name, data) in enumerate(files.items()):
            packed.writestr(name, data, packing if place else zipfile.ZIP_STORED)
    return out.getvalue()
