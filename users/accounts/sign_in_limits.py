"""Limits on wrong passwords per account, for all views that take a password.

users.backends, which all these views call, applies them; settings.ACCOUNT_RATE_LIMITS has the numbers. Three counters
with sliding windows:

* by client network and by the typed name, folded: the sixth attempt is told to wait;
* by account, so that its username and its address share five guesses. The response to a guess above this limit is that
  of a wrong password; a different one would reveal which address belongs to a username whose guesses are used up;
* by account, for browsers with which its member has signed in before (known_browsers). Guesses of others do not
  count there, and copies of the cookie do not add guesses.

See docs/decisions/0028.
"""

import logging
from dataclasses import dataclass

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.core.internal import ratelimit
from django.http import HttpRequest

from ..models import User
from . import known_browsers
from .identifiers import fold_identifier

APP = "allauth.account"
BY_NAME, BY_ACCOUNT, BY_KNOWN_BROWSER = "login_failed", "login_failed_account", "login_failed_known_browser"

limits = logging.getLogger("security.limit")


@dataclass(frozen=True)
class Attempt:
    """A counted attempt to use a password; with `is_refused`, it counts as wrong without being checked."""

    usages: tuple[ratelimit.RateLimitUsage, ...]
    is_refused: bool = False

    def take_back(self) -> None:
        """Remove the attempt from the counters, which count only wrong passwords."""
        for usage in self.usages:
            usage.rollback()


def begin_attempt(request: HttpRequest | None, account: User | None, typed: str) -> Attempt:
    """Count an attempt at `account`, which `typed` names, or at no account. Raises ValidationError above the limit."""
    request = request or HttpRequest()
    if account and known_browsers.is_known(request, account):
        return Attempt((_consume_or_raise(request, BY_KNOWN_BROWSER, f"account:{account.pk}"),))
    folded = fold_identifier(typed)
    by_name = _consume_or_raise(request, BY_NAME, folded)
    # The same number of operations for a name without an account.
    key = f"account:{account.pk}" if account else f"nobody:{folded}"
    by_account = _consume(request, BY_ACCOUNT, key)
    if by_account is None:
        limits.warning("rate limit hit: wrong passwords for account %s", account or "(unknown)")
        return Attempt((by_name,), is_refused=True)
    return Attempt((by_name, by_account))


def clear_counts(request: HttpRequest, user: User) -> None:
    """Reset the counters of the username and the address of `user` after a password reset, not those by network."""
    keys = {
        BY_NAME: (user.username, user.email),
        BY_ACCOUNT: (f"account:{user.pk}",),
        BY_KNOWN_BROWSER: (f"account:{user.pk}",),
    }
    for action, names in keys.items():
        rates = str(app_settings.RATE_LIMITS.get(action, "")).split(",")
        by_key = {action: ",".join(rate for rate in rates if rate.strip().endswith("/key"))}
        for name in names:
            ratelimit.clear(request, app=APP, action=action, config=by_key, key=fold_identifier(name))


def _consume(request: HttpRequest, action: str, key: str) -> ratelimit.RateLimitUsage | None:
    usage: ratelimit.RateLimitUsage | None = ratelimit.consume(
        request, app=APP, action=action, key=key, limit_get=True
    )
    return usage


def _consume_or_raise(request: HttpRequest, action: str, key: str) -> ratelimit.RateLimitUsage:
    usage = _consume(request, action, key)
    if usage is None:
        raise get_adapter().validation_error("too_many_login_attempts")
    return usage
