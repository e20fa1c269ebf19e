"""The home feed, post by post and against the naive definition over random networks."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import BadRequest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database.pagination import MAX_ID
from feed.models import Post, Reaction, SavedPost
from feed.timeline import compile_recent_ids, find_ids, load_for_display, load_home_page
from network.models import Viewer
from network.services import block_member, follow_member, invite_member, remove_connection
from tests.cases import all_cases, rolled_back
from tests.cast import connect, make_member
from users.audience import Audience
from users.models import User

from .factories import pass_on, say
from .strategies import PEOPLE, Network, networks

pytestmark = pytest.mark.both

any_world = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def people(db: None) -> list[User]:
    return [make_member(f"member{number}") for number in range(PEOPLE)]


@contextmanager
def stored(network: Network, people: list[User]) -> Iterator[list[Post]]:
    """The network in the database, until the block ends."""
    with transaction.atomic():
        yield network.store(people)
        transaction.set_rollback(True)


def walk(member: User, size: int) -> list[Post]:
    """All posts of the home feed, page after page."""
    posts: list[Post] = []
    cursor: str | None = None
    for _page in range(100):
        page = load_home_page(member, cursor, size=size)
        assert len(page.rows) <= size
        posts += page.rows
        if not page.next:
            return posts
        cursor = page.next
    raise AssertionError("the pages have no end")


def home(member: User) -> list[Post]:
    return walk(member, 20)


@any_world
@given(network=networks(), size=st.integers(1, 5))
def test_walking_the_pages_shows_each_right_post_once_newest_first(
    people: list[User], network: Network, size: int
) -> None:
    with stored(network, people) as posts:
        for me, member in enumerate(people[:3]):
            assert walk(member, size) == [posts[place] for place in network.home(me)]


@any_world
@given(network=networks(), limit=st.integers(1, 5))
def test_who_follows_many_finds_the_same_posts(people: list[User], network: Network, limit: int) -> None:
    with stored(network, people) as posts:
        for viewer in people[:3]:
            for before in [MAX_ID, *(post.pk for post in posts[:2])]:
                few, many = (
                    find_ids(viewer.pk, before, limit, follows_many=follows_many)
                    for follows_many in (False, True)
                )
                assert many == few


def test_a_page_that_the_newest_posts_do_not_fill_is_filled_from_all(alice: User, bob: User) -> None:
    old = [say(alice), say(bob)]
    recent = compile_recent_ids(connection.vendor, 2, window=1)
    say(make_member("dora"))
    assert recent.fetch(viewer=alice.pk, before=MAX_ID) == []
    assert find_ids(alice.pk, MAX_ID, 2, follows_many=True) == [post.pk for post in reversed(old)]


@any_world
@given(network=networks())
def test_visible_to_equals_the_naive_definition(people: list[User], network: Network) -> None:
    with stored(network, people) as posts:
        for me, member in enumerate(people):
            seen = list(Post.objects.visible_to(member).order_by("-pk"))
            assert seen == [posts[place] for place in network.visible(me)]
        seen = list(Post.objects.visible_to(AnonymousUser()).order_by("-pk"))
        assert seen == [posts[place] for place in network.visible(None)]


@any_world
@given(network=networks())
def test_a_list_equals_the_plain_query_sets(people: list[User], network: Network) -> None:
    """`displayed` against PostQuerySet.for_display: posts, authors, originals, and the viewer's answers."""
    with stored(network, people) as posts:
        for place, post in enumerate(posts[:4]):
            Reaction.objects.create(post=post, member=people[place % 2], kind="support")
            SavedPost.objects.create(post=post, member=people[place % 3])
        viewers: list[Viewer] = [*people[:3], AnonymousUser()]
        for viewer in viewers:
            plain = Post.objects.visible_to(viewer).for_display(viewer).order_by("-pk")
            wanted = [told(post) for post in plain if post.has_content]
            assert [told(post) for post in load_for_display([post.pk for post in posts], viewer)] == wanted


def told(post: Post) -> list[object]:
    """All that was read of a post, of its author and of what it passes on."""
    rows = [post, post.author, *([post.original, post.original.author] if post.original else [])]
    return [{name: value for name, value in vars(row).items() if not name.startswith("_")} for row in rows]


def test_home_shows_my_posts_connections_and_followed_members(alice: User, bob: User, charlie: User) -> None:
    dora = make_member("dora")
    follow_member(follower=alice, followed=charlie)
    mine, bobs, charlies = say(alice), say(bob), say(charlie)
    say(dora)
    assert home(alice) == [charlies, bobs, mine]


def test_posts_of_my_followers_are_not_on_my_home(alice: User, charlie: User) -> None:
    follow_member(follower=charlie, followed=alice)
    say(charlie)
    assert home(alice) == []


def test_an_invitation_brings_nothing_home_to_either(alice: User, charlie: User) -> None:
    invite_member(inviter=alice, invitee=charlie)
    hers, his = say(alice), say(charlie)
    assert home(alice) == [hers]
    assert home(charlie) == [his]


