"""Rate limits of members, per minute and per day, for actions that reach others or are expensive.

settings.MEMBER_LIMITS is far above what a person does, and far below what a script can do: a stolen session can flood
neither the feed nor notifications. Messages have separate limits, counted where they are stored (messaging.services),
since a message may be sent twice and counts once.

Counts are in the cache, in windows that begin for all members at the same time: one round trip to Redis, or one row
while Redis is down, which the table deletes after five minutes without another action, whatever its window. Clearing
the cache resets all limits, which is harmless here; sign-in, where it would not be, is counted in the database
(core.database.cache).
"""

import math
import time

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.utils.translation import ngettext

CODE = "rate_limited"
MINUTE, HOUR = 60, 3600


class RateLimited(ValidationError):
    """A member has exceeded a limit; `words` is the message for the member, `wait` is in seconds.

    A form shows it like any other error; without a form, core.web.middleware returns a page.
    """

    def __init__(self, wait: int, words: str = "") -> None:
        if not words and wait <= MINUTE:
            words = ngettext(
                "Too many at once. Try again in %(count)d second; what you typed stays here.",
                "Too many at once. Try again in %(count)d seconds; what you typed stays here.",
                wait,
            ) % {"count": wait}
        elif not words:
            hours = math.ceil(wait / HOUR)
            words = ngettext(
                "Too many for one day. Try again in %(count)d hour; what you typed stays here.",
                "Too many for one day. Try again in %(count)d hours; what you typed stays here.",
                hours,
            ) % {"count": hours}
        self.wait, self.words = wait, words
        super().__init__(words, code=CODE, params={"wait": wait})


def consume(kind: str, member_id: int, times: int = 1) -> None:
    """Count `times` actions of a kind of settings.MEMBER_LIMITS.

    Raises RateLimited when one of its windows is full; a refused action also counts, in the windows before the full one
    only.
    """
    now = time.time()
    for most, seconds in settings.MEMBER_LIMITS[kind]:
        limit = most * settings.MEMBER_LIMITS_FACTOR
        key = f"quota:{kind}:{member_id}:{seconds}:{now // seconds:.0f}"
        if not limit:
            continue
        try:
            count = cache.incr(key, times)
        except ValueError:
            # There is no count yet; when another process adds one at this moment, add() does not replace it.
            count = times if cache.add(key, times, timeout=seconds) else cache.incr(key, times)
        if count > limit:
            raise RateLimited(math.ceil(seconds - now % seconds))


def consume_or_add_error(form: BaseForm, field: str, kind: str, member_id: int) -> bool:
    """Consume as `consume` does, with RateLimited as an error of `field`; return whether the action is allowed."""
    try:
        consume(kind, member_id)
    except RateLimited as error:
        form.add_error(field, error)
        return False
    return True


def wait_of(form: BaseForm) -> int:
    """Return the wait in seconds of a RateLimited error of the form; 0 when there is none."""
    refusals = (error for errors in form.errors.as_data().values() for error in errors)
    return next((error.params["wait"] for error in refusals if error.code == CODE and error.params), 0)
