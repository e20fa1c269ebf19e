"""Which mail is sent, when, and what it contains."""

import re
from datetime import time, timedelta

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from feed.models import Post
from feed.services import delete_comment, delete_post
from feed.tests.factories import answer, react, say
from messaging.models import Presence
from network.models import Block
from network.services import follow_member, invite_member, withdraw_invitation
from notifications import services
from notifications.kinds import Channel, Kind
from notifications.mailing import members_with_due_mail, send_due
from notifications.models import Notification, QuietHours
from tests.cast import make_member
from users.models import User

from .factories import HOSTILE, LINK, Commit, mark_visible, row_of, stop_link, take_mails

pytestmark = pytest.mark.django_db


@pytest.fixture
def post(alice: User) -> Post:
    return say(alice, "My first day")


def test_a_comment_is_mailed_with_text_and_links(post: Post, charlie: User, committed: Commit) -> None:
    with committed():
        answer(post, charlie, "Good luck & **welcome**")
    (message,) = take_mails()
    assert message.to == ["alice@example.org"]
    assert message.subject == "Charlie commented on your post"
    assert "\n> Good luck & welcome\n" in message.body
    assert f"http://localhost:8000/notifications/{row_of(post.author).pk}/" in message.body
    ((html, kind),) = message.alternatives
    assert kind == "text/html"
    assert "Good luck &amp; welcome" in str(html)


def test_no_mail_leaves_when_the_change_is_rolled_back(post: Post, charlie: User, committed: Commit) -> None:
    with committed(), transaction.atomic():
        answer(post, charlie)
        transaction.set_rollback(True)
    assert take_mails() == []


def test_an_unread_notification_is_mailed_once(
    post: Post, charlie: User, mona: User, committed: Commit
) -> None:
    for member in (charlie, mona, charlie):
        with committed():
            answer(post, member)
    assert len(take_mails()) == 1
    # Nor later, while nobody reads it.
    assert row_of(post.author).mail_due_at is None
    services.mark_read(notification=row_of(post.author))
    with committed():
        answer(post, mona)
    assert len(take_mails()) == 1


def test_a_notification_whose_activities_were_undone_is_mailed_again_an_hour_later(
    post: Post, charlie: User, mona: User, committed: Commit
) -> None:
    with committed():
        comment = answer(post, charlie)
    assert len(take_mails()) == 1
    delete_comment(comment=comment)
    with committed():
        answer(post, mona)
        assert not send_due(member_id=post.author_id, now=timezone.now() + timedelta(minutes=58))
        assert send_due(member_id=post.author_id, now=timezone.now() + timedelta(minutes=61))
    (message,) = take_mails()
    assert message.subject == "Mona commented on your post"


def test_the_headers_let_a_program_unsubscribe(post: Post, charlie: User, committed: Commit) -> None:
    with committed():
        answer(post, charlie)
    (message,) = take_mails()
    assert re.fullmatch(
        r"<http://localhost:8000/notifications/unsubscribe/[\w.-]+/>",
        message.extra_headers["List-Unsubscribe"],
    )
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert stop_link(message) in message.body
    assert stop_link(message) in str(message.alternatives[0][0])
    assert message.message().as_bytes().count(b"List-Unsubscribe:") == 1


def test_kinds_that_are_not_mailed_by_default_are_not_mailed(
    post: Post, charlie: User, committed: Commit
) -> None:
    with committed():
        react(post, charlie)
    assert take_mails() == []
    services.set_preferences(member=post.author, choices={(Kind.REACTION, Channel.MAIL): True})
    Notification.objects.all().delete()
    with committed():
        react(say(post.author), charlie)
    assert len(take_mails()) == 1


def test_a_member_who_turned_mail_off_gets_none(post: Post, charlie: User, committed: Commit) -> None:
    services.set_preferences(member=post.author, choices={(Kind.COMMENT, Channel.MAIL): False})
    with committed():
        answer(post, charlie)
    assert take_mails() == []


def test_hostile_text_stays_text(post: Post, charlie: User, committed: Commit) -> None:
    User.objects.filter(pk=charlie.pk).update(name=HOSTILE[:80])
    charlie.refresh_from_db()
    with committed():
        answer(post, charlie, "<img src=x onerror=alert(1)> {{ settings }} javascript:alert(1)")
    (message,) = take_mails()
    assert "\n" not in message.subject
    assert "\r" not in message.subject
    headers = message.message().as_string().partition("\n\n")[0]
    assert not re.search(r"^Bcc:", headers, re.MULTILINE)
    html = str(message.alternatives[0][0])
    assert "<script" not in html
    assert "<img" not in html