def test_a_followed_members_posts_for_connections_are_left_out(alice: User, charlie: User) -> None:
    follow_member(follower=alice, followed=charlie)
    say(charlie, audience=Audience.CONNECTIONS)
    assert home(alice) == []


def test_following_a_connection_does_not_narrow_or_double_what_is_seen(alice: User, bob: User) -> None:
    follow_member(follower=alice, followed=bob)
    post = say(bob, audience=Audience.CONNECTIONS)
    assert home(alice) == [post]


def test_my_own_posts_for_connections_are_on_my_home(alice: User) -> None:
    post = say(alice, audience=Audience.CONNECTIONS)
    assert home(alice) == [post]


def test_a_removed_connection_leaves_my_home(alice: User, bob: User) -> None:
    say(bob)
    remove_connection(member=alice, other=bob)
    assert home(alice) == []


def test_a_block_empties_home_of_the_other(alice: User, bob: User) -> None:
    with all_cases() as case:
        for by_alice in [True, False]:
            with case(by_alice), rolled_back():
                say(bob)
                one, two = (alice, bob) if by_alice else (bob, alice)
                block_member(blocker=one, blocked=two)
                assert home(alice) == []


def test_a_hidden_post_leaves_home_and_hides_no_other(alice: User, bob: User) -> None:
    first, hidden, last = say(bob, "1"), say(bob, "2"), say(bob, "3")
    Post.objects.filter(pk=hidden.pk).update(hidden_at=timezone.now())
    assert walk(alice, 1) == [last, first]


def test_what_is_hidden_or_not_for_me_takes_no_room_on_a_page(alice: User, charlie: User) -> None:
    follow_member(follower=alice, followed=charlie)
    shown = [say(charlie, str(number)) for number in range(2)]
    for number in range(3):
        say(charlie, f"narrow {number}", audience=Audience.CONNECTIONS)
        Post.objects.filter(pk=say(charlie).pk).update(hidden_at=timezone.now())
    page = load_home_page(alice, None, size=2)
    assert page.rows == shown[::-1]
    assert page.next == ""


def test_a_suspended_connection_leaves_home_and_the_walk_goes_on(alice: User, bob: User) -> None:
    mine = say(alice)
    for number in range(5):
        say(bob, str(number))
    User.objects.filter(pk=bob.pk).update(suspended_at=timezone.now())
    assert walk(alice, 2) == [mine]


def test_a_plain_repost_of_what_i_may_not_see_is_left_out_and_a_quote_stays(
    alice: User, bob: User, charlie: User
) -> None:
    post = say(charlie)
    pass_on(post, by=bob)
    quote = pass_on(post, by=bob, text="Look")
    block_member(blocker=charlie, blocked=alice)
    (shown,) = home(alice)
    assert shown == quote
    assert shown.original is None


def test_a_page_holds_twenty_and_names_the_next(alice: User) -> None:
    posts = Post.objects.bulk_create(Post(author=alice, text=str(number)) for number in range(41))
    newest = [post.pk for post in reversed(posts)]
    first = load_home_page(alice, None)
    assert [post.pk for post in first.rows] == newest[:20]
    assert first.next == str(newest[19])
    second = load_home_page(alice, first.next)
    assert [post.pk for post in second.rows] == newest[20:40]
    last = load_home_page(alice, second.next)
    assert [post.pk for post in last.rows] == newest[40:]
    assert last.next == ""


def test_a_new_post_does_not_shift_the_next_page(alice: User, bob: User) -> None:
    old = [say(bob, str(number)) for number in range(4)]
    page = load_home_page(alice, None, size=2)
    say(bob, "newer")
    assert load_home_page(alice, page.next, size=2).rows == [old[1], old[0]]


def test_a_post_that_vanishes_under_the_cursor_breaks_nothing(alice: User, bob: User) -> None:
    old = [say(bob, str(number)) for number in range(4)]
    page = load_home_page(alice, None, size=2)
    old[2].delete()
    assert load_home_page(alice, page.next, size=2).rows == [old[1], old[0]]


def test_a_member_without_anybody_has_an_empty_home(charlie: User) -> None:
    page = load_home_page(charlie, None)
    assert page.rows == []
    assert page.next == ""


def test_what_is_no_cursor_is_refused(alice: User) -> None:
    with all_cases() as case:
        for cursor in ["abc", "-1", "1.5", "9" * 30, "٣", " 1", "1;--"]:
            with case(cursor), rolled_back(), pytest.raises(BadRequest):
                load_home_page(alice, cursor)


def test_a_connection_made_by_the_other_counts_the_same(charlie: User, alice: User) -> None:
    connect(charlie, alice)
    connect(make_member("zoe"), alice)
    post = say(charlie, audience=Audience.CONNECTIONS)
    assert home(alice) == [post]
