"""How often a member may do what reaches others or costs much: so many times a minute, and so many a day.

The figures are settings.MEMBER_LIMITS. They are far above what a person does, and far below what a script can: a stolen
session fills neither the feed nor anybody's notifications. Messages have limits of their own, counted where they are
stored (messaging.services), since a message may be sent twice and counts once.

Counted in the cache, in windows that begin for all at the same time: one trip to Redis, or one row while Redis is away,
which the table forgets after five minutes without another act, whatever its window.
Who empties the cache gives everybody a fresh start, which is no harm here; sign-in, where it would be, counts elsewhere
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
    """More than a member may; `words` tell it to the member, `wait` is in seconds.

    A form shows it like any other error; where there is none, core.web.middleware makes it a page.
    """

    def __init__(self, wait: int, words: str = "") -> None:
        self.wait = wait
        self.words = words or _words(wait)
        super().__init__(self.words, code=CODE, params={"wait": wait})


def consume(kind: str, member_id: int, times: int = 1) -> None:
    """Count `times` acts of a kind that settings.MEMBER_LIMITS names.

    Raises RateLimited where one of its windows is full; a refused act counts too, in the windows before the full one
    only.
    """
    now = time.time()
    for most, seconds in settings.MEMBER_LIMITS[kind]:
        allowed = most * settings.MEMBER_LIMITS_FACTOR
        if (
            allowed
            and _count(f"quota:{kind}:{member_id}:{seconds}:{now // seconds:.0f}", seconds, times) > allowed
        ):
            raise RateLimited(math.ceil(seconds - now % seconds))


def spend_in(form: BaseForm, field: str, kind: str, member_id: int) -> bool:
    """The same, with RateLimited as an error of `field`; returns whether the act may be."""
    try:
        consume(kind, member_id)
    except RateLimited as error:
        form.add_error(field, error)
        return False
    return True


def wait_of(form: BaseForm) -> int:
    """The seconds that one of the form's errors tells to wait; 0 where none is RateLimited."""
    refusals = (error for errors in form.errors.as_data().values() for error in errors)
    return next((error.params["wait"] for error in refusals if error.code == CODE and error.params), 0)


def _count(key: str, seconds: int, times: int = 1) -> int:
    """So many more under `key`, which lives as long as its window; returns how many there are. Atomic in Redis."""
    try:
        return cache.incr(key, times)
    except ValueError:
        # Nobody counted yet; where another one does so at this moment, add() leaves what is there.
        return times if cache.add(key, times, timeout=seconds) else cache.incr(key, times)


def _words(wait: int) -> str:
    if wait <= MINUTE:
        return ngettext(
            "That was a lot at once. Try again in %(count)d second; what you typed stays here.",
            "That was a lot at once. Try again in %(count)d seconds; what you typed stays here.",
            wait,
        ) % {"count": wait}
    hours = math.ceil(wait / HOUR)
    return ngettext(
        "That was a lot for one day. Try again in %(count)d hour; what you typed stays here.",
        "That was a lot for one day. Try again in %(count)d hours; what you typed stays here.",
        hours,
    ) % {"count": hours}
