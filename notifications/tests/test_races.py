"""Several at the same moment, in threads with connections of their own, on a real database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.db import OperationalError, connection, transaction

from feed.models import Post
from feed.services import delete_post, edit_post, take_back_reaction
from feed.tests.material import answer, at_once, react, say
from network.services import block_member, follow_member
from notifications.badge import unread_of
from notifications.kinds import Kind
from notifications.mailing import send_due
from notifications.models import Fact, Notification
from notifications.services import TRIES, News, forget_between, mark_all_read, mark_read, tell
from tests.cast import make_member
from users.models import User
from users.tests.races import hold, is_free, meet

from .material import row_of, told

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]

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


def test_edits_at_once_tell_whom_they_name_once(post: Post, charlie: User) -> None:
    texts = [f"wording {number} for @charlie" for number in range(3)]
    # In between the name is gone, so that two of them find it missing.
    texts += ["nobody", "nobody else"]
    unhurt(at_once(*[partial(edit_post, post=post, text=text, audience=1) for text in texts]))
    assert Fact.objects.filter(notification__recipient=charlie).count() == 1


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


@contextmanager
def meanwhile(before: str, act: Callable[[], object], times: int) -> Iterator[None]:
    """Each time before this connection says `before` of notifications, somebody else does `act` and commits it."""
    left = [act] * times

    def first(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if left and before in sql and f'"{Notification._meta.db_table}"' in sql:
            unhurt(at_once(left.pop()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(first):
        yield
    assert not left


@pytest.mark.postgres_only
def test_a_line_that_is_read_in_the_moment_in_which_it_is_told_on_begins_anew(
    post: Post, charlie: User, mona: User
) -> None:
    react(post, charlie)
    with meanwhile("FOR UPDATE", partial(mark_all_read, member=post.author), times=1):
        react(post, mona)
    assert told(post.author) == ["Mona reacted to your post", "Charlie reacted to your post"]
    assert unread_of(post.author_id) == 1


@pytest.mark.postgres_only
def test_a_line_that_comes_and_is_read_again_and_again_ends_in_an_error_and_stores_nothing(
    post: Post, charlie: User, mona: User
) -> None:
    news = [News(post.author_id, Kind.FOLLOW)]
    with (
        meanwhile("INSERT", partial(tell, actor=charlie, news=news), times=TRIES),
        meanwhile("FOR UPDATE", partial(mark_all_read, member=post.author), times=TRIES),
        pytest.raises(RuntimeError, match="again and again"),
    ):
        tell(actor=mona, news=news)
    assert not Fact.objects.filter(actor=mona).exists()
    assert Fact.objects.filter(actor=charlie).count() == TRIES


def test_two_who_send_the_same_mail_at_once_send_it_once(post: Post, charlie: User) -> None:
    answer(post, charlie)
    mail.outbox.clear()
    Notification.objects.update(mail_due_at="2020-01-01T00:00Z", mailed_at=None)
    outcomes = at_once(*[partial(send_due, member_id=post.author_id) for _time in range(4)])
    assert sorted(map(str, outcomes)) == ["False", "False", "False", "True"]
    assert len(mail.outbox) == 1


@pytest.mark.postgres_only
def test_members_are_told_in_the_order_of_their_ids_whatever_the_order_of_the_news(
    alice: User, charlie: User, mona: User
) -> None:
    """Two acts that told the same two in different orders would wait for each other."""
    first, last = sorted([alice, charlie], key=lambda member: member.pk)
    news = [News(member.pk, Kind.MENTION, "x") for member in (last, first)]

    def begin(member: User) -> bool:
        """Whether a line for the member can be begun, as another act would at this moment."""
        try:
            with transaction.atomic(), connection.cursor() as query:
                query.execute("SET LOCAL lock_timeout = '200ms'")
                Notification.objects.create(recipient=member, kind=Kind.MENTION, key="x")
        except OperationalError:
            return False
        return True

    met = meet(partial(begin, first), partial(tell, actor=mona, news=news), look=partial(begin, last))
    assert (met.waited, met.seen, met.result) == (True, True, None)
    assert Fact.objects.count() == 2
    # And where the lines are there already, in the order in which they do not lie.
    Notification.objects.all().delete()
    for member in (last, first):
        begin(member)
    of_first, of_last = (Notification.objects.filter(recipient=member) for member in (first, last))
    met = meet(hold(of_first), partial(tell, actor=mona, news=news), look=lambda: is_free(of_last))
    assert (met.waited, met.seen, met.result) == (True, True, None)
    assert Fact.objects.count() == 2
    # Nor does one who forgets both.
    Fact.objects.all().delete()
    met = meet(hold(of_first), partial(forget_between, one=last, two=first), look=lambda: is_free(of_last))
    assert (met.waited, met.seen, met.result) == (True, True, None)
    assert not Notification.objects.exists()
