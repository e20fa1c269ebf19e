"""Each service changes only the rows of its member, line and channel, and tells that member's tabs alone."""

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from django.utils import timezone

from notifications import services
from notifications.kinds import Channel, Kind
from notifications.models import Activity, Notification, Preference, QuietHours
from tests.cases import all_cases, rolled_back
from users.models import User

pytestmark = [pytest.mark.both, pytest.mark.django_db]

Rows = dict[str, dict[str, Any]]
LINES = [
    # Kind, key, whether it is on the page and read, and how many of the two others did it.
    (Kind.REACTION, "post:1", True, False, 2),
    (Kind.REACTION, "post:2", True, False, 1),
    (Kind.COMMENT, "post:1", True, False, 2),
    (Kind.COMMENT, "post:2", False, False, 2),
    (Kind.REPLY, "post:1", True, False, 0),
    (Kind.COMMENT, "post:3", True, True, 2),
]


@pytest.fixture
def trio(alice: User, bob: User, charlie: User) -> list[User]:
    """Three members with the same lines, preferences and quiet hours, told of each other."""
    Notification.objects.all().delete()
    members, now = [alice, bob, charlie], timezone.now()
    for sort_key, (kind, key, on_page, is_read, count) in enumerate(LINES):
        for member in members:
            row = Notification.objects.create(
                recipient=member, kind=kind, key=key, on_page=on_page, sort_key=sort_key, mail_due_at=now,
                read_at=now if is_read else None,
            )  # fmt: skip
            for actor in [other for other in members if other != member][:count]:
                Activity.objects.create(notification=row, actor=actor)
    for member in members:
        Preference.objects.create(member=member, kind=Kind.REACTION, channel=Channel.MAIL, wanted=True)
        Preference.objects.create(member=member, kind=Kind.FOLLOW, channel=Channel.PAGE, wanted=False)
        services.set_quiet_hours(member=member, start=time(22), end=time(7), zone="UTC")
    return members


def rows() -> Rows:
    found: Rows = {}
    for line in Notification.objects.select_related("recipient"):
        values = {"read": line.read_at, "due": line.mail_due_at}
        found[f"{line.recipient.username} {line.kind} {line.key}"] = values
    for activity in Activity.objects.select_related("notification__recipient", "actor"):
        line = activity.notification
        found[f"{line.recipient.username} {line.kind} {line.key} by {activity.actor.username}"] = {}
    for choice in Preference.objects.select_related("member"):
        found[f"{choice.member.username} {choice.kind} in {choice.channel}"] = {"wanted": choice.wanted}
    for hours in QuietHours.objects.select_related("member"):
        found[f"{hours.member.username} quiet"] = {"start": hours.start, "end": hours.end}
    return found


def changes(before: Rows, after: Rows) -> list[str]:
    """Describe the rows that were added (+), deleted (-) and changed (~)."""
    signs = {
        name: "+" if name not in before else "-" if name not in after else "~" for name in {*before, *after}
    }
    return sorted(signs[name] + name for name in signs if before.get(name) != after.get(name))


def line_of(member: User, kind: Kind, key: str) -> Notification:
    return Notification.objects.get(recipient=member, kind=kind, key=key)


