"""When digests are due: one for each day or week, in any zone, across daylight saving changes and moves."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from notifications.digest.schedule import HOUR, Frequency, find_next
from notifications.models import DigestSchedule
from notifications.preferences.quiet_hours import zone_names
from tests.cases import all_cases

DAILY, WEEKLY = Frequency.DAILY, Frequency.WEEKLY
# With half hours, changes at midnight, two hours of change, a date that never was, and far east and west.
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Antarctica/Troll",
    "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Sao_Paulo", "Africa/Casablanca",
)  # fmt: skip

# Later than the date that Samoa and Tokelau skipped, for which there is an example below.
starts = st.datetimes(datetime(2012, 1, 15), datetime(2035, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
zones = st.sampled_from((*ZONES, *zone_names()))


def schedule_of(frequency: Frequency, weekday: int, zone: str, now: datetime) -> DigestSchedule:
    row = DigestSchedule(frequency=frequency, weekday=weekday, zone=zone)
    row.schedule_next(now)
    return row


def period_of(row: DigestSchedule) -> tuple[int, ...]:
    """The day or the week of the digest that was sent last."""
    assert row.last_day
    return row.last_day.isocalendar()[: 3 if row.frequency == DAILY else 2]


@given(starts, zones, st.sampled_from([DAILY, WEEKLY]), st.integers(0, 6))
def test_each_day_or_week_has_one_digest_at_seven(
    now: datetime, zone: str, frequency: Frequency, weekday: int
) -> None:
    row = schedule_of(frequency, weekday, zone, now)
    days = []
    for _number in range(8):
        at = row.next_at
        assert at
        assert at > now
        assert at.astimezone(ZoneInfo(zone)).time() == HOUR
        now = at
        row.note_covered(now)
        assert row.last_day
        days.append(row.last_day)
    step = 1 if frequency == DAILY else 7
    assert days == [days[0] + timedelta(days=step * number) for number in range(8)]
    assert frequency == DAILY or {day.weekday() for day in days} == {weekday}


@given(
    starts,
    st.lists(st.tuples(zones, st.integers(0, 6), st.integers(0, 300)), min_size=2, max_size=8),
    st.sampled_from([DAILY, WEEKLY]),
)
def test_no_day_or_week_has_two_whatever_is_late_and_whoever_moves(
    now: datetime, moves: list[tuple[str, int, int]], frequency: Frequency
) -> None:
    row = schedule_of(frequency, moves[0][1], moves[0][0], now)
    periods = []
    for zone, weekday, hours_late in moves:
        assert row.next_at
        now = max(now, row.next_at) + timedelta(hours=hours_late)
        row.note_covered(now)
        periods.append(period_of(row))
        row.zone, row.weekday = zone, weekday
        row.schedule_next(now)
        assert row.next_at > now
    assert periods == sorted(set(periods))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_next_digest_by_example() -> None:
    berlin, apia = "Europe/Berlin", "Pacific/Apia"
    table = {
        "later today": ("2026-07-01T04:00", DAILY, 0, berlin, None, "2026-07-01T05:00"),
        "at seven it is tomorrow's": ("2026-07-01T05:00", DAILY, 0, berlin, None, "2026-07-02T05:00"),
        "winter begins": ("2026-10-24T06:00", DAILY, 0, berlin, None, "2026-10-25T06:00"),
        "summer begins": ("2026-03-28T06:00", DAILY, 0, berlin, None, "2026-03-29T05:00"),
        "Monday": ("2026-07-01T12:00", WEEKLY, 0, berlin, None, "2026-07-06T05:00"),
        "this week had one": ("2026-07-06T12:00", WEEKLY, 4, berlin, date(2026, 7, 6), "2026-07-17T05:00"),
        "today had one, further east": ("2026-07-01T05:00", DAILY, 0, "America/New_York", date(2026, 7, 1),
                                        "2026-07-02T11:00"),
        "a date that never was": ("2011-12-29T18:00", DAILY, 0, apia, None, "2011-12-30T17:00"),
        "an unknown zone is UTC": ("2026-07-01T00:00", DAILY, 0, "Atlantis/Main", None, "2026-07-01T07:00"),
    }  # fmt: skip
    with all_cases() as case:
        for name, (now, frequency, weekday, zone, last_day, expected) in table.items():
            with case(name):
                found = find_next(at(now), frequency=frequency, weekday=weekday, zone=zone, last_day=last_day)
                assert found == at(expected)


def test_after_three_days_without_a_server_there_is_one_digest() -> None:
    row = schedule_of(DAILY, 0, "Europe/Berlin", at("2026-07-01T04:00"))
    row.note_covered(at("2026-07-04T10:00"))
    assert row.last_day == date(2026, 7, 4)
    assert row.next_at == at("2026-07-05T05:00")


def test_off_has_no_next_one_and_the_zone_of_the_site_is_the_default() -> None:
    assert schedule_of(Frequency.OFF, 0, "", at("2026-07-01T04:00")).next_at is None
    assert settings.TIME_ZONE == "UTC"
    assert schedule_of(DAILY, 0, "", at("2026-07-01T04:00")).next_at == at("2026-07-01T07:00")
