"""Sending, changing and deleting a message."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from core.database.compiled_queries import CompiledQuery
from core.files import storage
from core.files.images import digest_of
from core.text import markdown
from core.text.cleaning import has_visible_text
from core.text.folding import search_key
from network.models import Member
from users.models import User

from ..errors import (
    ClientIdTaken,
    MessagingError,
    NotChangeable,
    NothingSaid,
    NotReachable,
    SendingTooFast,
    Unanswered,
)
from ..events import message_sent
from ..models import Attachment, Conversation, Entry, Membership
from ..models.conversation import MembershipQuerySet
from . import attachments as carried
from .attachments import File, Picture
from .log import apart, append, locked, next_number, store, tell

# A request from somebody unknown may hold so many messages until it is accepted.
MOST_UNANSWERED = 5
# So many messages of one member in so many seconds; beyond it a person does not write, a program does.
MOST_MESSAGES, FLOOD_SECONDS = 120, 60
# What counts: a group of fifty that begins, or another title, is one act of a person and many entries.
_OWN_WORDS = (Entry.Kind.MESSAGE, Entry.Kind.EDIT)


@dataclass(frozen=True)
class Sent:
    """What a send led to; `is_new` is False where the same was sent before."""

    entry: Entry
    is_new: bool


class _SentBefore(MessagingError):
    """The author has stored something under this client id."""


def send_message(
    *,
    conversation: Conversation,
    author: User,
    client_id: UUID,
    text: str,
    pictures: Sequence[Picture] = (),
    files: Sequence[File] = (),
) -> Sent:
    """Store a message under the next number of the conversation; sending the same again gives the first result.

    Returns the entry, which is acknowledged once the transaction has committed. Raises NothingSaid, NotIn,
    NotReachable (blocked or gone), Unanswered, SendingTooFast, ClientIdTaken (the same id with another content or
    conversation), CannotStore (core.files.storage), ValidationError for a picture that is damaged or cannot be worked
    on now (core.files.images).
    """
    if not (has_visible_text(text) or pictures or files):
        raise NothingSaid(_("Write something, or add a picture or a file."))
    digest = _digest(conversation.pk, text, pictures, files)
    has_files = bool(pictures or files)
    # What was stored before is not stored again.
    if has_files and (before := _sent_before(author, client_id, digest)):
        return before
    entry = Entry(conversation=conversation, author=author, client_id=client_id, digest=digest, text=text)
    try:
        if has_files:
            refuse_sending(conversation=conversation, author=author)
        with storage.removed_on_failure():
            attachments = carried.stored(pictures, files)
            entry.attached = len(attachments)
            with transaction.atomic():
                _send(entry, author, attachments)
    except MessagingError:
        # Whatever speaks against it now: what was accepted once stays acknowledged.
        if before := _sent_before(author, client_id, digest):
            return before
        raise
    return Sent(entry, is_new=True)


@transaction.atomic
def refuse_sending(*, conversation: Conversation, author: User) -> None:
    """Raise NotIn, NotReachable, Unanswered or SendingTooFast where the member may not send now: to be asked before
    pictures are looked at and files are stored. What is sent all the same is asked again."""
    sides = _SIDES_OF_TWO if conversation.is_direct else _SIDES
    mine, others = apart(sides.fetch(author=author.pk, conversation=conversation.pk), author.pk)
    _refuse_unreachable(conversation, author, others)
    _refuse_flood(mine)


def _send(entry: Entry, author: User, attachments: Sequence[Attachment]) -> None:
    """Give the message its number, store it and count it. Raises what send_message says, and _SentBefore."""
    conversation = entry.conversation
    entry.seq = next_number(conversation)
    sides = _SIDES_OF_TWO if conversation.is_direct else _SIDES
    mine, others = apart(sides.fetch(author=author.pk, conversation=conversation.pk), author.pk)
    _refuse_unreachable(conversation, author, others)
    _refuse_flood(mine)
    # Only now: what is refused costs nothing.
    entry.html, entry.search_text = to_html(entry.text), search_key(entry.text)
    if not store(entry):
        raise _SentBefore
    for attachment in attachments:
        attachment.entry = entry
    if attachments:
        Attachment.objects.bulk_create(attachments)
    _count(entry, mine)
    first_unread = [
        each for each in others if not each.unread and not each.muted and each.declined_at is None
    ]
    # The hint first: what others do when it is stored, such as mail, takes as long as it takes.
    tell(entry, [author.pk, *(membership.member_id for membership in others)])
    message_sent.send(Entry, entry=entry, first_unread_of=first_unread)


@transaction.atomic
def edit_message(*, entry: Entry, by: User, text: str) -> Entry:
    """Change the words of an own message for all, with a visible mark; the same words again change nothing.

    Returns the message as it is now. Raises NotIn, NotReachable, NotChangeable, NothingSaid, SendingTooFast.
    """
    conversation, mine, others, message = _own(entry, by)
    _refuse_flood(mine)
    if not (has_visible_text(text) or message.attachments.exists()):
        raise NothingSaid(_("A message needs words. Delete it instead."))
    if text != message.text:
        message.text, message.html, message.search_text = text, to_html(text), search_key(text)
        message.edited_at = timezone.now()
        message.save(update_fields=["text", "html", "search_text", "edited_at"])
        change = append(conversation, kind=Entry.Kind.EDIT, author=by, target=message)
        tell(change, [by.pk, *(membership.member_id for membership in others)])
    return message


@transaction.atomic
def delete_message(*, entry: Entry, by: User) -> Entry:
    """Delete an own message for all: its place stays, without words and files. Deleting twice is once.

    Returns the message as it is now. Raises NotIn, NotReachable or NotChangeable.
    """
    conversation, _mine, others, message = _own(entry, by, even_deleted=True)
    if message.deleted_at is not None:
        return message
    message.text, message.html, message.search_text = "", "", ""
    message.deleted_at = timezone.now()
    message.save(update_fields=["text", "html", "search_text", "deleted_at"])
    message.attachments.all().delete()
    counted = Membership.objects.within(conversation).exclude(member=by)
    counted.filter(read_seq__lt=message.seq, first_seq__lte=message.seq, unread__gt=0).update(
        unread=F("unread") - 1
    )
    change = append(conversation, kind=Entry.Kind.DELETION, author=by, target=message)
    tell(change, [by.pk, *(membership.member_id for membership in others)])
    return message


def to_html(text: str) -> str:
    """A message's Markdown as HTML; names and hashtags stay plain text."""
    return markdown.to_html(text, mention=lambda name: None, hashtag=lambda tag: None)


