"""Who may see which comment."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from feed.models import Comment, Post
from feed.queries.comments import comments_page
from feed.services import delete_comment
from network.models import Viewer
from network.services import block_member
from tests.cases import all_cases, rolled_back
from tests.cast import connect, make_member
from users.audience import Audience
from users.models import User

from .factories import answer, say
from .test_visible_to import AUDIENCES, TABLE, viewer_who_is

pytestmark = pytest.mark.both


@pytest.fixture
def dora(alice: User) -> User:
    """A connection of Alice who comments."""
    dora = make_member("dora")
    connect(alice, dora)
    return dora


def sees(viewer: Viewer, comment: Comment) -> bool:
    visible = Comment.objects.visible_to(viewer).filter(pk=comment.pk).exists()
    on_the_page = Post.objects.visible_to(viewer).filter(pk=comment.post_id).exists()
    readable = Comment.objects.readable_by(viewer).filter(pk=comment.pk).exists()
    assert visible is (on_the_page and readable)
    return visible


def test_a_comment_is_visible_to_readers_of_the_post(alice: User, dora: User) -> None:
    cases = [
        (standing, audience, seen)
        for standing, row in TABLE.items()
        for audience, seen in zip(AUDIENCES, row, strict=True)
    ]
    with all_cases() as case:
        for standing, audience, seen in cases:
            with case(f"{standing!r}, {audience!r}, {seen!r}"), rolled_back():
                comment = answer(say(alice, audience=audience), dora)
                assert sees(viewer_who_is(standing, alice), comment) is seen


@pytest.mark.parametrize("blocker", ["viewer", "commenter"])
def test_a_block_hides_comments_both_ways(alice: User, bob: User, dora: User, blocker: str) -> None:
    post = say(alice)
    by_dora, by_bob = answer(post, dora), answer(post, bob)
    one, two = (bob, dora) if blocker == "viewer" else (dora, bob)
    block_member(blocker=one, blocked=two)
    assert not sees(bob, by_dora)
    assert not sees(dora, by_bob)
    assert sees(alice, by_dora)
    assert sees(alice, by_bob)


@pytest.mark.parametrize(
    "gone",
    [{"suspended_at": timezone.now()}, {"is_active": False}, {"joined_at": None}],
    ids=["suspended", "deactivated", "unconfirmed"],
)
def test_comments_of_an_unavailable_author_are_not_visible(
    alice: User, bob: User, dora: User, gone: dict[str, object]
) -> None:
    comment = answer(say(alice, audience=Audience.PUBLIC), dora)
    User.objects.filter(pk=dora.pk).update(**gone)
    assert not any(sees(viewer, comment) for viewer in (alice, bob, AnonymousUser()))


def test_a_hidden_comment_is_not_visible(alice: User, dora: User) -> None:
    comment = answer(say(alice), dora)
    Comment.objects.filter(pk=comment.pk).update(hidden_at=timezone.now())
    assert not sees(alice, comment)
    assert not sees(dora, comment)


def test_a_comment_on_a_hidden_post_is_not_visible(alice: User, dora: User) -> None:
    comment = answer(say(alice), dora)
    Post.objects.update(hidden_at=timezone.now())
    assert not sees(alice, comment)


def test_a_deleted_comment_stays_only_while_it_has_replies(alice: User, dora: User) -> None:
    post = say(alice)
    lonely, answered = answer(post, dora), answer(post, dora)
    answer(post, alice, parent=answered)
    delete_comment(comment=lonely)
    delete_comment(comment=answered)
    assert not sees(alice, lonely)
    assert sees(alice, answered)
    # A deleted one whose row is still there, as in a database of former days.
    left = answer(post, dora)
    Comment.objects.filter(pk=left.pk).update(text="", html="", deleted_at=timezone.now())
    assert not sees(alice, left)


def test_the_first_replies_leave_out_what_the_viewer_may_not_see(alice: User, bob: User, dora: User) -> None:
    post = say(alice)
    top = answer(post, alice)
    hers, his = answer(post, dora, parent=top), answer(post, bob, parent=top)
    block_member(blocker=bob, blocked=dora)
    (shown,) = comments_page(post, bob, None).rows
    assert shown.first_replies == [his]
    (shown,) = comments_page(post, alice, None).rows
    assert shown.first_replies == [hers, his]


def test_three_replies_are_shown_below_a_comment_and_the_rest_is_counted(alice: User) -> None:
    post = say(alice)
    top = answer(post, alice)
    replies = [answer(post, alice, str(number), parent=top) for number in range(5)]
    (shown,) = comments_page(post, alice, None).rows
    assert shown.first_replies == replies[:3]
    assert shown.more_replies == 2
    assert Comment.objects.get(pk=replies[0].pk).more_replies == 0