FORGOTTEN = [
    *("-alice comment post:1 by bob", "-alice comment post:2 by bob", "-alice comment post:3 by bob"),
    *("-alice reaction post:1 by bob", "-alice reaction post:2", "-alice reaction post:2 by bob"),
    "-alice reply post:1",
    *("-bob comment post:1 by alice", "-bob comment post:2 by alice", "-bob comment post:3 by alice"),
    *("-bob reaction post:1 by alice", "-bob reaction post:2", "-bob reaction post:2 by alice"),
    "-bob reply post:1",
]
# What is done with alice and bob, the rows that change, and the members whose tabs are told.
ACTS: dict[str, tuple[Callable[[User, User], object], list[str], list[str]]] = {
    "read one": (
        lambda alice, bob: services.mark_read(notification=line_of(alice, Kind.REACTION, "post:1")),
        ["~alice reaction post:1"],
        ["alice"],
    ),
    "read one that is not on the page": (
        lambda alice, bob: services.mark_read(notification=line_of(alice, Kind.COMMENT, "post:2")),
        ["~alice comment post:2"],
        [],
    ),
    "read one again": (
        lambda alice, bob: services.mark_read(notification=line_of(alice, Kind.COMMENT, "post:3")),
        [],
        [],
    ),
    "read all": (
        lambda alice, bob: services.mark_all_read(member=alice),
        [
            *("~alice comment post:1", "~alice reaction post:1"),
            *("~alice reaction post:2", "~alice reply post:1"),
        ],
        ["alice"],
    ),
    "read all up to the second": (
        lambda alice, bob: services.mark_all_read(member=alice, up_to=1),
        ["~alice reaction post:1", "~alice reaction post:2"],
        ["alice"],
    ),
    "read nothing": (lambda alice, bob: services.mark_all_read(member=alice, up_to=-1), [], []),
    "forget": (
        lambda alice, bob: services.delete_notifications_between(one=alice, two=bob),
        FORGOTTEN,
        ["alice", "bob"],
    ),
    "forget from the other side": (
        lambda alice, bob: services.delete_notifications_between(one=bob, two=alice),
        FORGOTTEN,
        ["bob", "alice"],
    ),
    "choose the default": (
        lambda alice, bob: services.set_preferences(
            member=alice, choices={(Kind.REACTION, Channel.MAIL): False}
        ),
        ["-alice reaction in mail"],
        [],
    ),
    "choose something else": (
        lambda alice, bob: services.set_preferences(
            member=alice,
            choices={(Kind.MESSAGE, Channel.PAGE): True, (Kind.REACTION, Channel.PAGE): False},
        ),
        ["+alice reaction in page"],
        [],
    ),
    "choose the same": (
        lambda alice, bob: services.set_preferences(
            member=alice, choices={(Kind.FOLLOW, Channel.PAGE): False}
        ),
        [],
        [],
    ),
    "stop mail": (
        lambda alice, bob: services.stop_mail(member=alice, kinds=[Kind.COMMENT]),
        ["+alice comment in mail", "~alice comment post:1", "~alice comment post:2"],
        [],
    ),
    "other quiet hours": (
        lambda alice, bob: services.set_quiet_hours(member=alice, start=time(1), end=time(2), zone="UTC"),
        ["~alice quiet"],
        [],
    ),
    "no quiet hours": (lambda alice, bob: services.clear_quiet_hours(member=alice), ["-alice quiet"], []),
}


def test_a_service_changes_the_rows_of_its_member_and_no_others(
    trio: list[User], published: list[dict[str, Any]]
) -> None:
    alice, bob, _charlie = trio
    names = {f"member.{member.pk}": member.username for member in trio}
    before = rows()
    with all_cases() as case:
        for name, (act, expected, tabs) in ACTS.items():
            with case(name), rolled_back():
                published.clear()
                act(alice, bob)
                after = rows()
                assert changes(before, after) == expected
                assert [names[topic] for each in published for topic in each["topics"]] == tabs
                assert {each["event"]["type"] for each in published} <= {"notifications.changed"}
                if name.startswith("read"):
                    assert all(after[row[1:]]["read"] and not after[row[1:]]["due"] for row in expected)


def test_the_event_names_the_one_line_or_none(trio: list[User], published: list[dict[str, Any]]) -> None:
    line = line_of(trio[0], Kind.REACTION, "post:1")
    services.mark_read(notification=line)
    services.mark_all_read(member=trio[0])
    services.delete_notifications_between(one=trio[0], two=trio[1])
    assert [each["event"]["notification"] for each in published] == [line.pk, None, None, None]
