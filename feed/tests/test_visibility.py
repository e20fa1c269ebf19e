"""Every list, count and file of posts follows the one rule.

One reader, authors in every relation and state, posts for every audience, shown and hidden; compared with the naive
definition.
"""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import OuterRef

from core.database.pagination import MAX_ID
from core.sockets.frames import TabState
from feed import frames
from feed.models import Comment, Post, SavedPost, readers_among
from feed.models.visibility import post_readable_by
from feed.timeline import compile_newest_ids, load_home_page
from network.models import Member
from tests.cast import make_member
from users.audience import Audience
from users.models import User

from .strategies import READER, every_combination

pytestmark = pytest.mark.both

WORLD = every_combination()
BLOCKED = [author for pair in WORLD.blocks for author in pair if author != READER]


@pytest.fixture
def people(db: None) -> list[User]:
    return [make_member(f"member{number}") for number in range(len(WORLD.states))]


@pytest.fixture
def posts(people: list[User]) -> list[Post]:
    return WORLD.store(people)


@pytest.fixture
def reader(people: list[User]) -> User:
    return people[READER]


def readable(posts: list[Post], viewer: int | None = READER) -> set[Post]:
    """The posts that the naive definition lets the viewer read."""
    return {posts[number] for number in WORLD.visible(viewer)}


def test_visible_to_follows_the_rule_for_the_reader_a_blocked_author_and_a_visitor(
    people: list[User], posts: list[Post], reader: User
) -> None:
    assert set(Post.objects.visible_to(reader)) == readable(posts)
    assert set(Post.objects.visible_to(people[BLOCKED[0]])) == readable(posts, BLOCKED[0])
    assert set(Post.objects.visible_to(AnonymousUser())) == readable(posts, None)
    assert 0 < len(readable(posts, None)) < len(readable(posts)) < len(posts)


def test_the_rule_is_the_same_for_a_column_of_viewers(people: list[User], posts: list[Post]) -> None:
    viewers = {number: people[number] for number in (READER, *BLOCKED, 0)}
    SavedPost.objects.bulk_create(
        SavedPost(member=viewer, post=post) for viewer in viewers.values() for post in posts
    )
    rows = SavedPost.objects.filter(post_readable_by(OuterRef("member"), "post"))
    assert set(rows.values_list("member", "post")) == {
        (viewer.pk, post.pk) for number, viewer in viewers.items() for post in readable(posts, number)
    }


def test_a_path_leads_the_rule_to_the_post_of_another_row(posts: list[Post], reader: User) -> None:
    SavedPost.objects.bulk_create(SavedPost(member=reader, post=post) for post in posts)
    for viewer, number in ((reader, READER), (AnonymousUser(), None)):
        rows = SavedPost.objects.filter(post_readable_by(viewer, "post"))
        assert {row.post for row in rows.select_related("post")} == readable(posts, number)


def test_comments_are_visible_to_readers_of_the_post(posts: list[Post], reader: User) -> None:
    comments = Comment.objects.bulk_create(
        Comment(post=post, author=reader, text="Well said", html="Well said") for post in posts
    )
    for viewer, number in ((reader, READER), (AnonymousUser(), None)):
        expected = {comment for comment in comments if comment.post in readable(posts, number)}
        assert set(Comment.objects.visible_to(viewer)) == expected


def test_readers_among_equals_the_rule_for_members_available_to_the_actor(
    people: list[User], posts: list[Post]
) -> None:
    well = [number for number, state in enumerate(WORLD.states) if state == "well"]
    acts = [(place, said.author) for place, said in enumerate(WORLD.posts) if said.author in well]
    acts += [(place, READER) for place, said in enumerate(WORLD.posts) if said.author == well[0]]
    for place, actor in acts:
        others = [number for number in range(len(people)) if number != actor]
        found = readers_among(
            (people[number].pk for number in others), post=posts[place], actor=people[actor]
        )
        assert {member.pk for member in found} == {
            people[number].pk
            for number in others
            if WORLD.may_see(number, place) and WORLD.exists(number, actor)
        }


def test_posts_by_an_author_equal_the_rule(people: list[User], posts: list[Post], reader: User) -> None:
    User.objects.update(page_audience=Audience.PUBLIC)
    for viewer, number in ((reader, READER), (AnonymousUser(), None)):
        authors = Member.objects.visible_to(viewer).for_display(viewer)
        assert {post for author in authors for post in Post.objects.by(author)} == readable(posts, number)


def test_the_statement_of_the_home_feed_finds_what_the_rule_allows(posts: list[Post], reader: User) -> None:
    """The statement alone, before the page asks visible_to: besides the right posts, it may find those of authors who
    are suspended, deactivated or unconfirmed, since their ties stay."""
    right = [posts[number] for number in WORLD.home(READER)]
    available = {
        post.pk for post, said in zip(posts, WORLD.posts, strict=True) if WORLD.exists(said.author, READER)
    }
    found = [
        pk for (pk,) in compile_newest_ids(connection.vendor, 1000).fetch(viewer=reader.pk, before=MAX_ID)
    ]
    assert [pk for pk in found if pk in available] == [post.pk for post in right]
    assert load_home_page(reader, None, size=1000).rows == right


def test_the_count_of_new_posts_is_that_of_the_rule(posts: list[Post], reader: User) -> None:
    tab = TabState(reader.pk)
    expected = [number for number in WORLD.home(READER) if WORLD.posts[number].author != READER]
    assert frames.watch_home(tab, {"newest": 0}) == [{"type": "feed.new", "count": len(expected)}]
