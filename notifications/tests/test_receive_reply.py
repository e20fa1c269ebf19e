"""Answers by mail: what is posted, for whom, and how often; what is refused, and what the member reads then."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core import mail as outgoing
from django.core.cache import cache
from django.test import override_settings

from core.inbound_mail import ACCEPTED, Outcome, make_address, read_address, receive_message
from core.text.cleaning import LONGEST_TEXT
from feed.models import Comment, Post
from feed.services import delete_comment, delete_post
from feed.tests.factories import answer, say
from messaging.models import Conversation, Entry
from messaging.services import leave_conversation, start_direct, start_group
from messaging.tests.factories import send, unread_of
from network.services import block_member, remove_connection
from notifications.mailing import send_due
from notifications.models import Notification
from notifications.replies.reply_addresses import VALID_FOR
from tests.cases import all_cases, rolled_back
from users.audience import Audience
from users.models import User

from .factories import Commit, take_mails
from .reply_mails import mail, original, quoted

pytestmark = pytest.mark.django_db

DOMAIN = "reply.example.org"
INTRODUCTION = "On Mon, 30 Nov 2026 at 15:04, LinkUp wrote:"
REPLY = f"At nine.\n\n{INTRODUCTION}\n{quoted()}\n"


@pytest.fixture(autouse=True)
def replies() -> Iterator[None]:
    with override_settings(REPLY_DOMAIN=DOMAIN):
        yield


@pytest.fixture
def chat(alice: User, bob: User) -> Conversation:
    return start_direct(by=bob, other=alice)


@pytest.fixture
def mailed(alice: User, committed: Commit) -> Callable[..., str]:
    """The address by which Alice answers the mail about what `act` does."""

    def after(act: Callable[[], object]) -> str:
        outgoing.outbox.clear()
        Notification.objects.all().delete()
        with committed():
            act()
        (message,) = [message for message in take_mails() if message.to == [alice.email]]
        return str(message.extra_headers.get("Reply-To", ""))

    return after


def receive(recipient: str, content: bytes | str = REPLY, **headers: str) -> Outcome:
    """Receive a reply of Alice, with `headers` added or, by the same name, replaced."""
    raw = mail(content) if isinstance(content, str) else content
    for name, value in headers.items():
        field = name.replace("_", "-").encode()
        kept = [line for line in raw.split(b"\r\n") if not line.startswith(field + b":")]
        raw = b"\r\n".join([field + b": " + value.encode(), *kept])
    return receive_message(recipient=recipient, content=raw)


def texts_of(chat: Conversation, author: User) -> list[str]:
    return [entry.text for entry in Entry.objects.filter(conversation=chat, author=author).order_by("seq")]


def test_an_answer_to_a_message_is_posted_once_and_the_next_message_is_mailed(
    chat: Conversation, alice: User, bob: User, mailed: Callable[..., str]
) -> None:
    address = mailed(lambda: send(chat, bob, "When?"))
    assert len(address.partition("@")[0]) <= 64
    for recipient in (address, address.upper()):
        assert receive(recipient) == ACCEPTED
    assert texts_of(chat, alice) == ["At nine."]
    assert (unread_of(chat, alice), unread_of(chat, bob)) == (0, 1)
    again = mailed(lambda: send(chat, bob, "Good."))
    assert receive(again) == ACCEPTED  # the same mail, another question
    assert len(texts_of(chat, alice)) == 2


def test_a_message_after_the_answered_mail_stays_unread_and_is_mailed(
    chat: Conversation, alice: User, bob: User, mailed: Callable[..., str], committed: Commit
) -> None:
    address = mailed(lambda: send(chat, bob, "When?"))
    send(chat, bob, "And where?")
    with committed():
        assert receive(address) == ACCEPTED
    assert unread_of(chat, alice) == 1
    assert [message.subject for message in take_mails() if message.to == [alice.email]] == [
        "Bob wrote to you"
    ]


def test_an_answer_to_a_comment_is_a_reply_to_it_and_reads_its_notification(
    alice: User, bob: User, mailed: Callable[..., str]
) -> None:
    post = say(alice)
    address = mailed(lambda: answer(post, bob))
    assert receive(address) == receive(address) == ACCEPTED
    comment = Comment.objects.get(author=bob)
    assert [(each.text, each.parent) for each in Comment.objects.filter(author=alice)] == [
        ("At nine.", comment)
    ]
    assert not Notification.objects.filter(recipient=alice).unread().exists()
    # A reply in the same thread is answered in it.
    address = mailed(lambda: answer(post, bob, "Fine", parent=comment))
    assert receive(address, Message_ID="<a2@example.org>") == ACCEPTED
    assert Comment.objects.filter(author=alice, parent=comment).count() == 2


def test_a_mail_about_several_comments_cannot_be_answered(
    alice: User, bob: User, charlie: User, mailed: Callable[..., str]
) -> None:
    post = say(alice)
    assert mailed(lambda: (answer(post, bob), answer(post, charlie))) == ""


def test_an_answer_leaves_a_later_comment_unread(alice: User, bob: User, mailed: Callable[..., str]) -> None:
    post = say(alice)
    address = mailed(lambda: answer(post, bob))
    answer(post, bob, "And one more")
    assert receive(address) == ACCEPTED
    assert Notification.objects.filter(recipient=alice).unread().exists()


def test_only_a_mail_about_one_message_or_comment_can_be_answered(
    chat: Conversation, alice: User, bob: User, charlie: User, mailed: Callable[..., str]
) -> None:
    post = say(alice)
    with override_settings(REPLY_DOMAIN=""):
        assert mailed(lambda: send(chat, bob)) == ""
    assert mailed(lambda: (answer(post, bob), answer(say(alice), bob))) == ""
    assert mailed(lambda: say(bob, "Hello @alice")) == ""


def test_a_message_that_can_be_answered_is_in_its_mail(
    chat: Conversation, alice: User, bob: User, committed: Commit
) -> None:
    Notification.objects.all().delete()
    with committed():
        send(chat, bob, "**When** do we meet?\n\n" + "x " * 400)
    (message,) = take_mails()
    for text in (str(message.body), str(message.alternatives[0][0])):
        assert "When do we meet? x x" in " ".join(text.replace("\n> ", " ").split())
        assert text.count("-=#=-") == 2
    assert max(map(len, str(message.body).splitlines())) < 200


def test_a_mail_shows_what_is_unread_and_more_stays_unread_after_an_answer(
    chat: Conversation, alice: User, bob: User, committed: Commit
) -> None:
    with all_cases() as case:
        for number, left in ((3, 0), (6, 6)):
            with case(number), rolled_back():
                Notification.objects.all().delete()
                for each in range(number):
                    send(chat, bob, f"Message {each}.")
                with committed():
                    send_due(member_id=alice.pk)
                (message,) = take_mails()
                shown = [f"Message {each}." in str(message.body) for each in range(number)]
                assert shown == [each >= number - 5 for each in range(number)]
                assert receive(str(message.extra_headers["Reply-To"])) == ACCEPTED
                assert unread_of(chat, alice) == left


def test_no_other_address_posts(
    chat: Conversation, alice: User, bob: User, charlie: User, mailed: Callable[..., str]
) -> None:
    good = mailed(lambda: send(chat, bob))
    verified = read_address(good)
    old = datetime.now(UTC).date() - VALID_FOR - timedelta(days=1)
    number = verified.numbers
    refused = {
        "forged": f"reply+{'a' * 40}@{DOMAIN}",
        "tampered": good.replace(good[12], "b" if good[12] != "b" else "c", 1),
        "expired": make_address("reply", DOMAIN, *number, issued=old),
        "another domain": make_address("reply", "other.example", *number),
        "another version": make_address("reply", DOMAIN, *number[:2]),
        "unknown kind": make_address("reply", DOMAIN, number[0], 9, *number[2:]),
        "no member": make_address("reply", DOMAIN, 10**9, *number[1:]),
        "of another member": make_address("reply", DOMAIN, charlie.pk, *number[1:]),
    }
    with all_cases() as case:
        for name, address in refused.items():
            with case(name):
                assert receive(address).code == 550
        for name, headers in {
            "foreign": {"From": "eve@example.org"},
            "two": {"From": "alice@example.org, eve@example.org"},
            "name alone": {"From": '"alice@example.org" <eve@example.org>'},
            "none": {"From": ""},
            "subdomain": {"From": "alice@example.org.evil.example"},
        }.items():
            with case(name):
                assert receive(good, **headers).code == 550
    assert not texts_of(chat, alice)
    assert not take_mails()
    assert receive(good, From="=?utf-8?q?Alice?= <ALICE@Example.ORG>") == ACCEPTED


def test_members_who_are_gone_do_not_post(
    chat: Conversation, alice: User, bob: User, mailed: Callable[..., str]
) -> None:
    address = mailed(lambda: send(chat, bob))
    for change in ({"is_active": False}, {"suspended_at": datetime.now(UTC)}):
        with rolled_back():
            User.objects.filter(pk=alice.pk).update(**change)
            assert receive(address).status == "5.1.1"
    alice.delete()
    assert receive(address).status == "5.1.1"
    assert not take_mails()


def test_automatic_mail_is_dropped_silently(
    chat: Conversation, alice: User, bob: User, mailed: Callable[..., str]
) -> None:
    address = mailed(lambda: send(chat, bob))
    with all_cases() as case:
        for name, value in [
            ("Auto-Submitted", "auto-replied"),
            ("Auto-Submitted", "auto-generated (rejected)"),
            ("Precedence", "BULK"),
            ("Precedence", "auto_reply"),
            ("X-Auto-Response-Suppress", "All"),
            ("List-Id", "<list.example.org>"),
            ("Return-Path", "<>"),
            ("Content-Type", "multipart/report; boundary=x"),
            ("Received", "from a by b\r\nReceived: from c by d" * 40),
        ]:
            with case(f"{name}: {value[:40]}"):
                assert receive(address, **{name: value}) == ACCEPTED
    assert not texts_of(chat, alice)
    assert not take_mails()
    assert receive(address, Auto_Submitted="no") == ACCEPTED
    assert texts_of(chat, alice) == ["At nine."]


def refused_contents() -> dict[str, tuple[bytes | str, str]]:
    """Mails that are not posted, and the reason that the member reads."""
    head = mail("").replace(b"text/plain; charset=utf-8", b"multipart/mixed; boundary=x")
    attached = (
        b"--x\r\nContent-Type: text/plain\r\n\r\nSee the plan.\r\n--x\r\nContent-Type: application/pdf\r\n"
        b"Content-Disposition: attachment; filename=plan.pdf\r\n\r\n%PDF\r\n--x--\r\n"
    )
    lines = "\n".join(f"line {number}" for number in range(10_000))
    folded = quoted("The first line that is quoted here is long enough to be folded by a mail")
    return {
        "quotation": (f"{INTRODUCTION}\n{quoted()}\n", "only a quotation"),
        "empty": ("", "only a quotation"),
        "blank": (" \n\u200b\n", "only a quotation"),
        "mark first": (original()[0], "only a quotation"),
        "1 MB": ("x" * 1_000_000, "too long"),
        "10,000 lines": (lines, "too long"),
        "10,001 characters": ("y" * 10_001, "at most 10000 characters"),
        "unclear": (f"{quoted()}\n{folded}\nprogram\n{quoted()}\n", "tell your words"),
        "attachment": (head + attached, "Attachments cannot"),
    }


def test_what_is_not_posted_is_returned_with_the_reason(
    chat: Conversation, alice: User, bob: User, mailed: Callable[..., str], committed: Commit
) -> None:
    address = mailed(lambda: send(chat, bob))
    with all_cases() as case:
        for name, (content, reason) in refused_contents().items():
            with case(name):
                cache.clear()
                with committed():
                    assert receive(address, content) == ACCEPTED
                (message,) = take_mails()
                assert reason in message.body
                assert message.to == [alice.email]
                assert message.extra_headers["Auto-Submitted"] == "auto-replied"
                assert message.extra_headers["In-Reply-To"] == "<a1@example.org>"
                assert len(message.body) < LONGEST_TEXT
                assert f"/messages/{chat.pk}/" in message.body
    assert not texts_of(chat, alice)


def test_one_refusal_is_mailed_a_day_and_the_mail_server_returns_the_others(
    chat: Conversation, alice: User, bob: User, mailed: Callable[..., str], committed: Commit
) -> None:
    address = mailed(lambda: send(chat, bob))
    long = "Too long\n" * 2000
    with committed():
        assert receive(address, long) == receive(address, long) == ACCEPTED
        assert receive(address, long, Message_ID="<a2@example.org>").code == 550
    (message,) = take_mails()
    assert "Too long\nToo long" in message.body


def test_the_rules_of_the_pages_hold(
    chat: Conversation, alice: User, bob: User, charlie: User, mailed: Callable[..., str], committed: Commit
) -> None:
    group = start_group(by=alice, members=[bob], title="Plans")
    post, narrow = say(alice), say(bob, audience=Audience.CONNECTIONS)
    in_chat = mailed(lambda: send(chat, bob))
    in_group = mailed(lambda: send(group, bob))
    to_comment = mailed(lambda: answer(post, bob))
    own = answer(narrow, alice)
    to_reply = mailed(lambda: answer(narrow, bob, parent=own))
    comment = Comment.objects.get(post=post, author=bob)
    refused: dict[str, tuple[str, Callable[[], object], str]] = {
        "left": (in_group, lambda: leave_conversation(conversation=group, member=alice), "not in this conversation"),
        "blocked": (in_chat, lambda: block_member(blocker=bob, blocked=alice), "cannot be reached"),
        "account gone": (in_chat, lambda: User.objects.filter(pk=bob.pk).delete(), "cannot be reached"),
        "comment deleted": (to_comment, lambda: delete_comment(comment=comment), "no longer there"),
        "post deleted": (to_comment, lambda: delete_post(post=post), "no longer there"),
        "author blocked": (to_comment, lambda: block_member(blocker=bob, blocked=alice), "no longer there"),
        "no connection": (to_reply, lambda: remove_connection(member=alice, other=bob), "no longer there"),
        "audience grew": (to_reply, lambda: Post.objects.update(audience=Audience.MEMBERS), "More people"),
    }  # fmt: skip
    with all_cases() as case:
        for name, (address, change, reason) in refused.items():
            with case(name), rolled_back():
                cache.clear()
                with committed():
                    change()
                    assert receive(address) == ACCEPTED
                (message,) = [message for message in take_mails() if message.to == [alice.email]]
                assert reason in message.body
                assert "At nine." in message.body
                assert not Entry.objects.filter(author=alice, text="At nine.").exists()
                assert not Comment.objects.filter(author=alice, text="At nine.").exists()


def test_the_limits_of_members_hold_for_answers(
    alice: User, bob: User, mailed: Callable[..., str], committed: Commit
) -> None:
    post = say(alice)
    address = mailed(lambda: answer(post, bob))
    limits = {**settings.MEMBER_LIMITS, "comment": ((1, 86_400),)}
    with override_settings(MEMBER_LIMITS_FACTOR=1, MEMBER_LIMITS=limits):
        for number in range(2):
            with committed():
                receive(address, Message_ID=f"<n{number}@example.org>")
    assert Comment.objects.filter(author=alice).count() == 1
    (message,) = [message for message in take_mails() if message.to == [alice.email]]
    assert "Too many for one day" in message.body


def test_odd_mails_are_posted_as_they_read(
    chat: Conversation, alice: User, bob: User, mailed: Callable[..., str]
) -> None:
    address = mailed(lambda: send(chat, bob))
    picture = (
        b"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nWith a logo\r\n--x\r\nContent-Type: image/png\r\n"
        b"Content-ID: <logo>\r\nContent-Disposition: inline; filename=logo.png\r\n\r\nxx\r\n--x--\r\n"
    )
    head = mail("").replace(b"text/plain; charset=utf-8", b"multipart/related; boundary=x")
    posted: dict[str, tuple[bytes | str, str]] = {
        "HTML": (mail("<p>One <b>bold</b> word</p><script>x</script>", kind="html"), "One bold word"),
        "windows-1252": (mail("„Grüße“ – €", charset="windows-1252", codec="cp1252"), "„Grüße“ – €"),
        "NUL": ("Nul\x00 and \x07bell", "Nul and bell"),
        "interleaved": (f"{quoted()}\n\nYes.\n\n{quoted()}\n\nNo.\n", "Yes.\n\nNo."),
        "logo": (head + picture, "With a logo"),
    }
    with all_cases() as case:
        for number, (name, (content, expected)) in enumerate(posted.items()):
            with case(name):
                assert receive(address, content, Message_ID=f"<p{number}@example.org>") == ACCEPTED
                assert texts_of(chat, alice)[-1] == expected
