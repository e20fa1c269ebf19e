"""Which digests are sent, when, once each, and what the mail contains."""

import logging
from collections.abc import Callable
from datetime import time, timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.models import OutgoingMail, QueuedTask
from core.outgoing_mail import add_to_outbox
from feed.tests.factories import answer, say
from network.services import invite_member
from notifications import services, tasks
from notifications.digest import mailing
from notifications.digest.schedule import Frequency
from notifications.models import DigestSchedule
from tests.cases import all_cases, rolled_back
from tests.cast import client_of, make_member
from users.models import User

from .digests import add_school, make_due, make_schoolmate, send_digests
from .factories import HOSTILE, LINK, Commit

pytestmark = pytest.mark.django_db


@pytest.fixture
def invited(alice: User, charlie: User) -> User:
    """Alice, to whom Charlie has sent an invitation."""
    invite_member(inviter=charlie, invitee=alice)
    return alice


def schedule_of(member: User) -> DigestSchedule:
    return DigestSchedule.objects.get(member=member)


def test_a_digest_is_sent_once_and_the_next_one_is_scheduled(invited: User, committed: Commit) -> None:
    make_due(invited)
    (message,) = send_digests(committed)
    assert message.to == ["alice@example.org"]
    assert message.subject == "1 invitation waits"
    assert message.extra_headers["Precedence"] == "bulk"
    row = schedule_of(invited)
    assert row.next_at
    assert row.next_at > timezone.now()
    assert row.mailed_at == row.covered_until
    assert send_digests(committed) == []
    # The invitation is no news any more.
    DigestSchedule.objects.update(next_at=timezone.now())
    assert send_digests(committed) == []
    assert schedule_of(invited).mailed_at == row.mailed_at
    assert schedule_of(invited).covered_until != row.covered_until


def test_nothing_to_say_is_no_mail_and_the_period_counts_as_covered(alice: User, committed: Commit) -> None:
    make_due(alice)
    assert send_digests(committed) == []
    row = schedule_of(alice)
    assert row.mailed_at is None
    assert row.covered_until
    assert row.last_day
    assert row.next_at
    assert row.next_at > timezone.now()


def test_who_gets_no_digest(invited: User, committed: Commit) -> None:
    users, addresses = User.objects.filter(pk=invited.pk), EmailAddress.objects.filter(user=invited)
    table: dict[str, Callable[[], object]] = {
        "suspended": lambda: users.update(suspended_at=timezone.now()),
        "deactivated": lambda: users.update(is_active=False),
        "not confirmed": lambda: users.update(joined_at=None),
        "address not verified": lambda: addresses.update(verified=False),
        "another address is verified": lambda: addresses.update(email="other@example.org"),
        "deleted": users.delete,
        "turned off": lambda: services.set_digest(member=invited, frequency=Frequency.OFF),
    }
    make_due(invited)
    with all_cases() as case:
        for name, act in table.items():
            with case(name), rolled_back():
                act()
                assert send_digests(committed) == []
                assert not DigestSchedule.objects.filter(next_at__lte=timezone.now()).exists()


def test_in_quiet_hours_the_digest_waits_until_they_end(invited: User, committed: Commit) -> None:
    make_due(invited)
    now = timezone.now().replace(hour=7, minute=0)
    DigestSchedule.objects.update(next_at=now)
    services.set_quiet_hours(member=invited, start=time(6), end=time(9, 30), zone="UTC")
    assert send_digests(committed, now) == []
    assert schedule_of(invited).next_at == now.replace(hour=9, minute=30, second=0, microsecond=0)
    assert len(send_digests(committed, now + timedelta(hours=3))) == 1
    assert schedule_of(invited).last_day == now.date()


