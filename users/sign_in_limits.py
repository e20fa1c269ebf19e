"""How many wrong passwords an account takes, at whichever address of the network they are typed.

Asked by users.backends, which every address that takes a password passes; the figures are settings.ACCOUNT_RATE_LIMITS.
Three counts, in windows that slide:

* by the address of the network and by the name as it was typed, folded: the sixth try is told to wait;
* by the account that was found, so that its name and its address share five guesses. This limit is silent: the answer
  is that of a wrong password, or who used up the guesses for a name could ask which address is closed with it;
* by the account alone, for browsers that its member has signed in with before (users.known_browsers). They neither feel
  the guesses of others nor get more of their own, however many copies of the cookie there are.

See docs/decisions/0028.
"""

import logging
from dataclasses import dataclass

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.core.internal import ratelimit
from django.http import HttpRequest

from . import known_browsers
from .identifiers import fold_identifier
from .models import User

APP = "allauth.account"
BY_NAME, BY_ACCOUNT, BY_KNOWN_BROWSER = "login_failed", "login_failed_account", "login_failed_known_browser"

limits = logging.getLogger("security.limit")


@dataclass(frozen=True)
class Attempt:
    """One password that is about to be tried; `is_refused` where it must count as wrong without being looked at."""

    usages: tuple[ratelimit.RateLimitUsage, ...]
    is_refused: bool = False

    def take_back(self) -> None:
        """Take the attempt out of the counts: only wrong passwords stay in."""
        for usage in self.usages:
            usage.rollback()


def begin_attempt(request: HttpRequest | None, account: User | None, typed: str) -> Attempt:
    """Count one password for `account`, which `typed` names, or for nobody. Raises ValidationError above the limit."""
    request = request or HttpRequest()
    if account and known_browsers.is_known(request, account):
        return Attempt((_consume_or_raise(request, BY_KNOWN_BROWSER, f"account:{account.pk}"),))
    folded = fold_identifier(typed)
    by_name = _consume_or_raise(request, BY_NAME, folded)
    # As many steps for a name that nobody has.
    key = f"account:{account.pk}" if account else f"nobody:{folded}"
    by_account = _consume(request, BY_ACCOUNT, key)
    if by_account is None:
        limits.warning("rate limit hit: wrong passwords for account %s", account or "(unknown)")
        return Attempt((by_name,), is_refused=True)
    return Attempt((by_name, by_account))


def clear_counts(request: HttpRequest, user: User) -> None:
    """Open the name and the address of `user` again, after a password reset. What counts by the network stays."""
    keys = {
        BY_NAME: (user.username, user.email),
        BY_ACCOUNT: (f"account:{user.pk}",),
        BY_KNOWN_BROWSER: (f"account:{user.pk}",),
    }
    for action, names in keys.items():
        rates = str(app_settings.RATE_LIMITS.get(action) or "").split(",")
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
