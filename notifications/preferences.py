"""What members want to be told, and when not."""

from collections.abc import Collection
from datetime import datetime

from .kinds import ABOUT, Channel, Kind, channels_of
from .models import Preference, QuietHours
from .quiet import quiet_until

Wish = tuple[int, Kind, Channel]


def wishes(member_ids: Collection[int], kinds: Collection[Kind]) -> set[Wish]:
    """Which of these members want which of these kinds through which channel. One query."""
    wanted = {
        (member, kind, channel)
        for member in member_ids
        for kind in kinds
        for channel in channels_of(kind)
        if ABOUT[kind].default(channel)
    }
    for row in Preference.objects.filter(member__in=member_ids, kind__in=kinds):
        wish = (row.member_id, Kind(row.kind), Channel(row.channel))
        (wanted.add if row.wanted else wanted.discard)(wish)
    return wanted


def mail_times(member_ids: Collection[int], now: datetime) -> dict[int, datetime]:
    """When mail may leave for each of these members: `now`, or the end of the quiet hours. One query."""
    times = dict.fromkeys(member_ids, now)
    for hours in QuietHours.objects.filter(member__in=member_ids):
        until = quiet_until(now, start=hours.start, end=hours.end, zone=hours.zone)
        times[hours.member_id] = until or now
    return times
