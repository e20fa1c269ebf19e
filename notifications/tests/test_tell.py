"""What happens joins one line until it is read."""

import pytest
from django.db import IntegrityError, transaction

from feed.models import Post
from feed.tests.material import answer, react, say
from network.services import follow_member
from notifications import services
from notifications.kinds import Channel, Kind
from notifications.models import Fact, Notification
from notifications.services import News, tell
from tests.cast import make_member
from users.models import User

from .material import row_of, told

pytestmark = [pytest.mark.both, pytest.mark.django_db]


@pytest.fixture
def post(alice: User) -> Post:
    return say(alice, "Hello")


def test_what_happens_after_reading_begins_a_new_line(post: Post, charlie: User, mona: User) -> None:
    react(post, charlie)
    services.mark_read(notification=row_of(post.author))
    react(post, mona)
    assert told(post.author) == ["Mona reacted to your post", "Charlie reacted to your post"]


def test_what_happens_again_moves_the_line_to_the_top(alice: User, charlie: User, mona: User) -> None:
    first, second = say(alice, "One"), say(alice, "Two")
    react(first, charlie)
    answer(second, charlie)
    react(first, mona)
    assert told(alice) == ["Mona and Charlie reacted to your post", "Charlie commented on your post"]


def test_two_posts_are_two_lines(alice: User, charlie: User) -> None:
    react(say(alice, "One"), charlie)
    react(say(alice, "Two"), charlie)
    assert Notification.objects.count() == 2


def test_there_is_never_a_second_unread_line_of_the_same(post: Post, charlie: User) -> None:
    react(post, charlie)
    row = row_of(post.author)
    with pytest.raises(IntegrityError), transaction.atomic():
        Notification.objects.create(recipient=row.recipient, kind=row.kind, key=row.key)


def test_who_wants_neither_page_nor_mail_has_no_line(post: Post, charlie: User) -> None:
    services.choose(member=post.author, choices={(Kind.REACTION, Channel.PAGE): False})
    react(post, charlie)
    assert not Notification.objects.exists()


def test_who_wants_mail_alone_has_a_line_that_does_not_show(post: Post, charlie: User) -> None:
    services.choose(member=post.author, choices={(Kind.COMMENT, Channel.PAGE): False})
    answer(post, charlie)
    assert not row_of(post.author).on_page
    assert told(post.author) == []


def test_of_several_news_for_one_member_the_first_counts(alice: User, charlie: User) -> None:
    tell(actor=charlie, news=[News(alice.pk, Kind.MENTION, "a"), News(alice.pk, Kind.REPLY, "b")])
    assert row_of(alice).kind == Kind.MENTION


def test_another_line_is_left_alone_be_it_of_another_member_kind_or_key(
    alice: User, bob: User, charlie: User
) -> None:
    Notification.objects.all().delete()
    others = [(bob, Kind.REPLY, "a"), (alice, Kind.REACTION, "a"), (alice, Kind.REPLY, "b")]
    for member, kind, key in others:
        tell(actor=charlie, news=[News(member.pk, kind, key)])
    before = list(Notification.objects.order_by("pk").values())
    assert [row["on_page"] for row in before] == [True] * 3
    # A preference that would change them, if they were looked at.
    services.choose(member=alice, choices={(Kind.REACTION, Channel.PAGE): False})
    tell(actor=charlie, news=[News(alice.pk, Kind.REPLY, "a")])
    assert list(Notification.objects.order_by("pk").values())[:3] == before
    assert Notification.objects.count() == 4


def test_what_was_not_mailed_at_first_is_mailed_when_it_comes_from_near(
    alice: User, bob: User, charlie: User
) -> None:
    Notification.objects.all().delete()
    due = []
    for actor in (charlie, bob):
        tell(actor=actor, news=[News(alice.pk, Kind.MENTION, "a")])
        due.append(row_of(alice).mail_due_at is not None)
    assert due == [False, True]


def test_telling_fifty_costs_as_many_queries_as_telling_two(
    charlie: User, django_assert_max_num_queries: object
) -> None:
    members = [make_member(f"member{number}") for number in range(50)]
    news = [News(member.pk, Kind.MENTION, "post:1") for member in members]
    with services.silently(), django_assert_max_num_queries(9):  # type: ignore[operator]
        tell(actor=charlie, news=news)
    assert Fact.objects.count() == 50


def test_a_past_that_nobody_lived_is_stored_and_not_mailed(alice: User, charlie: User) -> None:
    # Nor stored where it could only be mailed.
    services.choose(member=charlie, choices={(Kind.COMMENT, Channel.PAGE): False})
    with services.silently():
        follow_member(follower=charlie, followed=alice)
        answer(say(alice), charlie)
        answer(say(charlie), alice)
    assert len(told(alice)) == 2
    assert not Notification.objects.filter(recipient=charlie).exists()
    assert not Notification.objects.exclude(mail_due_at=None).exists()
