"""When quiet hours end."""

from datetime import UTC, datetime, time

from notifications.preferences.quiet_hours import quiet_until, zone_names, zone_of
from tests.cases import all_cases


def night(now: str) -> datetime | None:
    """When quiet hours in Berlin from ten to seven end."""
    return quiet_until(at(now), start=time(22), end=time(7), zone="Europe/Berlin")


def till_half_past_two(now: str) -> datetime | None:
    return quiet_until(at(now), start=time(22), end=time(2, 30), zone="Europe/Berlin")


def noon(now: str) -> datetime | None:
    """When quiet hours at noon in New York end."""
    return quiet_until(at(now), start=time(12), end=time(14), zone="America/New_York")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_over_midnight() -> None:
    with all_cases() as case:
        for now, until in [
            ("2026-01-15 20:59", None),  # 21:59 in Berlin
            ("2026-01-15 21:00", "2026-01-16 06:00"),
            ("2026-01-15 23:30", "2026-01-16 06:00"),  # past midnight there
            ("2026-01-16 05:59", "2026-01-16 06:00"),
            ("2026-01-16 06:00", None),
            ("2026-07-15 20:00", "2026-07-16 05:00"),  # summer time
        ]:
            with case((now, until)):
                assert night(now) == (at(until) if until else None)


def test_within_a_day() -> None:
    assert noon("2026-01-15 17:30") == at("2026-01-15 19:00")
    assert noon("2026-01-15 19:00") is None
    assert noon("2026-01-15 16:59") is None


def test_the_night_in_which_the_clocks_go_forward_is_shorter() -> None:
    # Berlin, 29 March 2026: 02:00 becomes 03:00.
    assert night("2026-03-28 23:00") == at("2026-03-29 05:00")


def test_the_night_in_which_they_go_back_is_longer() -> None:
    assert night("2026-10-24 22:00") == at("2026-10-25 06:00")


def test_an_end_that_the_clocks_leave_out_comes_after_the_jump() -> None:
    assert till_half_past_two("2026-03-29 00:30") == at("2026-03-29 01:30")


def test_an_end_that_the_clocks_show_twice() -> None:
    with all_cases() as case:
        for now, until in [
            ("2026-10-24 23:00", "2026-10-25 00:30"),  # the first 02:30
            ("2026-10-25 00:40", None),  # 02:40 for the first time
            ("2026-10-25 01:10", "2026-10-25 01:30"),  # 02:10 for the second time
        ]:
            with case((now, until)):
                assert till_half_past_two(now) == (at(until) if until else None)


def test_equal_times_are_no_quiet_hours() -> None:
    assert quiet_until(at("2026-01-15 12:00"), start=time(12), end=time(12), zone="UTC") is None


def test_a_zone_that_is_not_known_is_utc() -> None:
    for name in ("Atlantis/Main", "", "../../etc/passwd"):
        assert str(zone_of(name)) == "UTC"


def test_the_zones_to_choose_are_places() -> None:
    assert {"UTC", "Europe/Berlin", "America/Argentina/Ushuaia"} <= set(zone_names())
    assert not {"EST5EDT", "Etc/GMT+1", "posixrules"} & set(zone_names())
