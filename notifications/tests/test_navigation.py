"""The counts of the navigation, in one query and one by one."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.database.lru_cache import clear_caches
from feed.services import take_back_reaction
from feed.tests.factories import answer, react, say
from messaging.services import (
    decline_conversation,
    leave_conversation,
    mute_conversation,
    start_direct,
    start_group,
)
from messaging.tests.factories import read, send
from network.services import ignore_invitation, invite_member
from notifications.display.badge import navigation_of
from notifications.kinds import Channel, Kind
from notifications.models import Notification
from notifications.services import mark_read, set_preferences
from tests.cast import client_of, make_member
from tests.plans import nodes, plan
from users.models import User

pytestmark = [pytest.mark.both, pytest.mark.django_db]

LINES = 60


@pytest.fixture
def busy(alice: User, bob: User, charlie: User) -> User:
    """Alice, for whom two invitations wait, one conversation and three notifications; and beside each of them what
    looks like it and waits for nobody."""
    Notification.objects.all().delete()
    friends = [make_member(name) for name in ("dan", "eve", "fay", "gil")]
    invitations = [invite_member(inviter=friend, invitee=alice) for friend in friends]
    ignore_invitation(connection=invitations[2], by=alice)
    User.objects.filter(pk=friends[3].pk).update(suspended_at=timezone.now())
    invite_member(inviter=alice, invitee=make_member("hal"))

    chats = [start_group(by=bob, members=[alice], title=title) for title in ("new", "read", "muted", "left")]
    for chat in chats:
        send(chat, bob)
    read(chats[1], alice, 9)
    mute_conversation(conversation=chats[2], member=alice)
    leave_conversation(conversation=chats[3], member=alice)
    request = start_direct(by=charlie, other=alice)
    send(request, charlie)
    decline_conversation(conversation=request, member=alice)

    posts = [say(alice, str(number)) for number in range(4)]
    for post in posts:
        react(post, charlie)
    mark_read(notification=Notification.objects.get(post=posts[1]))
    take_back_reaction(post=posts[2], member=charlie)
    set_preferences(member=alice, choices={(Kind.COMMENT, Channel.PAGE): False})
    answer(posts[0], charlie)
    return alice


def test_it_counts_only_what_is_unread(busy: User, charlie: User) -> None:
    assert navigation_of(busy.pk) == {"invitations": 2, "conversations": 1, "notifications": 3}
    assert set(navigation_of(charlie.pk).values()) == {0}


def test_the_pages_below_show_as_many(busy: User) -> None:
    client, numbers = client_of(busy), navigation_of(busy.pk)
    assert len(client.get("/network/").context["invitations"]) == numbers["invitations"]
    assert client.get("/messages/news/").json() == {"unread": numbers["conversations"]}
    assert client.get("/notifications/unread/").json() == {"unread": numbers["notifications"]}
    assert (
        client.get("/notifications/?show=unread").content.count(b"notification-unread")
        == numbers["notifications"]
    )


def test_it_is_one_query(busy: User, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        navigation_of(busy.pk)


def test_a_page_shows_all_three(busy: User, client: Client) -> None:
    client.force_login(busy)
    clear_caches()
    html = client.get("/members/").content.decode()
    assert "<span data-count>3</span>" in html
    assert html.count('class="nav-badge"') >= 3


def test_an_unknown_member_has_no_counts(db: None) -> None:
    assert set(navigation_of(10**9).values()) == {0}


@pytest.mark.postgres_only
def test_no_list_is_made_again_for_each_of_its_rows_where_tables_are_taken_for_empty(
    alice: User, charlie: User
) -> None:
    with connection.cursor() as query:
        query.execute("ANALYZE")
    for number in range(LINES):
        react(say(alice, f"Post {number}"), charlie)
    with CaptureQueriesContext(connection) as captured:
        assert navigation_of(alice.pk)["notifications"] == LINES
    [asked] = captured.captured_queries
    # Each of the three lists ends at its limit: each is made once.
    lists = [step["Actual Loops"] for step in nodes(plan(asked["sql"])) if step["Node Type"] == "Limit"]
    assert lists == [1, 1, 1]
