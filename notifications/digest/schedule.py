"""When the next digest is due: at HOUR of the member's day, once for each day or week."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..preferences.quiet_hours import zone_of

HOUR = time(7)
# Days around a date in which every weekday of the next two weeks is.
LOOK_AHEAD = 16


class Frequency(models.TextChoices):
    OFF = "off", _("Off")
    DAILY = "daily", _("Every day")
    WEEKLY = "weekly", _("Every week")


class Weekday(models.IntegerChoices):
    """The numbers of `date.weekday`."""

    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


def find_next(
    now: datetime, *, frequency: Frequency, weekday: int, zone: str, last_day: date | None
) -> datetime | None:
    """Return when the next digest after `now` is due, in UTC; None when digests are off.

    `last_day` is the local date of the last digest: the next one belongs to a later day or week (ISO 8601), also when
    the member has changed zone or weekday. A time that daylight saving skips is taken after the change, one that it
    repeats is taken the first time.
    """
    if frequency is Frequency.OFF:
        return None
    first = max(_local_day(now, zone), last_day or date.min) - timedelta(days=2)
    return next(
        moment
        for day, moment in _moments(first, frequency, weekday, zone)
        if moment > now and (last_day is None or _period(day, frequency) > _period(last_day, frequency))
    )


def find_day(now: datetime, *, frequency: Frequency, weekday: int, zone: str, last_day: date | None) -> date:
    """Return the local date of the digest that is sent at `now`: the latest one that was due, and after `last_day`.

    So a member whose server was down for days gets one digest, which is that of the latest day.
    """
    today = _local_day(now, zone)
    first = today - timedelta(days=LOOK_AHEAD - 2)
    latest = max(day for day, moment in _moments(first, frequency, weekday, zone) if moment <= now)
    if last_day is None or latest > last_day:
        return latest
    # The rules of the zone have changed since the time was computed.
    return max(last_day, today)


def _moments(first: date, frequency: Frequency, weekday: int, zone: str) -> Iterator[tuple[date, datetime]]:
    """Yield the dates of digests from `first` on, for some weeks, and when each is due."""
    for number in range(LOOK_AHEAD):
        day = first + timedelta(days=number)
        if frequency is Frequency.DAILY or day.weekday() == weekday:
            yield day, datetime.combine(day, HOUR, zone_of(zone)).astimezone(UTC)


def _local_day(now: datetime, zone: str) -> date:
    return now.astimezone(zone_of(zone)).date()


def _period(day: date, frequency: Frequency) -> tuple[int, ...]:
    """Return the day or the week as a number that grows."""
    if frequency is Frequency.DAILY:
        return (day.toordinal(),)
    return day.isocalendar()[:2]
