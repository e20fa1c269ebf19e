"""Notifications are checked again whenever they are read."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from feed.models import Post
from feed.tests.factories import answer, pass_on, react, say
from network.models import Block
from network.services import remove_connection
from notifications.display.badge import unread_of, unread_of_many
from notifications.kinds import Channel, Kind
from notifications.models import Notification
from notifications.services import mark_read, set_preferences
from tests.cases import all_cases, rolled_back
from tests.cast import connect, make_member
from users.audience import Audience
from users.models import User

from .factories import page_texts

pytestmark = [pytest.mark.both, pytest.mark.django_db]


def gone(member: User) -> None:
    User.objects.filter(pk=member.pk).update(suspended_at=timezone.now())


def deactivated(member: User) -> None:
    User.objects.filter(pk=member.pk).update(is_active=False)


def unconfirmed(member: User) -> None:
    User.objects.filter(pk=member.pk).update(joined_at=None)


def test_unavailable_members_are_not_shown(alice: User, charlie: User, mona: User) -> None:
    with all_cases() as case:
        for vanish in [gone, deactivated, unconfirmed]:
            with case(vanish), rolled_back():
                post = say(alice)
                react(post, charlie)
                react(post, mona)
                vanish(mona)
                assert page_texts(alice) == ["Charlie reacted to your post"]
                vanish(charlie)
                assert page_texts(alice) == []
                assert unread_of(alice.pk) == 0


def test_a_block_hides_in_both_directions(alice: User, charlie: User) -> None:
    with all_cases() as case:
        for by_alice in [True, False]:
            with case(by_alice), rolled_back():
                react(say(alice), charlie)
                one, two = (alice, charlie) if by_alice else (charlie, alice)
                Block.objects.create(blocker=one, blocked=two)
                assert page_texts(alice) == []


def test_notifications_of_an_unreadable_post_are_not_shown(alice: User, bob: User, charlie: User) -> None:
    Notification.objects.all().delete()
    post = say(bob, "Thanks @alice", audience=Audience.CONNECTIONS)
    assert len(page_texts(alice)) == 1
    remove_connection(member=alice, other=bob)
    assert page_texts(alice) == []
    Post.objects.filter(pk=post.pk).update(audience=Audience.MEMBERS)
    assert len(page_texts(alice)) == 1
    Post.objects.filter(pk=post.pk).update(hidden_at=timezone.now())
    assert page_texts(alice) == []


def test_notifications_of_an_unreadable_repost_are_not_shown(alice: User, charlie: User) -> None:
    shared = pass_on(say(alice), charlie, "Look")
    with all_cases() as case:
        for change in ({"hidden_at": timezone.now()}, {"audience": Audience.CONNECTIONS}):
            with case(change), rolled_back():
                assert page_texts(alice) == ["Charlie shared your post"]
                Post.objects.filter(pk=shared.pk).update(**change)
                assert page_texts(alice) == []
                assert unread_of(alice.pk) == 0


def test_only_the_recipient_sees_it(alice: User, charlie: User, mona: User) -> None:
    react(say(alice), charlie)
    assert [page_texts(member) for member in (charlie, mona)] == [[], []]
    assert not Notification.objects.visible_to(AnonymousUser()).exists()


@pytest.fixture
def mixed(alice: User, bob: User) -> list[User]:
    """Authors in every state and relation to Alice, who was named in posts and comments of every audience; and of
    whose notifications one is read and one is not for the page."""
    authors = [bob, *[make_member(name) for name in ("friend", "stranger", "foe", "fan", "lost", "asleep")]]
    connect(alice, authors[1])
    for author in authors:
        for audience in (Audience.PUBLIC, Audience.MEMBERS, Audience.CONNECTIONS):
            post = say(author, "@alice", audience=audience)
            Notification.objects.get_or_create(
                recipient=alice,
                kind="mention",
                key=f"post:{post.pk}",
                defaults={"post": post, "sort_key": post.pk},
            )[0].activities.get_or_create(actor=author)
    mine = say(alice)
    set_preferences(
        member=alice, choices={(Kind.REACTION, Channel.PAGE): False, (Kind.REACTION, Channel.MAIL): True}
    )
    react(mine, bob)  # a line that waits for its mail and is on no page
    for author in authors:
        answer(mine, author)
        pass_on(mine, author, "Look", audience=Audience.CONNECTIONS)
    Block.objects.create(blocker=authors[3], blocked=alice)
    Block.objects.create(blocker=alice, blocked=authors[4])
    gone(authors[5])
    deactivated(authors[6])
    Post.objects.filter(author=authors[1], audience=Audience.PUBLIC).update(hidden_at=timezone.now())
    mark_read(notification=Notification.objects.visible_to(alice).filter(kind="mention").latest("pk"))
    return authors


def test_notified_posts_are_those_that_the_feed_shows(alice: User, mixed: list[User]) -> None:
    shown = set(Notification.objects.visible_to(alice).filter(kind="mention").values_list("post", flat=True))
    posts = Post.objects.visible_to(alice).filter(text="@alice")
    assert shown == set(posts.values_list("pk", flat=True))
    assert 0 < len(shown) < Notification.objects.filter(recipient=alice, kind="mention").count()


def test_all_counts_agree(alice: User, mixed: list[User]) -> None:
    everybody = [alice, *mixed]
    slow = {member.pk: Notification.objects.visible_to(member).unread().count() for member in everybody}
    assert {member.pk: unread_of(member.pk) for member in everybody} == slow
    assert unread_of_many([member.pk for member in everybody]) == slow
    assert {member.pk: len(page_texts(member)) for member in everybody} == {
        **slow,
        alice.pk: slow[alice.pk] + 1,
    }
    assert slow[alice.pk] > 5


def test_the_count_ends_at_a_hundred(alice: User, charlie: User) -> None:
    for number in range(103):
        row = Notification.objects.create(recipient=alice, kind="mention", key=f"x{number}", sort_key=number)
        row.activities.create(actor=charlie)
    assert unread_of(alice.pk) == 100
    assert unread_of_many([alice.pk, charlie.pk]) == {alice.pk: 100, charlie.pk: 0}
