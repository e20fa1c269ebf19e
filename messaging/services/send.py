"""Sending a message."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from core.database.compiled_queries import CompiledQuery, CompiledSQL
from core.database.plans import run_with_plans
from core.files import storage
from core.files.images import digest_of
from core.files.row_files import files_of_row
from core.text import markdown
from core.text.cleaning import has_visible_text
from core.text.folding import search_key
from network.models import Member
from users.models import User

from ..errors import (
    ClientIdTaken,
    EmptyMessage,
    MessagingError,
    NotAMember,
    NotReachable,
    SendingRateLimited,
    TooManyUnanswered,
)
from ..events import message_sent
from ..models import Attachment, Conversation, Entry, Membership
from ..models.conversation import MembershipQuerySet
from .attachments import File, Picture, store_attachments
from .log import insert_entry, notify_members, split_members, take_number

# Messages that a request from a stranger holds until it is accepted.
MAX_UNANSWERED_MESSAGES = 5
# Messages of one member in that many seconds; more is a program, not a person.
RATE_LIMIT_MESSAGES, RATE_LIMIT_SECONDS = 120, 60
# What counts: starting a group of fifty, or renaming it, is one action of a person and many entries.
_OWN_WORDS = (Entry.Kind.MESSAGE, Entry.Kind.EDIT)


@dataclass(frozen=True)
class SentMessage:
    """The result of sending; `is_new` is False where the same message was sent before."""

    entry: Entry
    is_new: bool


def send_message(
    *,
    conversation: Conversation,
    author: User,
    client_id: UUID,
    text: str,
    pictures: Sequence[Picture] = (),
    files: Sequence[File] = (),
) -> SentMessage:
    """Store a message under the next number of the conversation; sending the same again returns the first result.

    The message is acknowledged once the transaction has committed. Raises EmptyMessage, NotAMember, NotReachable
    (blocked or gone), TooManyUnanswered, SendingRateLimited, ClientIdTaken (the same id with another content or
    conversation), CannotStore (core.files.storage), ValidationError for a picture that is damaged or cannot be
    processed now (core.files.images).
    """
    if not (has_visible_text(text) or pictures or files):
        raise EmptyMessage(_("Write something, or add a picture or a file."))
    digest = _digest(conversation.pk, text, pictures, files)
    entry = Entry(conversation=conversation, author=author, client_id=client_id, digest=digest, text=text)
    with storage.removed_on_failure():
        attachments: list[Attachment] = []
        if pictures or files:
            # Processing files is expensive: refusals are checked before it, too.
            if before := _find_sent(entry):
                return before
            check_may_send(conversation=conversation, author=author)
            attachments = store_attachments(pictures, files)
        refusal = run_with_plans(lambda: _store_message(entry, author, attachments))
        if refusal is None:
            return SentMessage(entry, is_new=True)
        # A message that was accepted once stays acknowledged, even if it would be refused now.
        before = _find_sent(entry)
        if before is None:
            raise refusal
    storage.delete_files(name for attachment in attachments for name in files_of_row(attachment))
    return before


@transaction.atomic
def check_may_send(*, conversation: Conversation, author: User) -> None:
    """Raise NotAMember, NotReachable, TooManyUnanswered or SendingRateLimited where the member may not send now."""
    refusal = _find_refusal(conversation, author, lock_memberships(conversation, author))
    if refusal:
        raise refusal


def _store_message(entry: Entry, author: User, attachments: Sequence[Attachment]) -> MessagingError | None:
    """Number the message, store it, count it and notify the members, in a transaction; the reason where it may not be
    sent, with nothing changed."""
    conversation = entry.conversation
    entry.attached, entry.seq = len(attachments), take_number(conversation)
    memberships = lock_memberships(conversation, author)
    refusal = _find_refusal(conversation, author, memberships)
    if refusal is None:
        # Rendered only now: a refused message costs nothing.
        entry.html, entry.search_text = to_html(entry.text), search_key(entry.text)
        refusal = None if insert_entry(entry) else _client_id_taken()
    if refusal:
        # The number is given back.
        transaction.set_rollback(True)
        return refusal
    for attachment in attachments:
        attachment.entry = entry
    if attachments:
        Attachment.objects.bulk_create(attachments)
    mine, others = split_members(memberships, author.pk)
    # One unread message more for all others, and the conversation moves to the top for all.
    _COUNT.fetch(entry=entry.pk, author=mine.member_id, conversation=entry.conversation_id)
    if mine.is_request:
        # Answering is accepting.
        Membership.objects.filter(pk=mine.pk).update(accepted_at=timezone.now(), declined_at=None)
    # Notified first: what receivers do when it is stored, such as mail, takes time.
    notify_members(entry, [membership.member_id for membership in memberships])
    first_unread = [
        each for each in others if not each.unread and not each.muted and each.declined_at is None
    ]
    message_sent.send(Entry, entry=entry, first_unread_of=first_unread)
    return None


def to_html(text: str) -> str:
    """Return a message's Markdown as HTML; names and hashtags stay plain text."""
    return markdown.to_html(text, mention=lambda name: None, hashtag=lambda tag: None)


