"""Receivers that write the security log (R9.6) and make open tabs check their session."""

import logging
from collections.abc import Mapping
from typing import Any

from allauth.account.signals import password_reset
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils.crypto import salted_hmac

from core.bounces.events import address_allowed, address_suppressed
from core.bounces.suppression import allow_address
from core.sockets.publisher import member_topic, publish

from .accounts.identifiers import fold_identifier
from .accounts.sign_in_limits import clear_counts
from .backends import find_account
from .models import User

logger = logging.getLogger("security.login")

# Fields on which the validity of a session depends (users.backends, and the session's hash of the password).
SESSION_FIELDS = {"password", "is_active", "suspended_at", "session_generation"}


@receiver(user_login_failed, dispatch_uid="users.log_failed_login")
def log_failed_login(sender: Any, credentials: Mapping[str, Any], **kwargs: Any) -> None:
    """Log the account of a failed sign-in; the log formatter adds the client's address and the request.

    Input that names no account is never logged, since people type their password into the wrong field. Its digest shows
    repeated attempts.
    """
    typed = str(credentials.get("username") or credentials.get("email") or "")
    if account := find_account(typed):
        name = account.username
    else:
        digest = salted_hmac("users.receivers", fold_identifier(typed), algorithm="sha256").hexdigest()
        name = f"(unknown {digest[:12]})"
    logger.warning("sign-in failed: account %s", name)


@receiver(password_reset, dispatch_uid="users.open_both_names")
def open_both_names(sender: Any, request: Any, user: User, **kwargs: Any) -> None:
    """Reset the limits of guesses after a password reset, for the username and the address."""
    clear_counts(request, user)


@receiver(password_reset, dispatch_uid="users.allow_confirmed_address")
def allow_confirmed_address(sender: Any, user: User, **kwargs: Any) -> None:
    """Send mail to the address again whose mail the member has just read."""
    allow_address(address=user.email)


@receiver(user_logged_out, dispatch_uid="users.end_session")
def end_session(sender: Any, request: Any, user: User | None, **kwargs: Any) -> None:
    """Flush the session before the tabs check it; Django would do so only after this signal."""
    if user is not None:
        request.session.flush()
        _publish_session_check(user)


@receiver(post_save, sender=User, dispatch_uid="users.sessions_may_have_ended")
def sessions_may_have_ended(
    sender: Any, instance: User, created: bool, update_fields: Any, **kwargs: Any
) -> None:
    """Make open tabs check their session after a new password, a deactivation or a suspension."""
    if not created and (update_fields is None or SESSION_FIELDS & set(update_fields)):
        _publish_session_check(instance)


@receiver(post_delete, sender=User, dispatch_uid="users.sessions_have_ended")
def sessions_have_ended(sender: Any, instance: User, **kwargs: Any) -> None:
    """Make open tabs check their session after the account was deleted."""
    _publish_session_check(instance)


def _publish_session_check(user: User) -> None:
    """Make each tab of the member check its session; if the event is lost, the next heartbeat checks it."""
    publish(member_topic(user.pk), {"type": "tab.session"})


@receiver(address_suppressed, dispatch_uid="users.note_mail_problem")
def note_mail_problem(sender: Any, address: str, problem: str, **kwargs: Any) -> None:
    """Note with the member that mail to the address is stopped, so that pages can say so."""
    User.objects.filter(email=address).update(mail_problem=problem)


@receiver(address_allowed, dispatch_uid="users.forget_mail_problem")
def forget_mail_problem(sender: Any, address: str, **kwargs: Any) -> None:
    """Forget the problem when the address gets mail again."""
    User.objects.filter(email=address, mail_problem__isnull=False).update(mail_problem=None)
