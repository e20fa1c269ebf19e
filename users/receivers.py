"""What accounts tell the security log (R9.6). Connected in UsersConfig.ready."""

import logging
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.signals import user_login_failed
from django.db.models import Q
from django.dispatch import receiver
from django.utils.crypto import salted_hmac

from .models import User

logger = logging.getLogger("security.login")


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
    wanted = typed.strip().lower()
    if wanted and "\x00" not in wanted:
        found = User.objects.filter(Q(username=wanted) | Q(email=wanted)).values_list("username", flat=True)
        if name := found.first():
            return str(name)
    return f"(unknown {salted_hmac('users.receivers', wanted, algorithm='sha256').hexdigest()[:12]})"
