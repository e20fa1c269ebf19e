"""Activities join one notification until it is read."""

import pytest
from django.db import IntegrityError, transaction

from feed.models import Post
from feed.tests.factories import answer, react, say
from network.services import follow_member
from notifications import services
from notifications.drafts import NotificationDraft
from notifications.kinds import Channel, Kind
from notifications.models import Activity, Notification
from notifications.services import notify_members
from tests.cast import make_member
from users.models import User

from .factories import page_texts, row_of

pytestmark = [pytest.mark.both, pytest.mark.django_db]


@pytest.fixture
def post(alice: User) -> Post:
    return say(alice, "Hello")


def test_a_fact_after_reading_starts_a_new_notification(post: Post, charlie: User, mona: User) -> None:
    react(post, charlie)
    services.mark_read(notification=row_of(post.author))
    react(post, mona)
    assert page_texts(post.author) == ["Mona reacted to your post", "Charlie reacted to your post"]


def test_a_new_fact_moves_the_notification_to_the_top(alice: User, charlie: User, mona: User) -> None:
    first, second = say(alice, "One"), say(alice, "Two")
    react(first, charlie)
    answer(second, charlie)
    react(first, mona)
    assert page_texts(alice) == ["Mona and Charlie reacted to your post", "Charlie commented on your post"]


def test_two_posts_are_two_notifications(alice: User, charlie: User) -> None:
    react(say(alice, "One"), charlie)
    react(say(alice, "Two"), charlie)
    assert Notification.objects.count() == 2


def test_the_database_refuses_a_second_unread_notification_of_the_same_key(post: Post, charlie: User) -> None:
    react(post, charlie)
    row = row_of(post.author)
    with pytest.raises(IntegrityError), transaction.atomic():
        Notification.objects.create(recipient=row.recipient, kind=row.kind, key=row.key)


def test_without_page_and_mail_there_is_no_notification(post: Post, charlie: User) -> None:
    services.set_preferences(member=post.author, choices={(Kind.REACTION, Channel.PAGE): False})
    react(post, charlie)
    assert not Notification.objects.exists()


def test_with_mail_only_the_notification_is_not_shown(post: Post, charlie: User) -> None:
    services.set_preferences(member=post.author, choices={(Kind.COMMENT, Channel.PAGE): False})
    answer(post, charlie)
    assert not row_of(post.author).on_page
    assert page_texts(post.author) == []


def test_of_several_drafts_for_one_member_the_first_counts(alice: User, charlie: User) -> None:
    notify_members(
        actor=charlie,
        drafts=[NotificationDraft(alice.pk, Kind.MENTION, "a"), NotificationDraft(alice.pk, Kind.REPLY, "b")],
    )
    assert row_of(alice).kind == Kind.MENTION


def test_another_line_is_left_alone_be_it_of_another_member_kind_or_key(
    alice: User, bob: User, charlie: User
) -> None:
    Notification.objects.all().delete()
    others = [(bob, Kind.REPLY, "a"), (alice, Kind.REACTION, "a"), (alice, Kind.REPLY, "b")]
    for member, kind, key in others:
        notify_members(actor=charlie, drafts=[NotificationDraft(member.pk, kind, key)])
    before = list(Notification.objects.order_by("pk").values())
    assert [row["on_page"] for row in before] == [True] * 3
    # A preference that would change them, if they were looked at.
    services.set_preferences(member=alice, choices={(Kind.REACTION, Channel.PAGE): False})
    notify_members(actor=charlie, drafts=[NotificationDraft(alice.pk, Kind.REPLY, "a")])
    assert list(Notification.objects.order_by("pk").values())[:3] == before
    assert Notification.objects.count() == 4


def test_the_latest_actors_are_those_of_the_asked_line_and_each_counts_once(
    alice: User, bob: User, charlie: User, mona: User
) -> None:
    Notification.objects.all().delete()
    for actor, key in ((bob, "a"), (charlie, "a"), (mona, "a"), (charlie, "b"), (bob, "a")):
        notify_members(actor=actor, drafts=[NotificationDraft(alice.pk, Kind.REPLY, key)])
    line = Notification.objects.get(key="a")
    found = Activity.objects.latest_actors([line.pk], most=2)
    assert [(row["notification_id"], row["actor_id"], row["people"]) for row in found] == [
        (line.pk, bob.pk, 3),
        (line.pk, mona.pk, 3),
    ]
    assert next(iter(found))["latest"] == line.sort_key


def test_what_was_not_mailed_at_first_is_mailed_when_it_comes_from_near(
    alice: User, bob: User, charlie: User
) -> None:
    Notification.objects.all().delete()
    due = []
    for actor in (charlie, bob):
        notify_members(actor=actor, drafts=[NotificationDraft(alice.pk, Kind.MENTION, "a")])
        due.append(row_of(alice).mail_due_at is not None)
    assert due == [False, True]


def test_notifying_fifty_costs_as_many_queries_as_notifying_two(
    charlie: User, django_assert_max_num_queries: object
) -> None:
    members = [make_member(f"member{number}") for number in range(50)]
    drafts = [NotificationDraft(member.pk, Kind.MENTION, "post:1") for member in members]
    with services.without_delivery(), django_assert_max_num_queries(9):  # type: ignore[operator]
        notify_members(actor=charlie, drafts=drafts)
    assert Activity.objects.count() == 50


def test_without_delivery_activities_are_stored_and_not_mailed(alice: User, charlie: User) -> None:
    # Nor stored where it could only be mailed.
    services.set_preferences(member=charlie, choices={(Kind.COMMENT, Channel.PAGE): False})
    with services.without_delivery():
        follow_member(follower=charlie, followed=alice)
        answer(say(alice), charlie)
        answer(say(charlie), alice)
    assert len(page_texts(alice)) == 2
    assert not Notification.objects.filter(recipient=charlie).exists()
    assert not Notification.objects.exclude(mail_due_at=None).exists()
