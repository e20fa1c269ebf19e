"""Quiet hours: when they end, through midnight and the changes of summer time."""

from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones


def quiet_until(now: datetime, *, start: time, end: time, zone: str) -> datetime | None:
    """When the quiet hours that hold at `now` end, in UTC, or None outside them.

    `start` and `end` are the times of a wall clock in `zone`; an end before the start is on the next day, and equal
    ones are no quiet hours. A time that the clocks leave out comes when they have jumped over it; one that they show
    twice counts the first time, or the second where the first is past.
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
    """The time zone called `name`; UTC where this machine does not know it (any more)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


@cache
def zone_names() -> tuple[str, ...]:
    """The names to choose from: places, and UTC; none of the historical short names."""
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
    places = sorted(
        name for name in available_timezones() if name.partition("/")[0] in continents and "/" in name
    )
    return ("UTC", *places)
