"""What accounts tell the security log (R9.6) and open tabs. Connected in UsersConfig.ready."""

import logging
from collections.abc import Mapping
from typing import Any

from allauth.account.signals import password_reset
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils.crypto import salted_hmac

from core.sockets.publisher import member_topic, publish

from .backends import account_called
from .identifiers import fold_identifier
from .models import User
from .sign_in_limits import clear_counts

logger = logging.getLogger("security.login")

# What decides whether a session still holds (users.backends, and the session's hash of the password).
DECISIVE = {"password", "is_active", "suspended_at", "session_generation"}


@receiver(user_login_failed, dispatch_uid="users.log_failed_login")
def log_failed_login(sender: Any, credentials: Mapping[str, Any], **kwargs: Any) -> None:
    """Say which account was tried; the line itself has the address and the request."""
    typed = str(credentials.get("username") or credentials.get("email") or "")
    logger.warning("sign-in failed: account %s", _account_called(typed))


def _account_called(typed: str) -> str:
    """The name of the account that `typed` names, by name or address.

    What names no account is never written: people type their password into the wrong field. Its digest still shows
    that the same was tried again.
    """
    if account := account_called(typed):
        return account.username
    digest = salted_hmac("users.receivers", fold_identifier(typed), algorithm="sha256").hexdigest()
    return f"(unknown {digest[:12]})"


@receiver(password_reset, dispatch_uid="users.open_both_names")
def open_both_names(sender: Any, request: Any, user: User, **kwargs: Any) -> None:
    """Who has chosen a new password by mail may sign in at once, by name and by address, whatever others guessed."""
    clear_counts(request, user)


@receiver(user_logged_out, dispatch_uid="users.end_session")
def end_session(sender: Any, request: Any, user: User | None, **kwargs: Any) -> None:
    """End the session now, so that the tabs, when they look, find that it has ended; Django does so right after."""
    if user is not None:
        request.session.flush()
        _look_at_sessions(user)


@receiver(post_save, sender=User, dispatch_uid="users.sessions_may_have_ended")
def sessions_may_have_ended(
    sender: Any, instance: User, created: bool, update_fields: Any, **kwargs: Any
) -> None:
    """A new password, a deactivation or a suspension ends sessions, in whatever tab or by whoever it was done."""
    if not created and (update_fields is None or DECISIVE & set(update_fields)):
        _look_at_sessions(instance)


@receiver(post_delete, sender=User, dispatch_uid="users.sessions_have_ended")
def sessions_have_ended(sender: Any, instance: User, **kwargs: Any) -> None:
    """Nobody is left to be signed in."""
    _look_at_sessions(instance)


def _look_at_sessions(user: User) -> None:
    """Each tab of the member looks whether its own session still holds; what is not told, the next pulse finds."""
    publish(member_topic(user.pk), {"type": "tab.session"})
