import datetime as dt

from django.utils import timezone

from tests.cases import all_cases
from theme.templatetags.theme import words_for_age

from .rendering import render_template

NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)


def test_the_words_are_relative_under_a_week_then_the_date() -> None:
    with all_cases() as case:
        for age, words in [
            (dt.timedelta(0), "just now"),
            (dt.timedelta(seconds=59), "just now"),
            (dt.timedelta(seconds=-30), "just now"),
            (dt.timedelta(minutes=1), "1 min ago"),
            (dt.timedelta(minutes=59, seconds=59), "59 min ago"),
            (dt.timedelta(hours=1), "1 h ago"),
            (dt.timedelta(hours=23), "23 h ago"),
            (dt.timedelta(days=1), "1 day ago"),
            (dt.timedelta(days=6, hours=23), "6 days ago"),
            (dt.timedelta(days=7), "16 Nov"),
            (dt.timedelta(days=400), "19 Oct 2025"),
            (dt.timedelta(days=-3), "26 Nov"),
        ]:
            with case((age, words)):
                assert words_for_age(NOW - age, NOW) == words


def test_the_element_holds_the_machine_date_and_the_full_one() -> None:
    html = render_template("{% ago moment %}", moment=NOW)
    assert 'datetime="2026-11-23T12:00:00+00:00"' in html
    assert 'title="Nov. 23, 2026, 12:00 UTC"' in html


def test_a_moment_without_a_zone_is_taken_in_the_current_one() -> None:
    naive = timezone.localtime().replace(tzinfo=None)
    assert "just now" in render_template("{% ago moment %}", moment=naive)


def test_no_moment_is_nothing() -> None:
    assert render_template("{% ago moment %}", moment=None) == ""
