"""Who may see which post: the table of viewers and audiences."""

from collections.abc import Callable
from itertools import product

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError
from django.utils import timezone

from feed.models import Post
from network.models import Member, Viewer
from network.services import (
    block_member,
    follow_member,
    invite_member,
    remove_connection,
    unblock_member,
)
from tests.cases import all_cases, rolled_back
from tests.cast import connect, make_member
from users.audience import Audience
from users.models import User

from .factories import pass_on, posts_tagged, say

pytestmark = pytest.mark.both

AUDIENCES = [Audience.PUBLIC, Audience.MEMBERS, Audience.CONNECTIONS]

# How the viewer stands to the author → whether a post for everyone, for members, for connections is seen.
TABLE = {
    "visitor": (True, False, False),
    "stranger": (True, True, False),
    "follower": (True, True, False),
    "followed": (True, True, False),
    "invited": (True, True, False),
    "inviter": (True, True, False),
    "connection": (True, True, True),
    "former connection": (True, True, False),
    "author": (True, True, True),
    "blocker": (False, False, False),
    "blocked": (False, False, False),
    "unblocked": (True, True, False),
}


def _former_connection(viewer: User, author: User) -> None:
    connect(viewer, author)
    remove_connection(member=author, other=viewer)


def _blocker(viewer: User, author: User) -> None:
    connect(viewer, author)
    block_member(blocker=viewer, blocked=author)


def _blocked(viewer: User, author: User) -> None:
    connect(viewer, author)
    block_member(blocker=author, blocked=viewer)


def _unblocked(viewer: User, author: User) -> None:
    block_member(blocker=author, blocked=viewer)
    unblock_member(blocker=author, blocked=viewer)


# How two become what the table says.
BECOME: dict[str, Callable[[User, User], object]] = {
    "stranger": lambda viewer, author: None,
    "follower": lambda viewer, author: follow_member(follower=viewer, followed=author),
    "followed": lambda viewer, author: follow_member(follower=author, followed=viewer),
    "invited": lambda viewer, author: invite_member(inviter=author, invitee=viewer),
    "inviter": lambda viewer, author: invite_member(inviter=viewer, invitee=author),
    "connection": connect,
    "former connection": _former_connection,
    "blocker": _blocker,
    "blocked": _blocked,
    "unblocked": _unblocked,
}


def viewer_who_is(standing: str, author: User) -> Viewer:
    if standing == "visitor":
        return AnonymousUser()
    if standing == "author":
        return author
    viewer = make_member("viewer")
    BECOME[standing](viewer, author)
    return viewer


def test_audience_and_standing_decide(alice: User) -> None:
    cases = [
        (standing, audience, seen)
        for standing, row in TABLE.items()
        for audience, seen in zip(AUDIENCES, row, strict=True)
    ]
    with all_cases() as case:
        for standing, audience, seen in cases:
            with case(f"{standing!r}, {audience!r}, {seen!r}"), rolled_back():
                post = say(alice, audience=audience)
                viewer = viewer_who_is(standing, alice)
                assert Post.objects.visible_to(viewer).filter(pk=post.pk).exists() is seen


def test_posts_of_an_unavailable_author_are_not_visible(alice: User) -> None:
    fates: list[dict[str, object]] = [
        {"suspended_at": timezone.now()},
        {"is_active": False},
        {"joined_at": None},
    ]
    with all_cases() as case:
        for gone, standing, audience in product(
            fates, ("visitor", "stranger", "follower", "connection"), AUDIENCES
        ):
            with case(f"{gone!r}, {standing!r}, {audience!r}"), rolled_back():
                say(alice, audience=audience)
                viewer = viewer_who_is(standing, alice)
                User.objects.filter(pk=alice.pk).update(**gone)
                assert not Post.objects.visible_to(viewer).exists()


def test_a_hidden_post_is_not_visible(alice: User) -> None:
    with all_cases() as case:
        for standing, audience in product(
            ("visitor", "stranger", "follower", "connection", "author"), AUDIENCES
        ):
            with case(f"{standing!r}, {audience!r}"), rolled_back():
                post = say(alice, audience=audience)
                viewer = viewer_who_is(standing, alice)
                Post.objects.filter(pk=post.pk).update(hidden_at=timezone.now())
                assert not Post.objects.visible_to(viewer).exists()


def test_a_repost_has_its_own_audience(alice: User, bob: User, charlie: User) -> None:
    shared = pass_on(say(alice), by=bob, audience=Audience.CONNECTIONS)
    assert not Post.objects.visible_to(charlie).filter(pk=shared.pk).exists()
    assert Post.objects.visible_to(alice).filter(pk=shared.pk).exists()


def test_a_connection_of_another_member_opens_nothing(alice: User, bob: User, charlie: User) -> None:
    connect(bob, charlie)
    say(alice, audience=Audience.CONNECTIONS)
    assert not Post.objects.visible_to(charlie).exists()


def test_an_audience_beyond_connections_is_refused_by_the_database(alice: User) -> None:
    with pytest.raises(IntegrityError):
        Post.objects.create(author=alice, text="mine", audience=Audience.ME)


def test_posts_by_a_member_equal_the_visible_ones(alice: User) -> None:
    with all_cases() as case:
        for standing in TABLE:
            with case(standing), rolled_back():
                for audience in Audience.values[:3]:
                    say(alice, f"for {audience}", audience=audience)
                Post.objects.filter(pk=say(alice, "hidden").pk).update(hidden_at=timezone.now())
                say(make_member("other"), "of another", audience=Audience.PUBLIC)
                viewer = viewer_who_is(standing, alice)
                # A public page: what remains to decide is the audience of each post.
                User.objects.filter(pk=alice.pk).update(page_audience=Audience.PUBLIC)
                member = Member.objects.visible_to(viewer).for_display(viewer).filter(pk=alice.pk).first()
                found = set(Post.objects.by(member)) if member else set()
                assert found == set(Post.objects.visible_to(viewer).filter(author=alice))


def test_the_list_of_a_tag_picks_by_tag(alice: User, bob: User) -> None:
    tagged = say(alice, "On #Trains")
    say(bob, "On #trainspotting")
    assert list(posts_tagged("TRAINS")) == [tagged]
