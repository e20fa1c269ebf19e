"""Rows of notifications are cached: they show their view alone, as the components show it."""

import re
from datetime import UTC, datetime
from typing import Any

from django.template import Context, Template
from django.template.loader import get_template
from django.urls import reverse

from notifications.display.notification_view import NotificationRow
from tests.cases import all_cases
from tests.view_changes import find_missed_changes
from users.models import MemberView

AVATAR = Template("{% include 'components/_avatar.html' with member=member only %}")
ANN, BEN = MemberView("ann.b-c_d", "Ann & Bob", "photos/a"), MemberView("ben", "Ben", "")


def row(**values: Any) -> NotificationRow:
    shown = NotificationRow(
        pk=7,
        sort_key=70,
        kind="comment",
        icon="message-circle",
        is_unread=True,
        latest_at=datetime(2026, 3, 4, 5, 6, tzinfo=UTC),
        age=("minutes", 5),
        year=2026,
        people=(ANN, BEN),
        people_count=4,
        sentence_name="comment",
        source_html="<p>Words &amp; <b>more</b></p>",
        note="",
    )
    return shown._replace(**values)


def html_of(shown: NotificationRow) -> str:
    return get_template("notifications/_row.html").render({"row": shown})


def test_each_value_of_a_row_is_in_its_key_and_is_shown() -> None:
    old = row(age=("date", 0))
    noted = row(source_html="", note="Hello", people=(BEN,), people_count=1)
    others = {"icon": "bell", "sentence_name": "reply"}
    same_key, same_html = find_missed_changes([row(), old, noted], html_of, others)
    # The second member is only named, and actors always have names for a recipient.
    unseen = {"people.1.photo", "people.1.username", "people.0.is_unnamed", "people.1.is_unnamed"}
    assert (same_key, same_html) == (set(), unseen)


def test_a_row_shows_who_did_it_as_the_component_does() -> None:
    def parts(html: str) -> list[list[str]]:
        found = re.findall(r"<(?:span|img)\b([^>]*(?:avatar|photos)[^>]*)>([^<]*)", html)
        return [sorted(re.findall(r'[\w-]+="[^"]*"', each)) + words.split() for each, words in found]

    with all_cases() as case:
        for member in (ANN, BEN):
            with case(member):
                component = AVATAR.render(Context({"member": member}))
                assert parts(html_of(row(people=(member,)))) == parts(component) != []


def test_names_and_words_are_escaped_once() -> None:
    html = html_of(row())
    assert "<strong><bdi>Ann &amp; Bob</bdi></strong>, <strong><bdi>Ben</bdi></strong> and 2 others" in html
    assert "<bdi>Words &amp; more</bdi>" in html


def test_the_addresses_are_those_of_their_views() -> None:
    assert row().address == reverse("notifications:follow", args=[7])
    assert row().read_address == reverse("notifications:read", args=[7])