def test_mail_to_an_active_member_waits_until_it_stays_unread(
    post: Post, charlie: User, committed: Commit
) -> None:
    mark_visible(post.author)
    with committed():
        answer(post, charlie)
    assert take_mails() == []
    Presence.objects.all().delete()
    assert not send_due(member_id=post.author_id, now=timezone.now() + timedelta(minutes=14))
    with committed():
        assert send_due(member_id=post.author_id, now=timezone.now() + timedelta(minutes=15, seconds=30))
    assert len(take_mails()) == 1


def test_a_notification_that_was_read_is_not_mailed(post: Post, charlie: User, committed: Commit) -> None:
    mark_visible(post.author)
    with committed():
        answer(post, charlie)
    services.mark_read(notification=row_of(post.author))
    Presence.objects.all().delete()
    assert not send_due(member_id=post.author_id, now=timezone.now() + timedelta(hours=1))


# -- Quiet hours and the command ---------------------------------------------------------------


@pytest.fixture
def quiet(alice: User) -> None:
    """Alice's quiet hours: all day but for the last minute."""
    services.set_quiet_hours(member=alice, start=time(0), end=time(23, 59, 59), zone="UTC")


def sent() -> int:
    """How many mails the command sends now."""
    before = len(take_mails())
    assert before == 0
    call_command("send_due_notifications", verbosity=0)
    return len(take_mails())


def make_due() -> None:
    """The quiet hours are over."""
    QuietHours.objects.all().delete()
    Notification.objects.exclude(mail_due_at=None).update(mail_due_at=timezone.now() - timedelta(minutes=1))


def test_in_quiet_hours_mail_waits(
    post: Post, quiet: None, charlie: User, committed: Commit, capsys: pytest.CaptureFixture[str]
) -> None:
    with committed():
        answer(post, charlie)
        assert sent() == 0
    row = row_of(post.author)
    assert row.mail_due_at
    assert row.mail_due_at.time().replace(microsecond=0) == time(23, 59, 59)
    assert take_mails() == []


def test_after_quiet_hours_waiting_mail_is_one_mail(
    post: Post, quiet: None, charlie: User, committed: Commit, capsys: pytest.CaptureFixture[str]
) -> None:
    with committed():
        answer(post, charlie)
        answer(say(post.author, "Another"), charlie)
        invite_member(inviter=charlie, invitee=post.author)
    make_due()
    with committed():
        call_command("send_due_notifications")
    (message,) = take_mails()
    assert message.subject == "Charlie asked to connect with you, and 2 more"
    assert message.body.count("commented on your post") == 2
    with committed():
        call_command("send_due_notifications")
    assert take_mails() == []
    assert capsys.readouterr().out == "1 mails were sent.\n0 mails were sent.\n"


def test_newly_set_quiet_hours_delay_waiting_mail(
    post: Post, quiet: None, charlie: User, committed: Commit
) -> None:
    with committed():
        answer(post, charlie)
    for is_reading in (False, True):
        if is_reading:
            mark_visible(post.author)
        Notification.objects.update(mail_due_at=timezone.now() - timedelta(minutes=1))
        with committed():
            assert not send_due(member_id=post.author_id)
        due = row_of(post.author).mail_due_at
        assert due
        assert due.time().replace(microsecond=0) == time(23, 59, 59)
    assert take_mails() == []


@pytest.mark.parametrize("change", ["deleted", "blocked", "unwanted", "not chosen", "suspended", "read"])
def test_what_changed_while_it_waited_is_not_mailed(
    post: Post, quiet: None, charlie: User, committed: Commit, change: str
) -> None:
    alice = post.author
    with committed():
        answer(post, charlie)
    match change:
        case "deleted":
            delete_post(post=post)
        case "blocked":
            Block.objects.create(blocker=charlie, blocked=alice)
        case "unwanted":
            services.stop_mail(member=alice, kinds=[Kind.COMMENT])
        case "not chosen":
            services.set_preferences(member=alice, choices={(Kind.COMMENT, Channel.MAIL): False})
        case "suspended":
            User.objects.filter(pk=alice.pk).update(suspended_at=timezone.now())
        case "read":
            services.mark_all_read(member=alice)
    make_due()
    with committed():
        assert not send_due(member_id=alice.pk)
    assert take_mails() == []
    assert not Notification.objects.exclude(mail_due_at=None).exists()


