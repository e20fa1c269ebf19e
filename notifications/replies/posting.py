"""Posts the words of an answer, by the services and under the rules of the pages."""

import hashlib
import uuid

from django import forms
from django.db import transaction
from django.utils.translation import gettext as _

from core.web.rate_limits import RateLimited
from feed.comment_limits import comment_within_limits
from feed.errors import FeedError
from feed.forms import CommentForm
from feed.models import Comment
from messaging.errors import ClientIdTaken, MessagingError
from messaging.forms import MessageForm
from messaging.models import Entry, Membership
from messaging.queries import membership_of
from messaging.services import CursorPosition, move_cursors, send_message, was_sent
from users.form_submissions import ChangedSinceSent, create_once_by_id
from users.models import User

from ..away import MOST_MESSAGES, unread_messages
from ..drafts import NotificationDraft
from ..kinds import Kind
from ..models import Activity, Notification
from ..services import mark_read, notify_members
from .reply_addresses import ReplyTarget, TargetKind


class ReplyRefused(Exception):
    """The answer is not posted; the text tells the member why."""


@transaction.atomic
def post_reply(*, member: User, target: ReplyTarget, client_id: uuid.UUID, text: str) -> None:
    """Post `text` as the member's message or comment; the same `client_id` is posted once. Raises ReplyRefused."""
    try:
        if target.kind is TargetKind.CONVERSATION:
            _send_message(member, target, client_id, text)
        else:
            _comment(member, target, client_id, text)
    except RateLimited as error:
        raise ReplyRefused(error.words) from error
    except (MessagingError, FeedError) as error:
        raise ReplyRefused(str(error) or _conversation_left()) from error


def _send_message(member: User, target: ReplyTarget, client_id: uuid.UUID, text: str) -> None:
    if was_sent(author=member, client_id=client_id):
        return
    mine = membership_of(member, target.pk)
    if mine is None:
        raise ReplyRefused(_conversation_left())
    words = _clean(MessageForm({"text": text}))
    try:
        send_message(conversation=mine.conversation, author=member, client_id=client_id, text=words)
    except ClientIdTaken:
        # A second copy of the mail at the same time, which a server on its way has changed.
        return
    _mark_mailed_read(mine, member, target.seen)


def _mark_mailed_read(mine: Membership, member: User, seen: int) -> None:
    """Move the cursor to what the mail showed, and mail what came after it: the first unread message is mailed."""
    if unread_messages(member, mine.conversation_id, seen).count() > MOST_MESSAGES:
        return
    key = (mine.conversation_id, member.pk)
    move_cursors({key: CursorPosition(delivered=seen, read=seen)})
    waiting = Membership.objects.waiting().filter(pk=mine.pk).exists()
    if not waiting:
        return
    later = Entry.objects.readable_by(member).filter(conversation=mine.conversation_id, seq__gt=seen)
    latest = later.exclude(author=member).select_related("author").order_by("-seq").first()
    if latest is not None and latest.author is not None:
        draft = NotificationDraft(member.pk, Kind.MESSAGE, f"conversation:{mine.conversation_id}")
        notify_members(actor=latest.author, drafts=[draft])


def _comment(member: User, target: ReplyTarget, client_id: uuid.UUID, text: str) -> None:
    readable = Comment.objects.visible_to(member).filter(deleted_at=None)
    parent = readable.filter(pk=target.pk).select_related("post", "parent").first()
    if parent is None:
        raise ReplyRefused(_("The comment that you answered is no longer there."))
    words = _clean(CommentForm({"text": text}))

    def store_comment() -> Comment:
        return comment_within_limits(
            post=parent.post, author=member, text=words, parent=parent, audience_seen=target.seen
        )

    fingerprint = hashlib.sha256(words.encode()).hexdigest()
    try:
        create_once_by_id(
            member=member, submission_id=client_id, fingerprint=fingerprint, create=store_comment
        )
    except ChangedSinceSent:
        # A copy of the mail, which a server on its way has changed.
        return
    # Later comments, which join the notification, were not in the mail.
    mailed = Activity.objects.filter(comment=parent).values("pk")
    for notification in Notification.objects.filter(recipient=member, read_at=None, sort_key__in=mailed):
        mark_read(notification=notification)


def _clean(form: forms.Form) -> str:
    """The text of the form as it is stored. Raises ReplyRefused with what the page would say."""
    if not form.is_valid():
        raise ReplyRefused(" ".join(str(error) for errors in form.errors.values() for error in errors))
    text: str = form.cleaned_data["text"]
    return text


def _conversation_left() -> str:
    return _("You are not in this conversation any more.")