def test_one_failure_does_not_stop_the_others(
    invited: User, committed: Commit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mona = make_member("mona", name="Broken")
    make_due(mona, invited)
    sent = mailing.find_recipient

    def fail(member_id: int) -> User | None:
        if member_id == mona.pk:
            raise RuntimeError("as it happens")
        return sent(member_id)

    monkeypatch.setattr(mailing, "find_recipient", fail)
    with caplog.at_level(logging.ERROR):
        assert [message.to for message in send_digests(committed)] == [["alice@example.org"]]
    assert f"the digest of member {mona.pk} could not be sent" in caplog.text
    later = schedule_of(mona)
    assert later.next_at
    assert later.next_at - timezone.now() < mailing.RETRY
    assert later.covered_until is None


def test_a_batch_ends_and_the_next_task_goes_on(
    committed: Commit, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [make_member(f"m{number}") for number in range(5)]
    for member in members:
        invite_member(inviter=charlie, invitee=member)
    make_due(*members)
    monkeypatch.setattr(mailing, "BATCH", 2)
    with CaptureQueriesContext(connection) as captured:
        assert mailing.send_batch()
    assert OutgoingMail.objects.count() == 2
    assert len(captured) <= 60
    # The executor of the tests goes on at once, after the commit.
    with committed():
        tasks.start_digests()
    assert not DigestSchedule.objects.filter(next_at__lte=timezone.now()).exists()
    assert not QueuedTask.objects.filter(name=tasks.DIGESTS).exists()


def test_digests_wait_while_much_mail_waits(invited: User, monkeypatch: pytest.MonkeyPatch) -> None:
    make_due(invited)
    monkeypatch.setattr(mailing, "MAX_OUTBOX", 2)
    for number in range(3):
        add_to_outbox(recipient=f"m{number}@example.org", subject="x", text="x", html="", headers={})
    tasks.send_digests()
    assert OutgoingMail.objects.count() == 3
    waiting = QueuedTask.objects.get(key=tasks.DIGESTS)
    assert waiting.due_at > timezone.now()
    OutgoingMail.objects.all().delete()
    tasks.send_digests()
    assert OutgoingMail.objects.get().recipient == invited.email


def test_new_members_get_a_weekly_digest_in_the_zone_of_their_quiet_hours(alice: User, bob: User) -> None:
    make_member("eve", joined_at=None)
    services.set_quiet_hours(member=bob, start=time(22), end=time(7), zone="Europe/Berlin")
    tasks.add_digest_schedules()
    tasks.add_digest_schedules()
    rows = {row.member_id: (row.frequency, row.zone) for row in DigestSchedule.objects.all()}
    assert rows == {alice.pk: ("weekly", ""), bob.pk: ("weekly", "Europe/Berlin")}
    with override_settings(DIGEST_DEFAULT="off"):
        mona = make_member("mona")
        tasks.add_digest_schedules()
    assert (schedule_of(mona).frequency, schedule_of(mona).next_at) == ("off", None)


def test_both_parts_say_what_each_link_opens(invited: User, bob: User, committed: Commit) -> None:
    add_school(invited)
    make_schoolmate("eve", name="Eve & <b>", headline=HOSTILE.replace("\r\n", " "))
    answer(say(bob, "The **new** quay"), make_member("dan"))
    make_due(invited)
    (message,) = send_digests(committed)
    html = str(message.alternatives[0][0])
    assert message.subject == "Eve & <b> from Universität Graz joined, 1 invitation waits"
    assert "Eve &amp; &lt;b&gt;" in html
    assert "<script>" not in html
    assert "\nEve & <b>\nUniversität Graz · " in message.body
    assert "\nBob\n1 answer · The new quay\nSee the post:\nhttp://localhost:8000/posts/" in message.body
    lines = message.body.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("http"):
            assert lines[number - 1].endswith(":"), line
    browser = client_of(invited)
    paths = set(LINK.findall(html)) | set(LINK.findall(str(message.body)))
    assert len(paths) >= 6
    with all_cases() as case:
        for path in paths:
            with case(path):
                assert browser.get(path).status_code == 200
    assert set(LINK.findall(html)) == {path for path in paths if path in message.body}


@pytest.mark.postgres_only
def test_due_digests_are_found_by_their_index(db: None) -> None:
    users = User.objects.bulk_create(
        [User(username=f"u{number}", email=f"u{number}@example.org") for number in range(3000)]
    )
    soon = timezone.now() + timedelta(days=3)
    DigestSchedule.objects.bulk_create([DigestSchedule(member=user, next_at=soon) for user in users])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_digestschedule")
    due = DigestSchedule.objects.filter(next_at__lte=timezone.now()).order_by("next_at", "pk")[:1]
    assert "notifications_digest_due" in due.explain()


def test_another_choice_does_not_skip_a_digest_that_is_due(invited: User) -> None:
    due = timezone.now() - timedelta(minutes=1)
    waiting = timezone.now() + timedelta(minutes=30)
    with all_cases() as case:
        for name, next_at, weekday, expected in (
            ("the same choice", due, 0, due),
            ("the same choice in quiet hours", waiting, 0, waiting),
            ("another day", due, 3, due),
        ):
            with case(name):
                services.set_digest(member=invited, frequency=Frequency.WEEKLY, weekday=0)
                DigestSchedule.objects.filter(member=invited).update(next_at=next_at)
                services.set_digest(member=invited, frequency=Frequency.WEEKLY, weekday=weekday)
                assert DigestSchedule.objects.get(member=invited).next_at == expected
        with case("off"):
            services.set_digest(member=invited, frequency=Frequency.OFF)
            assert DigestSchedule.objects.get(member=invited).next_at is None
