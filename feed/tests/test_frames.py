"""The home page on the socket: the number of new posts by followed authors only."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.sockets.frames import FrameError, TabState
from feed import frames
from feed.models import Post
from feed.services import HOME_TOPIC, publish_post, repost_post
from network.services import block_member, follow_member, remove_connection, unfollow_member
from tests.cases import all_cases, rolled_back
from tests.cast import connect
from users.audience import Audience
from users.models import User


def home_of(member: User, newest: int = 0) -> TabState:
    """A tab in view with the home page of `member`."""
    tab = TabState(member.pk)
    tab.visible = True
    frames.watch_home(tab, {"type": "feed.watch", "newest": newest})
    return tab


def count_of(tab: TabState) -> int:
    return frames.count_for_heartbeat([tab])[tab]["count"]


def test_a_post_of_a_connection_is_counted(alice: User, bob: User) -> None:
    tab = home_of(alice)
    post = publish_post(author=bob, text="News")
    assert frames.send_count(tab, {"type": "feed.post", "author": bob.pk}) == [
        {"type": "feed.new", "count": 1}
    ]
    assert frames.watch_home(tab, {"newest": post.pk}) == [{"type": "feed.new", "count": 0}]


def test_a_strangers_post_costs_no_query(alice: User, charlie: User) -> None:
    tab = home_of(alice)
    publish_post(author=charlie, text="Elsewhere")
    with CaptureQueriesContext(connection) as queries:
        assert frames.send_count(tab, {"type": "feed.post", "author": charlie.pk}) == []
    assert len(queries) == 0
    assert count_of(tab) == 0


def test_an_own_post_is_not_announced(alice: User) -> None:
    tab = home_of(alice)
    publish_post(author=alice, text="Mine")
    assert count_of(tab) == 0


def test_what_is_for_connections_is_not_announced_to_followers(alice: User, charlie: User) -> None:
    follow_member(follower=charlie, followed=alice)
    tab = home_of(charlie)
    publish_post(author=alice, text="Among us", audience=Audience.CONNECTIONS)
    assert count_of(tab) == 0
    publish_post(author=alice, text="For all")
    assert count_of(tab) == 1


def test_what_is_hidden_or_of_the_suspended_is_not_announced(alice: User, bob: User) -> None:
    tab = home_of(alice)
    Post.objects.filter(pk=publish_post(author=bob, text="One").pk).update(hidden_at=timezone.now())
    assert count_of(tab) == 0
    publish_post(author=bob, text="Two")
    User.objects.filter(pk=bob.pk).update(suspended_at=timezone.now())
    assert count_of(tab) == 0


def test_after_a_block_a_new_page_counts_nothing(alice: User, bob: User) -> None:
    block_member(blocker=bob, blocked=alice)
    tab = home_of(alice)
    publish_post(author=bob, text="Gone")
    assert count_of(tab) == 0


def test_a_plain_repost_of_a_deleted_post_is_not_announced(alice: User, bob: User, charlie: User) -> None:
    tab = home_of(alice)
    original = publish_post(author=charlie, text="Original")
    repost_post(post=original, by=bob)
    assert count_of(tab) == 1
    Post.objects.filter(pk=original.pk).update(hidden_at=timezone.now())
    Post.objects.filter(is_repost=True).update(original=None)
    assert count_of(tab) == 0


def test_a_tab_without_a_home_page_gets_no_count(alice: User, bob: User) -> None:
    tab = home_of(alice)
    frames.unwatch_home(tab, {})
    publish_post(author=bob, text="News")
    assert frames.send_count(tab, {"type": "feed.post", "author": bob.pk}) == []
    assert frames.count_for_heartbeat([tab]) == {}
    assert HOME_TOPIC not in tab.topics


def test_a_hidden_tab_costs_no_query_at_the_heartbeat(alice: User) -> None:
    tab = home_of(alice)
    tab.visible = False
    with CaptureQueriesContext(connection) as queries:
        assert frames.count_for_heartbeat([tab]) == {}
    assert len(queries) == 0


def test_a_malformed_number_is_refused(alice: User) -> None:
    with all_cases() as case:
        for newest in [-1, True, "7", 2**63, None, 1.5]:
            with case(newest), rolled_back(), pytest.raises(FrameError):
                frames.watch_home(TabState(alice.pk), {"newest": newest})


def test_the_heartbeat_makes_one_query_for_all_tabs(alice: User, bob: User) -> None:
    tabs = [home_of(member) for member in (alice, bob) for _ in range(25)]
    publish_post(author=bob, text="News")
    with CaptureQueriesContext(connection) as queries:
        counts = frames.count_for_heartbeat(tabs)
    assert len(queries) == 1
    assert {told["count"] for tab, told in counts.items() if tab.member_id == alice.pk} == {1}
    assert {told["count"] for tab, told in counts.items() if tab.member_id == bob.pk} == {0}


def test_an_open_page_updates_its_authors_immediately(
    alice: User, bob: User, charlie: User, published: list[dict[str, Any]]
) -> None:
    """After each change of a connection the event reaches both members' tabs, and the next count is correct."""
    tab = home_of(alice)

    def after(change: Callable[[], object], author: User, audience: int) -> int:
        published.clear()
        change()
        hints = [each for each in published if each["event"] == {"type": "feed.circle"}]
        assert [f"member.{alice.pk}"] in [each["topics"] for each in hints]
        before = frames.reload_authors(tab, {"type": "feed.circle"})[0]["count"]
        publish_post(author=author, text="News", audience=audience)
        return count_of(tab) - int(before)

    circle, members = Audience.CONNECTIONS, Audience.MEMBERS
    assert count_of(tab) == 0
    assert after(lambda: follow_member(follower=alice, followed=charlie), charlie, members) == 1
    assert after(lambda: unfollow_member(follower=alice, followed=charlie), charlie, members) == 0
    assert after(lambda: connect(alice, charlie), charlie, circle) == 1
    assert after(lambda: remove_connection(member=charlie, other=alice), charlie, circle) == 0
    assert after(lambda: block_member(blocker=bob, blocked=alice), bob, circle) == 0
    assert frames.reload_authors(TabState(alice.pk), {"type": "feed.circle"}) == []


def test_a_post_and_a_repost_reach_every_home_page_once(
    alice: User, bob: User, published: list[dict[str, Any]]
) -> None:
    post = publish_post(author=alice, text="News")
    repost_post(post=post, by=bob)
    homes = [each["event"] for each in published if each["topics"] == [HOME_TOPIC]]
    assert homes == [{"type": "feed.post", "author": author.pk} for author in (alice, bob)]


def test_other_events_do_not_reload_authors(
    alice: User, charlie: User, published: list[dict[str, Any]]
) -> None:
    remove_connection(member=alice, other=charlie)
    unfollow_member(follower=alice, followed=charlie)
    assert published == []