def _refuse_unreachable(conversation: Conversation, author: User, others: Sequence[Membership]) -> None:
    if not conversation.is_direct:
        return
    # The account of the other end may be gone, with its membership.
    if not any(other.is_there for other in others):  # type: ignore[attr-defined]  # annotated in _sides_of_two_query
        raise NotReachable(_("This member cannot be reached."))
    if others[0].is_request:
        sent = Entry.objects.messages().filter(conversation=conversation, author=author)
        if sent.count() >= MOST_UNANSWERED:
            raise Unanswered(_("You can write more once your request is accepted."))


def _refuse_flood(mine: Membership) -> None:
    """Raise SendingTooFast where the member has sent or changed MOST_MESSAGES within FLOOD_SECONDS."""
    earliest = mine.earliest  # type: ignore[attr-defined]  # annotated in _sides_query
    if earliest is None:
        return
    left = earliest + timedelta(seconds=FLOOD_SECONDS) - timezone.now()
    if left > timedelta():
        wait = left.seconds + 1
        raise SendingTooFast(_("You write faster than anybody can read. Wait a moment."), wait=wait)


def _sides_query(author: int, conversation: int) -> MembershipQuerySet:
    """The memberships of the conversation, locked in the order of ids, and when the author has sent what is
    MOST_MESSAGES ago: one probe of an index."""
    # A range of one keeps PostgreSQL on the index of the author: for an equal author it may walk all entries backwards.
    mine = Entry.objects.filter(author_id__gte=author, author_id__lte=author, kind__in=_OWN_WORDS)
    latest = mine.order_by("author_id", "-pk").values("created_at")
    within = Membership.objects.filter(conversation=conversation, left_at=None)
    return (
        within.select_for_update(no_key=True)
        .order_by("pk")
        .annotate(earliest=Subquery(latest[MOST_MESSAGES - 1 : MOST_MESSAGES]))
    )


