"""Addresses to which a mail about a message or a comment is answered: the member, and what the answer belongs to."""

from collections.abc import Sequence
from datetime import timedelta
from enum import IntEnum
from typing import NamedTuple

from django.conf import settings

from core.inbound_mail import InboundAddress, make_address
from messaging.models import Conversation
from users.models import User

from ..display.notification_view import NotificationView
from ..kinds import Kind

KIND = "reply"
# People answer last month's mail; a mailbox that is broken into years later should hold no more than that.
VALID_FOR = timedelta(days=30)

_ABOUT_COMMENTS = {Kind.COMMENT, Kind.REPLY, Kind.MENTION}


class TargetKind(IntEnum):
    """What an answer is added to. The numbers are in sent mails."""

    CONVERSATION = 1
    COMMENT = 2


class ReplyTarget(NamedTuple):
    """The member who may answer, what is answered, and its state when the mail was written.

    `seen` is the number of the newest entry of a conversation; of a comment it is the audience of its post.
    """

    member_id: int
    kind: TargetKind
    pk: int
    seen: int


def find_target(member: User, views: Sequence[NotificationView]) -> ReplyTarget | None:
    """Return what `member` can answer in the mail about `views`.

    It is None where answers are off, and for mails about anything but one conversation or one comment.
    """
    return _target_of(member, views[0]) if settings.REPLY_DOMAIN and len(views) == 1 else None


def make_reply_address(target: ReplyTarget) -> str:
    """Return the address by which the target is answered."""
    return make_address(KIND, settings.REPLY_DOMAIN, *target)


def read_target(address: InboundAddress) -> ReplyTarget | None:
    """Return what a verified address says, or None for one of another version."""
    try:
        member_id, kind, pk, seen = address.numbers
        return ReplyTarget(member_id, TargetKind(kind), pk, seen)
    except ValueError:
        return None


def _target_of(member: User, view: NotificationView) -> ReplyTarget | None:
    notification, comment = view.notification, view.activity.comment
    if notification.kind == Kind.MESSAGE:
        conversation = Conversation.objects.filter(pk=notification.key.partition(":")[2]).first()
        if conversation is None:
            return None
        return ReplyTarget(member.pk, TargetKind.CONVERSATION, conversation.pk, conversation.last_seq)
    # One notification may be about several comments.
    is_single = view.count == 1
    if comment is not None and is_single and notification.post and Kind(notification.kind) in _ABOUT_COMMENTS:
        return ReplyTarget(member.pk, TargetKind.COMMENT, comment.pk, notification.post.audience)
    return None
