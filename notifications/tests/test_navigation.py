"""The numbers of the navigation, counted at once and one by one."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.memo import forget_everything
from feed.tests.material import react, say
from messaging.models import Conversation, Membership
from messaging.reading import waiting_conversations
from network.models import Connection, exists_for
from network.services import ignore_invitation, invite_member
from notifications.badge import navigation_of, unread_of
from tests.cast import make_member
from tests.plans import nodes, plan
from users.models import User

pytestmark = [pytest.mark.both, pytest.mark.django_db]

LINES = 60


@pytest.fixture
def busy(alice: User, charlie: User) -> User:
    """Alice, for whom two invitations wait, one conversation of two, and three notifications."""
    friends = [make_member(name) for name in ("dan", "eve", "fay")]
    for friend in friends:
        connection = invite_member(inviter=friend, invitee=alice)
    ignore_invitation(connection=connection, by=alice)
    react(say(alice, "One"), charlie)
    react(say(alice, "Two"), charlie)
    for unread in (0, 4):
        chat = Conversation.objects.create(created_by=charlie)
        Membership.objects.create(conversation=chat, member=alice, accepted_at=timezone.now(), unread=unread)
    return alice


def test_all_at_once_is_the_same_as_one_by_one(busy: User, charlie: User) -> None:
    for member in (busy, charlie):
        assert navigation_of(member.pk) == {
            "invitations": Connection.objects.received_by(member)
            .filter(exists_for(member, "inviter"))
            .count(),
            "conversations": waiting_conversations(member.pk),
            "notifications": unread_of(member.pk),
        }
    assert navigation_of(busy.pk) == {"invitations": 2, "conversations": 1, "notifications": 3}


def test_it_is_one_query(busy: User, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        navigation_of(busy.pk)


def test_a_page_shows_all_three(busy: User, client: Client) -> None:
    client.force_login(busy)
    forget_everything()
    html = client.get("/members/").content.decode()
    assert "<span data-count>3</span>" in html
    assert html.count('class="nav-badge"') >= 3


def test_nobody_has_nothing(db: None) -> None:
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