def was_sent(*, author: User, client_id: UUID) -> bool:
    """Return whether the author has stored something under this client id."""
    return Entry.objects.filter(author=author, client_id=client_id).exists()


def _find_sent(entry: Entry) -> SentMessage | None:
    """The first result of the same send. Raises ClientIdTaken where the id was used for something else."""
    stored = Entry.objects.filter(author=entry.author, client_id=entry.client_id).first()
    if stored is not None and stored.digest != entry.digest:
        raise _client_id_taken()
    return SentMessage(stored, is_new=False) if stored else None


def _client_id_taken() -> ClientIdTaken:
    return ClientIdTaken(_("Another message was sent under the same number."))


def _find_refusal(
    conversation: Conversation, author: User, memberships: Sequence[Membership]
) -> MessagingError | None:
    """The reason why the author may not send now, or None."""
    mine = next((each for each in memberships if each.member_id == author.pk), None)
    if mine is None:
        return NotAMember()
    if conversation.is_direct:
        others = [each for each in memberships if each is not mine]
        # The account of the other member may be gone, with its membership.
        if not any(other.is_there for other in others):  # type: ignore[attr-defined]  # annotated
            return NotReachable(_("This member cannot be reached."))
        if others[0].is_request:
            sent = Entry.objects.messages().filter(conversation=conversation, author=author)
            if sent.count() >= MAX_UNANSWERED_MESSAGES:
                return TooManyUnanswered(_("You can write more once your request is accepted."))
    return find_rate_limit_error(mine)


def find_rate_limit_error(mine: Membership) -> SendingRateLimited | None:
    """Return the refusal where the member has sent or edited RATE_LIMIT_MESSAGES within RATE_LIMIT_SECONDS.

    `mine` is from lock_memberships.
    """
    earliest = mine.earliest  # type: ignore[attr-defined]  # annotated in _memberships_query
    left = earliest + timedelta(seconds=RATE_LIMIT_SECONDS) - timezone.now() if earliest else timedelta()
    if left <= timedelta():
        return None
    return SendingRateLimited(_("You are sending messages too fast. Wait a moment."), wait=left.seconds + 1)


def lock_memberships(conversation: Conversation, author: User) -> list[Membership]:
    """Lock and return the memberships of the conversation, with the annotations that refusals need.

    `earliest` is for find_rate_limit_error, `is_there` (in a direct conversation) for reachability.
    """
    query = _DIRECT_MEMBERSHIPS if conversation.is_direct else _MEMBERSHIPS
    return query.fetch(author=author.pk, conversation=conversation.pk)


def _memberships_query(author: int, conversation: int) -> MembershipQuerySet:
    """The memberships of the conversation, locked in the order of ids, and when the author has sent what is
    RATE_LIMIT_MESSAGES ago: one probe of an index."""
    # A range of one keeps PostgreSQL on the index of the author: for an equal author it may walk all entries backwards.
    mine = Entry.objects.filter(author_id__gte=author, author_id__lte=author, kind__in=_OWN_WORDS)
    latest = mine.order_by("author_id", "-pk").values("created_at")
    within = Membership.objects.filter(conversation=conversation, left_at=None)
    return (
        within.select_for_update(no_key=True)
        .order_by("pk")
        .annotate(earliest=Subquery(latest[RATE_LIMIT_MESSAGES - 1 : RATE_LIMIT_MESSAGES]))
    )


def _direct_memberships_query(author: int, conversation: int) -> MembershipQuerySet:
    """The same, and whether each exists for the author."""
    there = Member.objects.visible_to(User(pk=author)).filter(pk=OuterRef("member"))
    return _memberships_query(author, conversation).annotate(is_there=Exists(there))


_MEMBERSHIPS = CompiledQuery(_memberships_query)
_DIRECT_MEMBERSHIPS = CompiledQuery(_direct_memberships_query)


def _digest(conversation: int, text: str, pictures: Sequence[Picture], files: Sequence[File]) -> str:
    """The digest that identifies this content: 64 hexadecimal digits."""
    shown = [digest_of(picture.image) for picture in pictures]
    carried = [[file.name, hashlib.sha256(file.data).hexdigest()] for file in files]
    return hashlib.sha256(json.dumps([conversation, text, shown, carried]).encode()).hexdigest()


_COUNT = CompiledSQL(
    "UPDATE messaging_membership SET place = %(entry)s,"
    " unread = CASE WHEN member_id = %(author)s THEN unread ELSE unread + 1 END"
    " WHERE conversation_id = %(conversation)s AND left_at IS NULL RETURNING id"
)
