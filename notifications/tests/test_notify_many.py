"""Many members are notified by a task: the request takes the same however many there are, and no more than for few."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import QueuedTask
from core.sockets.publisher import member_topic
from feed.models import Comment, Post
from feed.services import delete_comment, delete_post, edit_comment, edit_post
from feed.tests.factories import answer, pass_on, say
from messaging.services import leave_conversation, mute_conversation, start_group
from messaging.tests.factories import read, send
from network.models import Connection
from network.services import block_member
from notifications.models import Activity, Notification
from notifications.services import MOST_AT_ONCE, NOTIFY_TASK
from tests.cases import all_cases, rolled_back
from tests.cast import make_member
from users.audience import Audience
from users.models import User

from .factories import Commit, page_texts, run_notification_tasks

pytestmark = [pytest.mark.both, pytest.mark.django_db]

MANY = 49


@pytest.fixture
def crowd(alice: User) -> list[User]:
    """Connections of Alice, one more than are notified at once."""
    return make_connections(alice, MOST_AT_ONCE + 1)


def make_connections(alice: User, count: int) -> list[User]:
    people = [make_member(f"m{number:02}") for number in range(count)]
    Connection.objects.bulk_create(
        Connection(low=alice, high=each, inviter=alice, state=Connection.State.CONNECTED) for each in people
    )
    return people


def names_of(people: list[User]) -> str:
    return " ".join(f"@{member.username}" for member in people)


def count_statements(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


def test_the_request_takes_as_many_statements_for_many_members_as_for_few(alice: User) -> None:
    people = make_connections(alice, MANY)
    post, thread = say(alice), answer(say(alice), alice)
    for each in people[:30]:
        answer(thread.post, each, parent=thread)
    counts: dict[str, list[int]] = {}
    for number in (1, MOST_AT_ONCE + 1, MANY):
        names = names_of(people[:number])
        group = start_group(by=alice, members=people[:number])
        acts: dict[str, Callable[[], object]] = {
            "post": partial(say, alice, names),
            "repost": partial(pass_on, post, alice, names),
            "edit": partial(edit_post, post=say(alice), text=names, audience=Audience.MEMBERS),
            "comment": partial(answer, post, alice, names),
            "reply": partial(answer, thread.post, alice, names, parent=thread),
            "message": partial(send, group, alice),
        }
        for name, act in acts.items():
            counts.setdefault(name, []).append(count_statements(act))
    with all_cases() as case:
        for name, (few, many, most) in counts.items():
            with case(f"{name}: {few}, {many}, {most} statements"):
                assert most == many <= few
    assert not Notification.objects.filter(recipient=people[-1]).exists()
    run_notification_tasks()
    assert Notification.objects.filter(recipient=people[-1]).count() == 6


def test_all_are_notified_once_the_task_has_run(alice: User, crowd: list[User], committed: Commit) -> None:
    with committed():
        first = answer(say(alice), alice, names_of(crowd))
        answer(first.post, alice, names_of(crowd))
    assert [page_texts(each) for each in crowd] == [["Alice Álvarez mentioned you in a comment"]] * len(crowd)
    assert {row.activities.count() for row in Notification.objects.all()} == {2}
    assert sorted(address for message in mail.outbox for address in message.to) == [e.email for e in crowd]
    assert not QueuedTask.objects.filter(name=NOTIFY_TASK).exists()


def test_the_task_notifies_the_open_tabs(
    alice: User, crowd: list[User], published: list[dict[str, Any]]
) -> None:
    say(alice, names_of(crowd))
    topics = {row.pk: [member_topic(row.recipient_id)] for row in Notification.objects.all()}
    events = [sent for sent in published if sent["event"]["type"] == "notifications.changed"]
    assert {sent["event"]["notification"]: sent["topics"] for sent in events} == topics
    assert len(events) == len(crowd)


def test_a_second_run_of_the_task_adds_nothing(alice: User, crowd: list[User]) -> None:
    post = say(alice)
    acts: dict[str, Callable[[], object]] = {
        "mentions in a post": lambda: say(alice, names_of(crowd)),
        "mentions in a comment": lambda: answer(post, alice, names_of(crowd)),
        "mentions in a repost": lambda: pass_on(post, alice, names_of(crowd)),
        "a message": lambda: send(start_group(by=alice, members=crowd), alice),
    }
    with all_cases() as case:
        for name, act in acts.items():
            with case(name), rolled_back():
                act()
                QueuedTask.objects.bulk_create(
                    QueuedTask(name=row.name, arguments=row.arguments)
                    for row in QueuedTask.objects.filter(name=NOTIFY_TASK)
                )
                run_notification_tasks()
                assert Activity.objects.count() == Notification.objects.count() == len(crowd)


def test_what_was_undone_before_the_task_ran_notifies_nobody(alice: User, crowd: list[User]) -> None:
    post = say(alice)

    def delete_comment_with_reply(comment: Comment) -> None:
        answer(post, alice, parent=comment)
        delete_comment(comment=comment)

    def narrow(comment: Comment) -> None:
        Connection.objects.all().delete()
        Post.objects.update(audience=Audience.CONNECTIONS)

    def suspend(comment: Comment) -> None:
        User.objects.filter(pk=alice.pk).update(is_active=False)

    undo: dict[str, Callable[[Comment], object]] = {
        "the comment is deleted": lambda comment: delete_comment(comment=comment),
        "the comment is deleted and has a reply": delete_comment_with_reply,
        "the post is deleted": lambda comment: delete_post(post=post),
        "they may no longer read the post": narrow,
        "the author is deactivated": suspend,
        "the author's account is deleted": lambda comment: comment.author.delete(),
    }
    with all_cases() as case:
        for name, act in undo.items():
            with case(name), rolled_back():
                act(answer(post, User.objects.get(pk=alice.pk), names_of(crowd)))
                run_notification_tasks()
                assert not Notification.objects.exists()
                assert not QueuedTask.objects.filter(name=NOTIFY_TASK).exists()


def test_members_who_need_no_notification_any_more_are_left_out(alice: User, crowd: list[User]) -> None:
    group = start_group(by=alice, members=crowd)
    send(group, alice)
    post = say(alice, names_of(crowd))
    mute_conversation(conversation=group, member=crowd[0])
    leave_conversation(conversation=group, member=crowd[1])
    read(group, crowd[2], group.memberships.get(member=crowd[2]).unread + 100)
    block_member(blocker=crowd[3], blocked=alice)
    run_notification_tasks()
    notified = Notification.objects.filter(kind="message").values_list("recipient", flat=True)
    assert set(notified) == {each.pk for each in crowd[4:]}
    notified = Notification.objects.filter(post=post).values_list("recipient", flat=True)
    assert set(notified) == {each.pk for each in crowd if each != crowd[3]}


def test_edits_before_the_task_ran_notify_each_member_once(alice: User, crowd: list[User]) -> None:
    post = say(alice, names_of(crowd))
    comment = answer(post, alice, names_of(crowd))
    for text in ("nobody", names_of(crowd), "nobody", names_of(crowd[:1])):
        edit_post(post=post, text=text, audience=Audience.MEMBERS)
        edit_comment(comment=comment, text=text)
    run_notification_tasks()
    assert [len(page_texts(each)) for each in crowd] == [2] * len(crowd)
    assert Activity.objects.count() == 2 * len(crowd)


def test_a_repost_notifies_its_readers_and_the_author_of_the_original(
    alice: User, crowd: list[User], mona: User
) -> None:
    original = say(mona)
    pass_on(original, alice, names_of(crowd))
    run_notification_tasks()
    assert page_texts(mona) == ["Alice Álvarez shared your post"]
    assert page_texts(crowd[0]) == ["Alice Álvarez mentioned you in a post"]