def _sides_of_two_query(author: int, conversation: int) -> MembershipQuerySet:
    """The same, and whether each exists for the author."""
    there = Member.objects.visible_to(User(pk=author)).filter(pk=OuterRef("member"))
    return _sides_query(author, conversation).annotate(is_there=Exists(there))


_SIDES = CompiledQuery(_sides_query)
_SIDES_OF_TWO = CompiledQuery(_sides_of_two_query)


def was_sent(*, author: User, client_id: UUID) -> bool:
    """Whether the author has stored something under this client id."""
    return Entry.objects.filter(author=author, client_id=client_id).exists()


def _sent_before(author: User, client_id: UUID, digest: str) -> Sent | None:
    """The first result of the same send. Raises ClientIdTaken where the id was used for something else."""
    entry = Entry.objects.filter(author=author, client_id=client_id).first()
    if entry is None:
        return None
    if entry.digest != digest:
        raise _taken()
    return Sent(entry, is_new=False)


def _taken() -> ClientIdTaken:
    return ClientIdTaken(_("Another message was sent under the same number."))


def _digest(conversation: int, text: str, pictures: Sequence[Picture], files: Sequence[File]) -> str:
    """What tells this content from any other: 64 hexadecimal digits."""
    shown = [digest_of(picture.image) for picture in pictures]
    carried = [[file.name, hashlib.sha256(file.data).hexdigest()] for file in files]
    return hashlib.sha256(json.dumps([conversation, text, shown, carried]).encode()).hexdigest()


_COUNT = """
UPDATE messaging_membership SET place = %s, unread = CASE WHEN member_id = %s THEN unread ELSE unread + 1 END
WHERE conversation_id = %s AND left_at IS NULL
"""


def _count(entry: Entry, mine: Membership) -> None:
    """One more unread for all others; the conversation moves to the top for everybody. Answering is accepting."""
    with connection.cursor() as query:
        query.execute(_COUNT, [entry.pk, mine.member_id, entry.conversation_id])
    if mine.is_request:
        Membership.objects.filter(pk=mine.pk).update(accepted_at=timezone.now(), declined_at=None)


def _own(
    entry: Entry, by: User, *, even_deleted: bool = False
) -> tuple[Conversation, Membership, list[Membership], Entry]:
    """The locked conversation, the side of `by`, those of the others, and the message as it is now, if `by` may change
    it."""
    conversation = locked(entry.conversation)
    mine, others = apart(_SIDES.fetch(author=by.pk, conversation=conversation.pk), by.pk)
    message = Entry.objects.get(pk=entry.pk)
    changeable = message.is_message and message.author_id == by.pk
    if not changeable or (message.deleted_at and not even_deleted) or message.seq < mine.first_seq:
        raise NotChangeable(_("This message cannot be changed."))
    if conversation.is_direct:
        _refuse_unreachable_other(conversation, by)
    return conversation, mine, others, message


def _refuse_unreachable_other(conversation: Conversation, by: User) -> None:
    if not Member.objects.visible_to(by).filter(pk=conversation.other_id(by.pk)).exists():
        raise NotReachable(_("This member cannot be reached."))
