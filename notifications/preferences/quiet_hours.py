"""When quiet hours end, across midnight and daylight saving time changes."""

from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones


def quiet_until(now: datetime, *, start: time, end: time, zone: str) -> datetime | None:
    """The end of the quiet hours at `now`, in UTC, or None outside them.

    `start` and `end` are local times in `zone`; an end before the start is on the next day, and equal times mean no
    quiet hours. A local time that daylight saving skips is taken after the change; a repeated one is taken the first
    time, or the second time if the first is past.
    """
    local = now.astimezone(zone_of(zone))
    clock = local.time()
    over_midnight = end < start
    inside = clock >= start or clock < end if over_midnight else start <= clock < end
    if not inside:
        return None
    day = local.date() + timedelta(days=1) if over_midnight and clock >= start else local.date()
    ends = [datetime.combine(day, end, local.tzinfo).replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    return next((moment for moment in ends if moment > now), None)


def zone_of(name: str) -> ZoneInfo:
    """The time zone called `name`, or UTC if this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


@cache
def zone_names() -> tuple[str, ...]:
    """The time zone names to choose from: UTC and cities, without the historical short names."""
    continents = (
        "Africa",
        "America",
        "Antarctica",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    )
    cities = sorted(
        name for name in available_timezones() if name.partition("/")[0] in continents and "/" in name
    )
    return ("UTC", *cities)
