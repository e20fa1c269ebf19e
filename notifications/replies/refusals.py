"""The mail that tells a member why an answer was not posted, with the text, so that nothing typed is lost."""

import re
import uuid
from dataclasses import dataclass

from django.core.cache import cache
from django.db import transaction
from django.urls import reverse

from core.inbound_mail import ACCEPTED, Outcome, refuse
from core.mail import MailClass, declare_mail, send_template
from core.text.cleaning import clean_block
from users.models import User

from ..mailing import absolute_url
from .reply_addresses import ReplyTarget, TargetKind

TEMPLATE = declare_mail("notifications/mail/reply_refused", MailClass.TRANSACTIONAL)
# One mail in this time, in seconds: two programs that answer each other stop.
ONE_IN = 86_400
SENDING_SECONDS = 60
# As long as the longest text that could be posted.
LONGEST_TEXT = 10_000

_message_id = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>")


@dataclass(frozen=True)
class RefusedReply:
    """An answer that is not posted: by whom, where, which mail, why, and what was typed."""

    member: User
    target: ReplyTarget
    client_id: uuid.UUID
    message_id: str
    reason: str
    text: str


def mail_refusal(refused: RefusedReply) -> Outcome:
    """Mail the reason and the text to the member's own address, at most once a day.

    After that the reason is the reply to the mail server: the member's own server returns the mail. The same mail again
    changes nothing.
    """
    key, mark = f"reply-refused:{refused.member.pk}", str(refused.client_id)
    # Short at first: after a rollback the mail server tries again, minutes later.
    if not cache.add(key, mark, SENDING_SECONDS):
        return ACCEPTED if cache.get(key) == mark else refuse(refused.reason)
    try:
        _send(refused)
    except Exception:
        # The mail server tries again.
        cache.delete(key)
        raise
    transaction.on_commit(lambda: cache.set(key, mark, ONE_IN))
    return ACCEPTED


def _send(refused: RefusedReply) -> None:
    is_threaded = _message_id.fullmatch(refused.message_id)
    threading = {"In-Reply-To": refused.message_id, "References": refused.message_id} if is_threaded else {}
    send_template(
        to=refused.member.email,
        template=TEMPLATE,
        context={
            "member": refused.member,
            "reason": refused.reason,
            "text": clean_block(refused.text[: 2 * LONGEST_TEXT])[:LONGEST_TEXT],
            "page_url": absolute_url(_page_of(refused.target)),
            "is_message": refused.target.kind is TargetKind.CONVERSATION,
        },
        # RFC 3834: an answer to a mail, which no program answers.
        headers={**threading, "Auto-Submitted": "auto-replied"},
    )


def _page_of(target: ReplyTarget) -> str:
    """The page on which the member can answer; that of notifications for a comment, which may be gone."""
    if target.kind is TargetKind.CONVERSATION:
        return reverse("messaging:conversation", args=[target.pk])
    return reverse("notifications:page")
