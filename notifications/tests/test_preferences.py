"""Notification preferences and quiet hours."""

from datetime import time

import pytest
from django.test import Client

from notifications import services
from notifications.digest.schedule import Frequency
from notifications.kinds import KIND_INFO, Channel, Kind, channels_of
from notifications.models import DigestSchedule, Preference, QuietHours
from notifications.preferences.deliveries import wanted_deliveries
from tests.cases import all_cases, rolled_back
from tests.cast import make_member
from users.models import User

from .factories import page_of

pytestmark = pytest.mark.django_db

ADDRESS = "/notifications/preferences/"
DEFAULTS = {
    f"{channel}_{kind}": "on"
    for kind in Kind
    for channel in channels_of(kind)
    if KIND_INFO[kind].wanted_by_default(channel)
}
NIGHT = {"quiet": "on", "start": "22:00", "end": "07:00", "zone": "Europe/Berlin"}


def test_the_page_shows_the_current_preferences(as_alice: Client, alice: User) -> None:
    html = page_of(as_alice, ADDRESS)
    assert html.count('type="checkbox"') == 2 * len(Kind)  # messages have one, quiet hours have the other
    assert html.count("checked") == len(DEFAULTS)
    assert 'name="page_message"' not in html
    services.set_preferences(member=alice, choices={(Kind.FOLLOW, Channel.MAIL): True})
    assert page_of(as_alice, ADDRESS).count("checked") == len(DEFAULTS) + 1


def test_the_defaults_take_no_row(as_alice: Client) -> None:
    assert as_alice.post(ADDRESS, DEFAULTS)["Location"] == ADDRESS
    assert not Preference.objects.exists()
    assert not QuietHours.objects.exists()


def test_what_differs_takes_a_row_and_goes_with_it(as_alice: Client, alice: User) -> None:
    changed = {**DEFAULTS, "mail_reaction": "on"}
    del changed["page_follow"]
    as_alice.post(ADDRESS, changed)
    rows = {(row.kind, row.channel): row.wanted for row in Preference.objects.all()}
    assert rows == {("reaction", "mail"): True, ("follow", "page"): False}
    as_alice.post(ADDRESS, DEFAULTS)
    assert not Preference.objects.exists()


def test_preferences_of_many_members_are_one_query(alice: User, django_assert_num_queries: object) -> None:
    members = [alice, make_member("dan")]
    services.set_preferences(member=alice, choices={(Kind.COMMENT, Channel.PAGE): False})
    with django_assert_num_queries(1):  # type: ignore[operator]
        found = wanted_deliveries([member.pk for member in members], [Kind.COMMENT, Kind.REACTION])
    assert found == {
        (alice.pk, Kind.COMMENT, Channel.MAIL),
        (alice.pk, Kind.REACTION, Channel.PAGE),
        (members[1].pk, Kind.COMMENT, Channel.MAIL),
        (members[1].pk, Kind.COMMENT, Channel.PAGE),
        (members[1].pk, Kind.REACTION, Channel.PAGE),
    }


def test_a_channel_that_a_kind_does_not_have_cannot_be_chosen(alice: User) -> None:
    services.set_preferences(member=alice, choices={(Kind.MESSAGE, Channel.PAGE): True})
    assert not Preference.objects.exists()


def test_quiet_hours_are_kept_shown_and_cleared(as_alice: Client, alice: User) -> None:
    as_alice.post(ADDRESS, {**DEFAULTS, **NIGHT})
    hours = QuietHours.objects.get(member=alice)
    assert (hours.start, hours.end, hours.zone) == (time(22), time(7), "Europe/Berlin")
    html = page_of(as_alice, ADDRESS)
    assert 'value="22:00"' in html
    assert '<option value="Europe/Berlin" selected>' in html
    as_alice.post(ADDRESS, DEFAULTS)
    assert not QuietHours.objects.exists()


def test_invalid_quiet_hours_are_refused_with_a_message(as_alice: Client) -> None:
    with all_cases() as case:
        for field, value in [
            ("start", ""),
            ("end", ""),
            ("end", "22:00"),
            ("end", "25:00"),
            ("start", "x"),
            ("zone", ""),
            ("zone", "Atlantis/Main"),
            ("zone", "../../etc/passwd"),
        ]:
            with case((field, value)), rolled_back():
                response = as_alice.post(ADDRESS, {**DEFAULTS, **NIGHT, field: value, "mail_reaction": "on"})
                assert response.status_code == 422
                assert "field-invalid" in response.content.decode()
                assert not QuietHours.objects.exists()
                assert not Preference.objects.exists()


def test_hours_without_the_switch_are_not_looked_at(as_alice: Client) -> None:
    assert as_alice.post(ADDRESS, {**DEFAULTS, "start": "", "end": "", "zone": ""}).status_code == 302


def test_a_chosen_zone_remains_a_choice(as_alice: Client, alice: User) -> None:
    services.set_quiet_hours(member=alice, start=time(22), end=time(7), zone="Asia/Oldtown")
    assert '<option value="Asia/Oldtown" selected>' in page_of(as_alice, ADDRESS)


def test_they_are_a_tab_of_the_settings(as_alice: Client) -> None:
    assert f'href="{ADDRESS}"' in page_of(as_alice, "/settings/profile/")


def test_a_visitor_is_asked_to_sign_in(client: Client) -> None:
    assert client.post(ADDRESS, DEFAULTS)["Location"].startswith("/accounts/login/")


def test_the_digest_is_chosen_and_shown(as_alice: Client, alice: User) -> None:
    assert '<option value="0" selected>Every week, on Monday</option>' in page_of(as_alice, ADDRESS)
    zone = "America/New_York"
    with all_cases() as case:
        for chosen, frequency, weekday in [("daily", "daily", 0), ("3", "weekly", 3), ("off", "off", 3)]:
            with case(chosen):
                as_alice.post(ADDRESS, {**DEFAULTS, "digest": chosen, "zone": zone})
                row = DigestSchedule.objects.get(member=alice)
                assert (row.frequency, row.weekday, row.zone) == (frequency, weekday, zone)
                assert (row.next_at is None) == (chosen == "off")
                html = page_of(as_alice, ADDRESS)
                assert f'<option value="{chosen}" selected>' in html
                assert f'<option value="{zone}" selected>' in html


def test_a_form_without_the_digest_leaves_it_and_an_unknown_choice_is_refused(
    as_alice: Client, alice: User
) -> None:
    services.set_digest(member=alice, frequency=Frequency.DAILY, zone="Europe/Berlin")
    as_alice.post(ADDRESS, DEFAULTS)
    as_alice.post(ADDRESS, {**DEFAULTS, "digest": "daily", "zone": ""})
    with all_cases() as case:
        for chosen in ("", "7", "-1", "hourly", "daily "):
            with case(chosen):
                response = as_alice.post(ADDRESS, {**DEFAULTS, "digest": chosen})
                assert (response.status_code, "field-invalid" in response.content.decode()) == (422, True)
    row = DigestSchedule.objects.get(member=alice)
    assert (row.frequency, row.zone) == ("daily", "Europe/Berlin")
