"""Who is told of posts, comments, reactions and reposts."""

import pytest
from django.utils import timezone

from feed import services
from feed.models import Comment, Post
from feed.tests.material import answer, pass_on, react, say
from network.services import block_member, remove_connection
from notifications.models import Notification
from tests.cast import connect, make_member
from users.audience import Audience
from users.models import User

from .material import told

pytestmark = pytest.mark.django_db


@pytest.fixture
def post(alice: User) -> Post:
    return say(alice, "Hello")


def test_the_author_is_told_of_reactions_each_member_once(post: Post, bob: User, charlie: User) -> None:
    alice = post.author
    Notification.objects.all().delete()
    react(post, bob)
    react(post, bob)
    assert told(alice) == ["Bob reacted to your post"]
    react(post, charlie)
    assert told(alice) == ["Charlie and Bob reacted to your post"]


def test_a_reaction_that_was_taken_back_is_told_no_more(post: Post, charlie: User, mona: User) -> None:
    react(post, charlie)
    react(post, mona)
    services.take_back_reaction(post=post, member=mona)
    assert told(post.author) == ["Charlie reacted to your post"]
    services.take_back_reaction(post=post, member=charlie)
    assert told(post.author) == []


def test_nobody_is_told_of_what_they_do_themselves(post: Post) -> None:
    alice = post.author
    react(post, alice)
    answer(post, alice, "Me, @alice", parent=answer(post, alice))
    pass_on(post, alice)
    say(alice, "Me again: @alice")
    assert not Notification.objects.exists()


def test_a_deleted_post_takes_all_that_was_told_of_it_along(post: Post, charlie: User) -> None:
    react(post, charlie)
    answer(post, charlie)
    pass_on(post, charlie, "Look")
    assert len(told(post.author)) == 3
    services.delete_post(post=post)
    assert not Notification.objects.exists()


def test_those_named_in_a_post_are_told(alice: User, charlie: User) -> None:
    say(alice, "Thanks @charlie and @nobody")
    assert told(charlie) == ["Alice Álvarez mentioned you in a post"]


def test_who_is_named_in_a_post_for_others_is_not_told(alice: User, bob: User, charlie: User) -> None:
    Notification.objects.all().delete()
    say(alice, "Thanks @charlie and @bob", audience=Audience.CONNECTIONS)
    assert told(charlie) == []
    assert told(bob) == ["Alice Álvarez mentioned you in a post"]


def test_followers_are_not_told_of_a_post(alice: User, bob: User) -> None:
    Notification.objects.all().delete()
    say(alice)
    assert not Notification.objects.exists()


def test_an_edit_calls_nobody(post: Post, charlie: User) -> None:
    services.edit_post(post=post, text="Now with @charlie", audience=post.audience)
    assert told(charlie) == []


def test_a_comment_is_told_to_the_author(post: Post, charlie: User, mona: User) -> None:
    answer(post, charlie)
    answer(post, charlie)
    answer(post, mona)
    assert told(post.author) == ["Mona and Charlie commented on your post"]


def test_a_reply_is_told_to_the_one_answered_and_to_those_in_the_thread(
    post: Post, charlie: User, mona: User
) -> None:
    top = answer(post, charlie)
    answer(post, mona, parent=top)
    assert told(charlie) == ["Mona replied to your comment"]
    answer(post, make_member("dan"), parent=top)
    assert told(charlie) == ["Dan and Mona replied to your comment"]
    assert told(mona) == ["Dan replied where you commented"]
    assert told(post.author) == ["Dan, Mona and 1 other commented on your post"]


def test_one_comment_tells_one_member_once_and_a_mention_comes_first(post: Post, charlie: User) -> None:
    alice = post.author
    top = answer(post, alice)
    answer(post, charlie, "As you say, @alice", parent=top)
    assert told(alice) == ["Charlie mentioned you in a comment"]


def test_a_reply_comes_before_a_comment_for_the_author(post: Post, charlie: User) -> None:
    answer(post, charlie, parent=answer(post, post.author))
    assert told(post.author) == ["Charlie replied to your comment"]


def test_a_deleted_comment_is_told_no_more(post: Post, charlie: User, mona: User) -> None:
    top = answer(post, charlie)
    answer(post, mona, parent=top)
    services.delete_comment(comment=Comment.objects.get(pk=top.pk))
    assert told(post.author) == ["Mona commented on your post"]


def test_a_hidden_comment_is_told_no_more(post: Post, charlie: User) -> None:
    comment = answer(post, charlie)
    Comment.objects.filter(pk=comment.pk).update(hidden_at=timezone.now())
    assert told(post.author) == []


def test_those_in_a_thread_who_may_not_see_the_post_any_more_are_not_told(alice: User, bob: User) -> None:
    post = say(alice, audience=Audience.CONNECTIONS)
    charlie = make_member("charlie")
    connect(alice, charlie)
    top = answer(post, charlie)
    services.edit_post(post=post, text="Closer", audience=Audience.CONNECTIONS)
    remove_connection(member=alice, other=charlie)
    answer(post, bob, parent=top)
    assert not Notification.objects.filter(recipient=charlie, kind="reply").exists()


def test_those_in_a_thread_who_have_blocked_the_one_who_replies_are_not_told(
    post: Post, charlie: User, mona: User
) -> None:
    top = answer(post, charlie)
    block_member(blocker=charlie, blocked=mona)
    answer(post, mona, parent=top)
    assert not Notification.objects.filter(recipient=charlie).exists()
    assert told(post.author) == ["Mona and Charlie commented on your post"]


def test_a_repost_is_told_to_the_author_of_the_original(post: Post, charlie: User) -> None:
    shared = pass_on(post, charlie)
    assert told(post.author) == ["Charlie shared your post"]
    services.delete_post(post=shared)
    assert told(post.author) == []


def test_a_repost_that_the_author_may_not_see_is_not_told(post: Post, charlie: User) -> None:
    pass_on(post, charlie, "Among us", audience=Audience.CONNECTIONS)
    assert not Notification.objects.exists()
