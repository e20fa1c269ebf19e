"""The subject, parts and headers of a mail, for each kind and for unusual names."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from email.header import decode_header, make_header
from functools import partial
from uuid import uuid4

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone

from feed.models import Post
from feed.tests.factories import answer, pass_on, react, say
from messaging.services import send_message, start_direct
from network.services import accept_invitation, follow_member, invite_member
from notifications import services
from notifications.display.notification_view import NAME_IN_SUBJECT
from notifications.kinds import Channel, Kind
from notifications.mailing import send_due
from notifications.models import Notification, QuietHours
from tests.cast import client_of, connect
from users.models import User

from .factories import LINK, Commit, stop_link, take_mails

pytestmark = pytest.mark.django_db

Mailed = Callable[..., EmailMultiAlternatives]
TAGS = re.compile(r"<[^>]*>")


@pytest.fixture
def mailed(alice: User, django_capture_on_commit_callbacks: Commit) -> Mailed:
    """The one mail to Alice, who wants all kinds, about what `acts` do."""

    def after(*acts: Callable[[], object]) -> EmailMultiAlternatives:
        Notification.objects.all().delete()
        services.set_preferences(member=alice, choices={(kind, Channel.MAIL): True for kind in Kind})
        services.set_quiet_hours(member=alice, start=time(0), end=time(23, 59, 59), zone="UTC")
        for act in acts:
            act()
        QuietHours.objects.all().delete()
        Notification.objects.update(mail_due_at=timezone.now() - timedelta(minutes=1))
        with django_capture_on_commit_callbacks(execute=True):
            send_due(member_id=alice.pk)
        (message,) = [message for message in take_mails() if message.to == [alice.email]]
        return message

    return after


def html_of(message: EmailMultiAlternatives) -> str:
    return str(message.alternatives[0][0])


def become_connected(alice: User, bob: User) -> None:
    accept_invitation(connection=invite_member(inviter=alice, invitee=bob), by=bob)


def write(alice: User, bob: User) -> None:
    conversation = start_direct(by=bob, other=alice)
    send_message(conversation=conversation, author=bob, client_id=uuid4(), text="Hello")


# What Bob does that Alice is told of.
ACTS: dict[Kind, Callable[[User, User], object]] = {
    Kind.INVITATION: lambda alice, bob: invite_member(inviter=bob, invitee=alice),
    Kind.CONNECTION: become_connected,
    Kind.FOLLOW: lambda alice, bob: follow_member(follower=bob, followed=alice),
    Kind.REACTION: lambda alice, bob: react(say(alice), bob),
    Kind.COMMENT: lambda alice, bob: answer(say(alice), bob),
    Kind.REPLY: lambda alice, bob: reply(say(alice), alice, bob),
    Kind.MENTION: lambda alice, bob: say(bob, "Thanks @alice"),
    Kind.REPOST: lambda alice, bob: pass_on(say(alice), bob),
    Kind.MESSAGE: write,
}


def reply(post: Post, alice: User, bob: User) -> None:
    answer(post, bob, parent=answer(post, alice))


def do(kind: Kind, alice: User, bob: User) -> None:
    ACTS[kind](alice, bob)


SAID = {
    Kind.INVITATION: ("asked to connect with you", "Answer the invitation", "/network/"),
    Kind.CONNECTION: ("accepted your invitation", "See the profile", "/members/charlie/"),
    Kind.FOLLOW: ("started following you", "See the profile", "/members/charlie/"),
    Kind.REACTION: ("reacted to your post", "See the post", "/posts/"),
    Kind.COMMENT: ("commented on your post", "Read the comment", "/posts/"),
    Kind.REPLY: ("replied to your comment", "Read the reply", "/posts/"),
    Kind.MENTION: ("mentioned you in a post", "Read it", "/posts/"),
    Kind.REPOST: ("shared your post", "See the post", "/posts/"),
    Kind.MESSAGE: ("wrote to you", "Read the message", "/messages/"),
}


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_has_its_sentence_and_a_working_button(
    alice: User, charlie: User, mailed: Mailed, kind: Kind
) -> None:
    happened, act, place = SAID[kind]
    message = mailed(lambda: do(kind, alice, charlie))
    assert message.subject == f"Charlie {happened}"
    assert f"\nCharlie {happened}.\n" in message.body
    html = html_of(message)
    assert f"<strong><bdi>Charlie</bdi></strong> {happened}" in html
    button = re.search(rf'<a class="on-button"\s+href="http://localhost:8000([^"]*)"[^>]*>{act}</a>', html)
    assert button
    assert f"http://localhost:8000{button[1]}\n" in message.body
    response = client_of(alice).get(button[1])
    assert (response.get("Location") or button[1]).startswith(place)
    assert f"mail about this is on: {kind.label}." in message.body
    assert f"mail about this is on: {kind.label}." in html


@pytest.mark.parametrize("kind", [Kind.CONNECTION, Kind.FOLLOW])
def test_the_button_about_several_people_is_plural(
    alice: User, charlie: User, mona: User, mailed: Mailed, kind: Kind
) -> None:
    message = mailed(lambda: do(kind, alice, charlie), lambda: do(kind, alice, mona))
    assert ">See who</a>" in html_of(message)


def test_a_subject_names_one_member_and_counts_the_others(
    alice: User, bob: User, charlie: User, mona: User, mailed: Mailed
) -> None:
    post = say(alice)
    assert mailed(*[partial(answer, post, who) for who in (bob, charlie)]).subject == (
        "Charlie and 1 other commented on your post"
    )
    message = mailed(
        *[partial(answer, post, who) for who in (bob, charlie, mona)],
        lambda: follow_member(follower=mona, followed=alice),
    )
    assert message.subject == "Mona started following you, and 1 more"
    assert "\nMona, Charlie and 1 other commented on your post.\n" in message.body


def test_a_long_name_is_truncated_in_the_subject_and_whole_in_the_mail(
    alice: User, charlie: User, mailed: Mailed
) -> None:
    name = "Maximiliana-Alexandrina von und zu Hohenlohe-Waldenburg-Schillingsfürst"
    User.objects.filter(pk=charlie.pk).update(name=name)
    message = mailed(lambda: do(Kind.FOLLOW, alice, charlie))
    cut, happened = message.subject.split("… ")
    assert (name.startswith(cut), len(cut), happened) == (True, NAME_IN_SUBJECT - 1, "started following you")
    assert name in message.body
    assert name in html_of(message)


def test_a_right_to_left_name_is_isolated(alice: User, charlie: User, mailed: Mailed) -> None:
    User.objects.filter(pk=charlie.pk).update(name="ليلى")
    message = mailed(lambda: do(Kind.COMMENT, alice, charlie))
    apart = "\u2068ليلى\u2069 commented on your post"
    assert message.subject == apart
    assert apart in message.body
    assert "<bdi>ليلى</bdi>" in html_of(message)
    header = message.message()["Subject"]
    assert str(make_header(decode_header(str(header)))) == apart


@pytest.mark.parametrize("name", ["Dana 👩‍💻 <b>O'Brien</b> & Co", "{who} %s %(who)s", "Zoë = é"])
def test_a_name_is_text_everywhere(alice: User, charlie: User, mailed: Mailed, name: str) -> None:
    User.objects.filter(pk__in=[charlie.pk, alice.pk]).update(name=name)
    message = mailed(lambda: do(Kind.COMMENT, alice, charlie))
    assert message.subject == f"{name} commented on your post"
    assert message.body.startswith(f"Hello {name},\n")
    html = html_of(message)
    assert "<b>O" not in html
    shown = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f"Hello <bdi>{shown}</bdi>," in html
    assert f"<strong><bdi>{shown}</bdi></strong> commented" in html


def test_the_preview_shows_the_text_behind_the_subject(alice: User, charlie: User, mailed: Mailed) -> None:
    post = say(alice)
    message = mailed(lambda: answer(post, charlie, "Congratulations & good luck"))
    seen = " ".join(TAGS.sub("", html_of(message).partition("<body")[2].partition(">")[2]).split())
    assert seen.startswith("Congratulations &amp; good luck\u034f")
    message = mailed(lambda: do(Kind.MESSAGE, alice, charlie))
    seen = " ".join(TAGS.sub("", html_of(message).partition("<body")[2].partition(">")[2]).split())
    assert seen.startswith("Charlie wrote to you\u034f")


def test_every_address_is_whole_and_nothing_is_fetched(
    alice: User, bob: User, charlie: User, mailed: Mailed
) -> None:
    kinds = [kind for kind in Kind if kind != Kind.INVITATION]
    message = mailed(*[partial(do, kind, alice, charlie) for kind in kinds])
    html = html_of(message)
    hrefs = re.findall(r'href="([^"]*)"', html)
    assert len(hrefs) == len(kinds) + 3
    assert all(href.startswith("http://localhost:8000/") for href in hrefs)
    assert not re.search(r"<(img|link|script|iframe|form)\b|url\(|@import", html)
    assert set(LINK.findall(str(message.body))) <= set(LINK.findall(html))


def test_it_follows_the_readers_scheme_and_language(alice: User, charlie: User, mailed: Mailed) -> None:
    html = html_of(mailed(lambda: do(Kind.COMMENT, alice, charlie)))
    assert html.lstrip().startswith("<!DOCTYPE html>")
    assert '<html lang="en" dir="ltr"' in html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "@media (prefers-color-scheme: dark)" in html.partition("</head>")[0]
    assert "{#" not in html
    assert "{%" not in html


def test_the_text_part_can_be_read_by_itself(alice: User, charlie: User, mailed: Mailed) -> None:
    post = say(alice, "My first day")
    message = mailed(lambda: answer(post, charlie, "Good **luck**\n\nand more"))
    row = Notification.objects.get(recipient=alice)
    assert message.body == (
        "Hello Alice Álvarez,\n"
        "\n"
        "Charlie commented on your post.\n"
        "> Good luck and more\n"
        "Read the comment:\n"
        f"http://localhost:8000/notifications/{row.pk}/\n"
        "\n"
        "-- \n"
        "LinkUp · http://localhost:8000/\n"
        "You get this because mail about this is on: Comments. Turn it off:\n"
        f"http://localhost:8000{stop_link(message)}\n"
        "Notification settings:\n"
        "http://localhost:8000/notifications/preferences/\n"
    )


def test_the_unsubscribe_page_explains_itself_and_links_to_the_settings(
    alice: User, charlie: User, client: Client, mailed: Mailed
) -> None:
    connect(alice, charlie)
    message = mailed(lambda: do(Kind.COMMENT, alice, charlie))
    done = client.post(stop_link(message), {"List-Unsubscribe": "One-Click"}).content.decode()
    assert "You get no more mail about this: Comments." in done
    assert 'href="/notifications/preferences/"' in done
    assert "<form" not in done.partition("<main")[2].partition("</main>")[0]
