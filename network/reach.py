"""Limit on the people that a member contacts in a day: by mention, invitation, message or as a new group member."""

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
# How long after joining a member counts as new.
NEW_FOR = timedelta(days=7)


def consume_reach(member: User, people: Iterable[int]) -> None:
    """Count `people` as contacted by `member` today; each person counts once a day.

    Raises core.web.rate_limits.RateLimited above settings.MEMBER_LIMITS["reached"] (or "reached_when_new"). Then
    nothing is counted, so that the member can try again with fewer people.
    """
    now = time.time()
    day = f"{member.pk}:{now // DAY:.0f}"
    known = set(cache.get(f"reached:{day}") or ())
    new = set(people) - known - {member.pk}
    most = _daily_limit(member)
    if not new or not most:
        return
    if _add_to_counter(f"reached-count:{day}", len(new)) > most:
        _add_to_counter(f"reached-count:{day}", -len(new))
        wait = DAY - now % DAY
        hours = math.ceil(wait / HOUR)
        words = ngettext(
            "You can contact %(most)d people a day. Mention, invite or write to fewer people, or try again in "
            "%(count)d hour. Your text is kept.",
            "You can contact %(most)d people a day. Mention, invite or write to fewer people, or try again in "
            "%(count)d hours. Your text is kept.",
            hours,
        ) % {"most": most, "count": hours}
        raise RateLimited(math.ceil(wait), words)
    # The count is exact under concurrency. Of two concurrent calls, the set may lose the people of one, which then
    # count again.
    cache.set(f"reached:{day}", sorted(known | new), DAY)


def reached_by_mail(member: User, people: Iterable[int]) -> set[int]:
    """Count the people that a reply of `member` would reach by mail, and return those that may get the mail.

    The limit is that of consume_reach, counted separately, so that a busy thread does not use up invitations. Above it,
    the first ones of `people` get the mail; the others find the reply on the page.
    """
    meant = list(dict.fromkeys(people))
    day = f"{member.pk}:{time.time() // DAY:.0f}"
    known = set(cache.get(f"mailed:{day}") or ())
    new = [person for person in meant if person not in known]
    most = _daily_limit(member)
    if not new or not most:
        return set(meant)
    beyond = min(max(_add_to_counter(f"mailed-count:{day}", len(new)) - most, 0), len(new))
    if beyond:
        _add_to_counter(f"mailed-count:{day}", -beyond)
        new = new[:-beyond]
    if new:
        cache.set(f"mailed:{day}", sorted(known | set(new)), DAY)
    return (known & set(meant)) | set(new)


def consume_reach_in_form(form: BaseForm, field: str | None, member: User, people: Collection[int]) -> bool:
    """Call consume_reach; add a refusal to `field` as an error, and return whether there was none."""
    try:
        consume_reach(member, people)
    except RateLimited as error:
        form.add_error(field, error)
        return False
    return True


def _daily_limit(member: User) -> int:
    """Return how many people `member` may contact in a day; 0 where limits are off."""
    is_new = member.joined_at is None or member.joined_at > timezone.now() - NEW_FOR
    ((most, _seconds),) = settings.MEMBER_LIMITS["reached_when_new" if is_new else "reached"]
    return int(most * settings.MEMBER_LIMITS_FACTOR)


def _add_to_counter(key: str, count: int) -> int:
    """Add `count` to the number under `key`, which expires after a day; return the sum. Atomic in Redis."""
    try:
        return cache.incr(key, count)
    except ValueError:
        return count if cache.add(key, count, timeout=DAY) else cache.incr(key, count)