def test_a_mail_takes_what_is_due_for_its_member_and_leaves_the_rest(
    alice: User, bob: User, charlie: User, quiet: None, committed: Commit
) -> None:
    Notification.objects.all().delete()
    services.set_quiet_hours(member=bob, start=time(0), end=time(23, 59, 59), zone="UTC")
    with committed():
        for author in (alice, bob):
            for text in ("now", "later", "read"):
                answer(say(author, text), charlie, f"{author.username} {text}")
    make_due()
    now = timezone.now()
    Notification.objects.filter(post__text="later").update(mail_due_at=now + timedelta(seconds=1))
    # As another program may leave it: whoever reads it takes its mail away too.
    Notification.objects.filter(post__text="read").update(read_at=now)
    rest = Notification.objects.exclude(recipient=alice, post__text="now").order_by("pk")
    before = list(rest.values())
    with committed():
        assert send_due(member_id=alice.pk, now=now)
    (message,) = take_mails()
    assert [f"alice {text}" in message.body for text in ("now", "later", "read")] == [True, False, False]
    assert list(rest.values()) == before
    assert members_with_due_mail(now) == [bob.pk]
    assert members_with_due_mail(now + timedelta(seconds=1)) == [alice.pk, bob.pk]


def test_a_suspended_member_gets_no_mail_about_an_invitation_either(
    alice: User, charlie: User, quiet: None, committed: Commit
) -> None:
    with committed():
        invite_member(inviter=charlie, invitee=alice)
    User.objects.filter(pk=alice.pk).update(suspended_at=timezone.now())
    make_due()
    with committed():
        assert not send_due(member_id=alice.pk)
    assert take_mails() == []


def test_a_mail_that_cannot_be_made_keeps_no_other_back(
    alice: User, bob: User, charlie: User, committed: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for member in (alice, bob):
        services.set_quiet_hours(member=member, start=time(0), end=time(23, 59, 59), zone="UTC")
    with committed():
        answer(say(alice), charlie)
        answer(say(bob), charlie)
    make_due()
    Notification.objects.filter(recipient=alice).update(kind="unheard")
    with committed():
        call_command("send_due_notifications", verbosity=0)
    assert [message.to for message in take_mails()] == [["bob@example.org"]]


def test_all_members_mentioned_in_a_comment_are_mailed_immediately(alice: User, committed: Commit) -> None:
    members = [make_member(f"member{number:02}") for number in range(15)]
    for member in members:
        follow_member(follower=member, followed=alice)
    with committed():
        say(alice, " ".join(f"@{member.username}" for member in members))
    assert len(take_mails()) == 15


def test_a_long_mail_ends_with_a_link_to_the_rest(alice: User, charlie: User, committed: Commit) -> None:
    services.set_quiet_hours(member=alice, start=time(0), end=time(23, 59, 59), zone="UTC")
    with committed():
        for number in range(23):
            answer(say(alice, f"Post {number}"), charlie)
    make_due()
    with committed():
        send_due(member_id=alice.pk)
    (message,) = take_mails()
    assert "And 3 more" in message.body
    assert (
        len([path for path in LINK.findall(str(message.body)) if re.fullmatch(r"/notifications/\d+/", path)])
        == 20
    )


# -- Mail without a page -------------------------------------------------------------------------


def test_inviting_again_and_again_fills_no_mailbox(alice: User, charlie: User, committed: Commit) -> None:
    for _time in range(4):
        with committed():
            connection = invite_member(inviter=charlie, invitee=alice)
        with committed():
            withdraw_invitation(connection=connection, by=charlie)
    assert len(take_mails()) == 1


def test_the_next_one_waits_for_the_end_of_quiet_hours_that_are_longer_than_an_hour(
    post: Post, charlie: User, committed: Commit
) -> None:
    services.set_preferences(member=post.author, choices={(Kind.COMMENT, Channel.PAGE): False})
    with committed():
        answer(post, charlie)
    services.set_quiet_hours(member=post.author, start=time(0), end=time(23, 59, 59), zone="UTC")
    with committed():
        answer(post, charlie)
    waiting = Notification.objects.get(read_at=None)
    assert waiting.mail_due_at
    assert waiting.mail_due_at >= timezone.now().replace(hour=23, minute=59, second=59, microsecond=0)


def test_a_mail_only_member_gets_the_next_one_an_hour_later(
    post: Post, charlie: User, committed: Commit
) -> None:
    services.set_preferences(member=post.author, choices={(Kind.COMMENT, Channel.PAGE): False})
    # What was mailed of another kind, of another post, or to another member keeps nothing back.
    for member, kind, key in (
        (post.author, Kind.REPLY, f"post:{post.pk}"),
        (post.author, Kind.COMMENT, "post:0"),
        (charlie, Kind.COMMENT, f"post:{post.pk}"),
    ):
        Notification.objects.create(
            recipient=member, kind=kind, key=key, mailed_at=timezone.now(), read_at=timezone.now()
        )
    for _time in range(3):
        with committed():
            answer(post, charlie)
    assert len(take_mails()) == 1
    with committed():
        assert not send_due(member_id=post.author_id, now=timezone.now() + timedelta(minutes=58))
        assert send_due(member_id=post.author_id, now=timezone.now() + timedelta(minutes=61))
    assert len(take_mails()) == 1
