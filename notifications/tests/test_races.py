"""Concurrent requests, in threads with their own connections, on a real database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.db import OperationalError, connection, transaction

from feed.models import Post
from feed.services import delete_post, edit_post, take_back_reaction
from feed.tests.factories import answer, react, run_concurrently, say
from network.services import block_member, follow_member
from notifications.display.badge import unread_of
from notifications.drafts import NotificationDraft
from notifications.kinds import Kind
from notifications.mailing import send_due
from notifications.models import Activity, Notification
from notifications.services import (
    TRIES,
    delete_notifications_between,
    mark_all_read,
    mark_read,
    notify_members,
)
from tests.cast import make_member
from users.models import User
from users.tests.races import hold, is_free, meet

from .factories import page_texts, row_of

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


def test_concurrent_reactions_join_one_notification(post: Post, crowd: list[User]) -> None:
    unhurt(run_concurrently(*[partial(react, post, member) for member in crowd]))
    assert Notification.objects.get().activities.count() == CROWD


def test_concurrent_follows_without_a_common_lock_join_one_notification(
    alice: User, crowd: list[User]
) -> None:
    unhurt(run_concurrently(*[partial(follow_member, follower=member, followed=alice) for member in crowd]))
    assert Notification.objects.get().activities.count() == CROWD
    assert unread_of(alice.pk) == 1


def test_reading_during_follows_loses_no_follower(alice: User, crowd: list[User]) -> None:
    follow_member(follower=crowd[0], followed=alice)
    row = row_of(alice)
    acts = [partial(follow_member, follower=member, followed=alice) for member in crowd[1:]]
    unhurt(
        run_concurrently(*acts, partial(mark_read, notification=row), partial(mark_all_read, member=alice))
    )
    assert Activity.objects.count() == CROWD
    assert Notification.objects.filter(read_at=None).count() <= 1


def test_concurrent_mentions_of_the_same_members_do_not_deadlock(crowd: list[User]) -> None:
    names = [f"@{member.username}" for member in crowd]
    forth, back = " ".join(names), " ".join(reversed(names))
    outcomes = run_concurrently(
        *[partial(say, member, forth if at % 2 else back) for at, member in enumerate(crowd[:4])]
    )
    unhurt(outcomes)
    assert Activity.objects.count() == 4 * (CROWD - 1)


def test_concurrent_edits_notify_a_mentioned_member_once(post: Post, charlie: User) -> None:
    texts = [f"wording {number} for @charlie" for number in range(3)]
    # In between the name is gone, so that two of them find it missing.
    texts += ["nobody", "nobody else"]
    unhurt(run_concurrently(*[partial(edit_post, post=post, text=text, audience=1) for text in texts]))
    assert Activity.objects.filter(notification__recipient=charlie).count() == 1


def test_a_block_during_follows_keeps_the_other_followers(alice: User, crowd: list[User]) -> None:
    follow_member(follower=crowd[0], followed=alice)
    acts = [partial(follow_member, follower=member, followed=alice) for member in crowd[1:]]
    unhurt(run_concurrently(partial(block_member, blocker=alice, blocked=crowd[0]), *acts))
    assert Activity.objects.count() == CROWD - 1
    assert page_texts(alice)[0].endswith("started following you")


def test_a_post_deleted_during_comments_leaves_no_notification(post: Post, crowd: list[User]) -> None:
    run_concurrently(
        partial(delete_post, post=post),
        *[partial(answer, post, member) for member in crowd[:3]],
        *[partial(react, post, member) for member in crowd[3:6]],
    )
    assert not Notification.objects.exists()


def test_taking_back_during_reactions_keeps_the_other_reactions(post: Post, crowd: list[User]) -> None:
    for member in crowd[:4]:
        react(post, member)
    acts = [partial(take_back_reaction, post=post, member=member) for member in crowd[:4]]
    unhurt(run_concurrently(*acts, *[partial(react, post, member) for member in crowd[4:]]))
    assert Activity.objects.count() == CROWD - 4


@contextmanager
def meanwhile(before: str, act: Callable[[], object], times: int) -> Iterator[None]:
    """Before each statement `before` of this connection on notifications, run `act` in another one and commit."""
    left = [act] * times

    def first(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if left and before in sql and f'"{Notification._meta.db_table}"' in sql:
            unhurt(run_concurrently(left.pop()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(first):
        yield
    assert not left


@pytest.mark.postgres_only
def test_a_notification_read_while_a_fact_joins_starts_a_new_one(
    post: Post, charlie: User, mona: User
) -> None:
    react(post, charlie)
    with meanwhile("FOR UPDATE", partial(mark_all_read, member=post.author), times=1):
        react(post, mona)
    assert page_texts(post.author) == ["Mona reacted to your post", "Charlie reacted to your post"]
    assert unread_of(post.author_id) == 1


@pytest.mark.postgres_only
def test_a_notification_read_at_every_attempt_raises_an_error_and_stores_nothing(
    post: Post, charlie: User, mona: User
) -> None:
    drafts = [NotificationDraft(post.author_id, Kind.FOLLOW)]
    with (
        meanwhile("INSERT", partial(notify_members, actor=charlie, drafts=drafts), times=TRIES),
        meanwhile("FOR UPDATE", partial(mark_all_read, member=post.author), times=TRIES),
        pytest.raises(RuntimeError, match="again and again"),
    ):
        notify_members(actor=mona, drafts=drafts)
    assert not Activity.objects.filter(actor=mona).exists()
    assert Activity.objects.filter(actor=charlie).count() == TRIES


def test_concurrent_senders_send_the_same_mail_once(post: Post, charlie: User) -> None:
    answer(post, charlie)
    mail.outbox.clear()
    Notification.objects.update(mail_due_at="2020-01-01T00:00Z", mailed_at=None)
    outcomes = run_concurrently(*[partial(send_due, member_id=post.author_id) for _time in range(4)])
    assert sorted(map(str, outcomes)) == ["False", "False", "False", "True"]
    assert len(mail.outbox) == 1


@pytest.mark.postgres_only
def test_members_are_locked_in_the_order_of_their_ids(alice: User, charlie: User, mona: User) -> None:
    """Two transactions that locked the same members in different orders would deadlock."""
    first, last = sorted([alice, charlie], key=lambda member: member.pk)
    drafts = [NotificationDraft(member.pk, Kind.MENTION, "x") for member in (last, first)]

    def begin(member: User) -> bool:
        """Whether another transaction could create a notification for the member at this moment."""
        try:
            with transaction.atomic(), connection.cursor() as query:
                query.execute("SET LOCAL lock_timeout = '200ms'")
                Notification.objects.create(recipient=member, kind=Kind.MENTION, key="x")
        except OperationalError:
            return False
        return True

    met = meet(
        partial(begin, first), partial(notify_members, actor=mona, drafts=drafts), look=partial(begin, last)
    )
    assert (met.waited, met.seen, met.result) == (True, True, None)
    assert Activity.objects.count() == 2
    # And where the lines are there already, in the order in which they do not lie.
    Notification.objects.all().delete()
    for member in (last, first):
        begin(member)
    of_first, of_last = (Notification.objects.filter(recipient=member) for member in (first, last))
    met = meet(
        hold(of_first), partial(notify_members, actor=mona, drafts=drafts), look=lambda: is_free(of_last)
    )
    assert (met.waited, met.seen, met.result) == (True, True, None)
    assert Activity.objects.count() == 2
    # Nor does one who forgets both.
    Activity.objects.all().delete()
    met = meet(
        hold(of_first),
        partial(delete_notifications_between, one=last, two=first),
        look=lambda: is_free(of_last),
    )
    assert (met.waited, met.seen, met.result) == (True, True, None)
    assert not Notification.objects.exists()
