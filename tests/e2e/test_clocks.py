"""What readers in other zones see of the same moments."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import Page, expect

from .browser import DARK, PHONE, Visitors
from .journey import look
from .talkers import Two, composer, line, page_member, write

# Messages around midnight in Tokyo (UTC+9), in Los Angeles (UTC-8) and in Greenwich; a post and a notification in the
# last hours of the server's year.
MOMENTS = ["2025-03-01T14:59:30Z", "2025-03-01T15:00:30Z", "2025-03-02T00:30:00Z", "2025-03-02T07:59:00Z",
           "2025-03-02T08:01:00Z"]  # fmt: skip
OLD_POST = "2024-12-31T23:30:00Z"

SCRIPT = """
import json
from django.utils.dateparse import parse_datetime
from feed.models import Post
from feed.services import edit_post, publish_post
from messaging.models import Conversation, Entry, Membership
from messaging.services.log import append_entry
from notifications.models import Notification
from users.models import User
talk = Conversation.objects.get(pk={talk})
nora, omar = User.objects.get(pk={nora}), User.objects.get(pk={omar})
for number, moment in enumerate({moments}):
    entry = append_entry(talk, author=omar, text=f"At {{number}}", html=f"<p>At {{number}}</p>")
    Entry.objects.filter(pk=entry.pk).update(created_at=parse_datetime(moment))
Membership.objects.filter(conversation=talk, member=nora).update(read_seq=entry.seq, delivered_seq=entry.seq)
post = publish_post(author=nora, text="New year", audience=1)
Post.objects.filter(pk=post.pk).update(created_at=parse_datetime("{post}"))
edit_post(post=Post.objects.get(pk=post.pk), text="New year!", audience=1)
post.revisions.update(replaced_at=parse_datetime("{post}"))
print(json.dumps(post.pk))
"""

ZONES: dict[str, dict[str, Any]] = {
    "Asia/Tokyo": {
        "clocks": ["23:59", "00:00", "09:30", "16:59", "17:01"],
        "days": ["Saturday, 1 March 2025", "Sunday, 2 March 2025"],
        "firsts": ["At 0", "At 1"],
        "post": "1 Jan 2025",
        "title": "1 January 2025, 08:30",
    },
    "America/Los_Angeles": {
        "clocks": ["06:59", "07:00", "16:30", "23:59", "00:01"],
        "days": ["Saturday, 1 March 2025", "Sunday, 2 March 2025"],
        "firsts": ["At 0", "At 4"],
        "post": "31 Dec 2024",
        "title": "31 December 2024, 15:30",
    },
}


def seed(two: Two, omar: int) -> int:
    page = two[0].page("/network/")
    words = SCRIPT.format(
        talk=two[0].conversation, nora=page_member(page), omar=omar, moments=MOMENTS, post=OLD_POST
    )
    page.close()
    return int(json.loads(two[0].site.manage("shell", "--no-imports", "-c", words).strip().splitlines()[-1]))


def shown_days(page: Page) -> tuple[list[str], list[str]]:
    """The days that divide the conversation, and the first line under each."""
    days = page.locator("[data-entries] > .day")
    firsts = page.locator("[data-entries] > .day + .entry .entry-body")
    return [text.strip() for text in days.all_inner_texts()], [
        text.strip() for text in firsts.all_inner_texts()
    ]


def test_each_reader_sees_the_own_clock_and_day(two: Two) -> None:
    other = two[1].page("/network/")
    post = seed(two, page_member(other))
    other.close()
    for zone, expected in ZONES.items():
        nora = two[0].page(timezone=zone, viewport=PHONE if "Asia" in zone else (1280, 900))
        expect(line(nora, "At 0").locator("time")).to_have_text(expected["clocks"][0])
        clocks = [text.strip() for text in nora.locator(".entry-time").all_inner_texts()]
        assert clocks[: len(MOMENTS)] == expected["clocks"]
        days, firsts = shown_days(nora)
        assert (days[:2], firsts[:2]) == (expected["days"], expected["firsts"])
        assert len(days) == len(set(days))
        look(nora, f"clock-{zone.split('/')[1]}")
        nora.goto(f"/posts/{post}/")
        when = nora.locator(".post-when time")
        expect(when).to_have_text(expected["post"])
        expect(when).to_have_attribute("title", expected["title"])
        nora.goto(f"/posts/{post}/history/")
        expect(nora.get_by_role("main").locator("time")).to_have_text(expected["post"])
        nora.goto("/")
        expect(nora.locator("article.post time").filter(has_text=expected["post"])).to_have_count(1)


def test_what_comes_by_the_socket_or_is_changed_has_the_readers_clock(two: Two) -> None:
    nora, omar = two[0].page(timezone="Asia/Tokyo", color_scheme=DARK), two[1].page()
    write(omar, "Good morning")
    when = line(nora, "Good morning").locator("time")
    moment = when.get_attribute("datetime")
    assert moment
    expected = nora.evaluate(
        """(moment) => new Intl.DateTimeFormat("en-GB",
        { timeZone: "Asia/Tokyo", hour: "2-digit", minute: "2-digit" }).format(new Date(moment))""", moment
    )  # fmt: skip
    assert expected != datetime.fromisoformat(moment).astimezone(UTC).strftime("%H:%M")
    expect(when).to_have_text(expected)
    day = nora.evaluate(
        """(moment) => new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Tokyo", weekday: "long", day: "numeric",
        month: "long", year: "numeric" }).format(new Date(moment))""", moment
    )  # fmt: skip
    expect(nora.locator("[data-entries] > .day").last).to_have_text(re.compile(day.replace(" ", ",? ")))
    composer(omar).press("ArrowUp")
    editor = omar.get_by_role("textbox", name="Change this message")
    editor.fill("Good evening")
    editor.press("Enter")
    expect(line(nora, "Good evening").locator("time")).to_have_text(expected)
    assert len(shown_days(nora)[0]) == 1


def test_without_scripts_a_time_says_its_zone(two: Two, visitors: Visitors) -> None:
    write(two[1].page(), "Good morning")
    page = visitors(javascript=False)
    page.context.add_cookies([{"name": "sessionid", "value": two[0].session, "url": two[0].site.url}])
    page.goto(two[0].path)
    time = line(page, "Good morning").locator("time")
    expect(time).to_have_text(re.compile(r"^\s*\d\d:\d\d\s*$"))
    assert time.evaluate("time => getComputedStyle(time, '::after').content") == '" UTC"'
