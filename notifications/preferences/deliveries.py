"""Which notifications members want, by which channel, and when their mail may be sent."""

from collections.abc import Collection
from datetime import datetime

from ..kinds import KIND_INFO, Channel, Kind, channels_of
from ..models import Preference, QuietHours
from .quiet_hours import quiet_until

# Member id, kind and channel.
Delivery = tuple[int, Kind, Channel]


def wanted_deliveries(member_ids: Collection[int], kinds: Collection[Kind]) -> set[Delivery]:
    """The deliveries of these kinds that these members want. One query."""
    wanted = {
        (member, kind, channel)
        for member in member_ids
        for kind in kinds
        for channel in channels_of(kind)
        if KIND_INFO[kind].wanted_by_default(channel)
    }
    for row in Preference.objects.filter(member__in=member_ids, kind__in=kinds):
        delivery = (row.member_id, Kind(row.kind), Channel(row.channel))
        (wanted.add if row.wanted else wanted.discard)(delivery)
    return wanted


def mail_times(member_ids: Collection[int], now: datetime) -> dict[int, datetime]:
    """When mail may be sent to each member: `now`, or at the end of their quiet hours. One query."""
    times = dict.fromkeys(member_ids, now)
    for hours in QuietHours.objects.filter(member__in=member_ids):
        until = quiet_until(now, start=hours.start, end=hours.end, zone=hours.zone)
        times[hours.member_id] = until or now
    return times
