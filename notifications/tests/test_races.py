"""Several at the same moment, in threads with connections of their own, on a real database."""

from functools import partial

import pytest
from django.core import mail

from feed.models import Post
from feed.services import delete_post, take_back_reaction
from feed.tests.material import answer, at_once, react, say
from network.services import block_member, follow_member
from notifications.badge import unread_of
from notifications.mailing import send_due
from notifications.models import Fact, Notification
from notifications.services import mark_all_read, mark_read
from tests.cast import make_member
from users.models import User

from .material import row_of, told

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = 8


@pytest.fixture
def crowd(alice: User) -> list[User]:
    return [make_member(f"member{number}") for number in range(CROWD)]


@pytest.fixture
def post(alice: User) -> Post:
    return say(alice)


def unhurt(outcomes: object) -> None:
    """Nobody met an error."""
    assert [outcome for outcome in list(outcomes) if isinstance(outcome, BaseException)] == []  # type: ignore[call-overload]


def test_many_react_at_once_and_are_one_line(post: Post, crowd: list[User]) -> None:
    unhurt(at_once(*[partial(react, post, member) for member in crowd]))
    assert Notification.objects.get().facts.count() == CROWD


def test_many_follow_at_once_without_a_common_lock_and_are_one_line(alice: User, crowd: list[User]) -> None:
    unhurt(at_once(*[partial(follow_member, follower=member, followed=alice) for member in crowd]))
    assert Notification.objects.get().facts.count() == CROWD
    assert unread_of(alice.pk) == 1


def test_reading_while_others_follow_loses_nobody(alice: User, crowd: list[User]) -> None:
    follow_member(follower=crowd[0], followed=alice)
    row = row_of(alice)
    acts = [partial(follow_member, follower=member, followed=alice) for member in crowd[1:]]
    unhurt(at_once(*acts, partial(mark_read, notification=row), partial(mark_all_read, member=alice)))
    assert Fact.objects.count() == CROWD
    assert Notification.objects.filter(read_at=None).count() <= 1


def test_members_who_mention_the_same_others_do_not_wait_for_each_other(crowd: list[User]) -> None:
    names = [f"@{member.username}" for member in crowd]
    forth, back = " ".join(names), " ".join(reversed(names))
    outcomes = at_once(
        *[partial(say, member, forth if at % 2 else back) for at, member in enumerate(crowd[:4])]
    )
    unhurt(outcomes)
    assert Fact.objects.count() == 4 * (CROWD - 1)


def test_a_block_while_others_follow_leaves_the_others(alice: User, crowd: list[User]) -> None:
    follow_member(follower=crowd[0], followed=alice)
    acts = [partial(follow_member, follower=member, followed=alice) for member in crowd[1:]]
    unhurt(at_once(partial(block_member, blocker=alice, blocked=crowd[0]), *acts))
    assert Fact.objects.count() == CROWD - 1
    assert told(alice)[0].endswith("started following you")


def test_a_post_deleted_while_it_is_answered_leaves_nothing(post: Post, crowd: list[User]) -> None:
    at_once(
        partial(delete_post, post=post),
        *[partial(answer, post, member) for member in crowd[:3]],
        *[partial(react, post, member) for member in crowd[3:6]],
    )
    assert not Notification.objects.exists()


def test_taking_back_while_others_react_leaves_the_others(post: Post, crowd: list[User]) -> None:
    for member in crowd[:4]:
        react(post, member)
    acts = [partial(take_back_reaction, post=post, member=member) for member in crowd[:4]]
    unhurt(at_once(*acts, *[partial(react, post, member) for member in crowd[4:]]))
    assert Fact.objects.count() == CROWD - 4


def test_two_who_send_the_same_mail_at_once_send_it_once(post: Post, charlie: User) -> None:
    answer(post, charlie)
    mail.outbox.clear()
    Notification.objects.update(mail_due_at="2020-01-01T00:00Z", mailed_at=None)
    outcomes = at_once(*[partial(send_due, member_id=post.author_id) for _time in range(4)])
    assert sorted(map(str, outcomes)) == ["False", "False", "False", "True"]
    assert len(mail.outbox) == 1
