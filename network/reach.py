"""How many people a member may call in a day: by naming, inviting, writing to or adding them."""

import math
import time
from collections.abc import Collection, Iterable
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.forms import BaseForm
from django.utils import timezone
from django.utils.translation import ngettext

from core.web.rate_limits import HOUR, RateLimited
from users.models import User

DAY = 86_400
# For so long after joining, a member counts as new.
NEW_FOR = timedelta(days=7)


def spend_reach(member: User, people: Iterable[int]) -> None:
    """Count the people whom `member` is about to call; each counts once a day, however often called.

    Raises core.web.rate_limits.RateLimited above settings.MEMBER_LIMITS["reached"] (or "reached_when_new"); then none
    is counted, so that the same with fewer people may pass.
    """
    now = time.time()
    day = f"{member.pk}:{now // DAY:.0f}"
    known = set(cache.get(f"reached:{day}") or ())
    new = set(people) - known - {member.pk}
    most = _most(member)
    if not new or not most:
        return
    if _add(f"reached-count:{day}", len(new)) > most:
        _add(f"reached-count:{day}", -len(new))
        raise RateLimited(math.ceil(DAY - now % DAY), _words(most, DAY - now % DAY))
    # The number is exact also for acts at the same moment; of the people, one of the two acts may be forgotten, who
    # then count again.
    cache.set(f"reached:{day}", sorted(known | new), DAY)


def reached_by_mail(member: User, people: Iterable[int]) -> set[int]:
    """Count the people whom an answer of `member` is about to reach by mail, and return those who may be, the first
    ones first: as many a day as may be called, each once.

    Answers are not refused: whoever comes after that number finds them on the page. They are counted apart, so that a
    busy thread leaves room to invite somebody.
    """
    meant = list(dict.fromkeys(people))
    day = f"{member.pk}:{time.time() // DAY:.0f}"
    known = set(cache.get(f"mailed:{day}") or ())
    new = [person for person in meant if person not in known]
    most = _most(member)
    if not new or not most:
        return set(meant)
    beyond = min(max(_add(f"mailed-count:{day}", len(new)) - most, 0), len(new))
    if beyond:
        _add(f"mailed-count:{day}", -beyond)
        new = new[:-beyond]
    if new:
        cache.set(f"mailed:{day}", sorted(known | set(new)), DAY)
    return (known & set(meant)) | set(new)


def spend_reach_in(form: BaseForm, field: str | None, member: User, people: Collection[int]) -> bool:
    """The same, with the refusal as an error of `field`; returns whether the act may be."""
    try:
        spend_reach(member, people)
    except RateLimited as error:
        form.add_error(field, error)
        return False
    return True


def _most(member: User) -> int:
    """How many people `member` may call in a day; 0 where limits are off."""
    is_new = member.joined_at is None or member.joined_at > timezone.now() - NEW_FOR
    ((most, _seconds),) = settings.MEMBER_LIMITS["reached_when_new" if is_new else "reached"]
    return int(most * settings.MEMBER_LIMITS_FACTOR)


def _add(key: str, count: int) -> int:
    """Add to the number under `key`, which lives for a day. Atomic in Redis."""
    try:
        return cache.incr(key, count)
    except ValueError:
        return count if cache.add(key, count, timeout=DAY) else cache.incr(key, count)


def _words(most: int, wait: float) -> str:
    hours = math.ceil(wait / HOUR)
    return ngettext(
        "You can call %(most)d people a day: name, invite or write to fewer new ones, or try again in %(count)d hour. "
        "What you typed stays here.",
        "You can call %(most)d people a day: name, invite or write to fewer new ones, or try again in %(count)d hours. "
        "What you typed stays here.",
        hours,
    ) % {"most": most, "count": hours}
