"""Limits on the account mail that strangers can trigger: to one mailbox, and to addresses of non-members."""

import logging
import time

from allauth.core.internal import ratelimit
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from .identifiers import mailbox_key

HOUR = 3600
# Mails that a visitor, or a member with an arbitrary address, can trigger.
SENT_TO_ANYBODY = frozenset(
    f"account/email/{name}"
    for name in (
        "password_reset_key",
        "unknown_account",
        "account_already_exists",
        "email_confirmation",
        "email_confirmation_signup",
    )
)

limits = logging.getLogger("security.limit")


def may_send(request: HttpRequest | None, template: str, to: str, *, is_member: bool) -> bool:
    """Count a mail and return whether it may be sent. The visitor sees the same response either way."""
    if template not in SENT_TO_ANYBODY:
        return True
    usage = ratelimit.consume(
        request or HttpRequest(),
        app="allauth.account",
        action="mail_to_mailbox",
        key=mailbox_key(to),
        limit_get=True,
    )
    if usage is None:
        limits.warning("rate limit hit: mail to one mailbox")
        return False
    most = settings.MAIL_TO_NON_MEMBERS_PER_HOUR
    if is_member or not most:
        return True
    key = f"mail:non-members:{time.time() // HOUR:.0f}"
    cache.add(key, 0, timeout=HOUR)
    sent = cache.incr(key)
    if sent == most + 1:
        limits.error(
            "mail to non-members stopped until the next hour: %d were sent (MAIL_TO_NON_MEMBERS_PER_HOUR)",
            most,
        )
    return sent <= most
