"""Which posts stand on a member's home page: the newest of the circle, found without reading anybody else's."""

from collections.abc import Collection
from functools import cache

from django.contrib.auth.models import AnonymousUser
from django.db import connection

from core.database.compiled_queries import CompiledQuery, CompiledSQL
from core.database.pagination import Page, id_cursor
from network.models import Connection, Member, MemberQuerySet, Viewer
from users.audience import Audience
from users.models import User

from .models import Post
from .models.post import PostQuerySet

PAGE_SIZE = 20

# The audiences of the rule for reading a post (feed.models.visibility), written for the index: decision 0039.
# The circle: me, my connections, whom I follow; each with the narrowest audience of theirs that I am in.
_CIRCLE = f"""
WITH circle (author_id, audience) AS (
    SELECT member_id, MAX(audience) FROM (
        SELECT CAST(%(me)s AS bigint) AS member_id, {Audience.CONNECTIONS:d} AS audience
        UNION ALL SELECT high_id, {Audience.CONNECTIONS:d} FROM network_connection
            WHERE low_id = %(me)s AND state = {Connection.State.CONNECTED:d}
        UNION ALL SELECT low_id, {Audience.CONNECTIONS:d} FROM network_connection
            WHERE high_id = %(me)s AND state = {Connection.State.CONNECTED:d}
        UNION ALL SELECT followed_id, {Audience.MEMBERS:d} FROM network_follow WHERE follower_id = %(me)s
    ) AS ties GROUP BY member_id
)
"""  # noqa: S608 -- constants

_WHOSE = CompiledSQL(_CIRCLE + "SELECT author_id, audience FROM circle")  # noqa: S608 -- two constants

# PostgreSQL takes the newest few of each author from the index (author, -id) and merges them: the cost depends on
# the size of the circle, never on the number of posts in the network. "= ANY" with the author in the order keeps the
# planner on that index: written plainly, where few members write most posts, it walks the primary key backwards and
# reads every post of the network for each silent member of the circle.
_POSTGRESQL = """
SELECT post.id FROM circle CROSS JOIN LATERAL (
    SELECT id FROM feed_post
    WHERE author_id = ANY (ARRAY[circle.author_id]) AND id < %(before)s
    AND audience <= circle.audience AND hidden_at IS NULL
    ORDER BY author_id, id DESC LIMIT {limit:d}
) AS post ORDER BY post.id DESC LIMIT {limit:d}
"""

# SQLite has no LATERAL; on a developer's machine the plain join is quick enough.
_SQLITE = """
SELECT post.id FROM circle JOIN feed_post AS post ON post.author_id = circle.author_id
WHERE post.id < %(before)s AND post.audience <= circle.audience AND post.hidden_at IS NULL
ORDER BY post.id DESC LIMIT {limit:d}
"""

NEWEST = 2**63 - 1


@cache
def newest_ids(vendor: str, limit: int) -> CompiledSQL:
    """The statement that finds the ids, as the database of `vendor` speaks it: at most `limit` below a certain id. Its
    values are `me`, the member's id, and `before`, that id or `NEWEST`."""
    newest = _POSTGRESQL if vendor == "postgresql" else _SQLITE
    return CompiledSQL(_CIRCLE + newest.format(limit=limit))


def home_page(member: User, cursor: str | None, *, size: int = PAGE_SIZE) -> Page[Post]:
    """One page of the home feed of `member`, newest first, ready for display.

    Posts from the member, connections and followed members, as far as their audience includes the member. A page may
    hold fewer than `size` posts where one is a plain repost of something that the member may not see.
    """
    before = id_cursor(cursor)
    statement = newest_ids(connection.vendor, size + 1)
    found = statement.fetch(me=member.pk, before=NEWEST if before is None else before)
    ids = [pk for (pk,) in found]
    posts = displayed(ids[:size], member)
    return Page(posts, str(ids[size - 1]) if len(ids) > size else "")


def circle(member: User) -> dict[int, int]:
    """Whose posts stand on the home page of `member`: by id, the narrowest audience of theirs that the member is in."""
    return dict(_WHOSE.fetch(me=member.pk))


def displayed(ids: Collection[int], viewer: Viewer) -> list[Post]:
    """The posts with these ids as far as the viewer may see them, newest first, for lists (feed.cards.list_of_cards).

    Plain reposts of what is out of sight are left out. Pictures are not fetched: a card that is remembered needs none.
    """
    rows = _POSTS.fetch(viewer=viewer.pk, posts=ids)
    # A statement of its own: for many ids at once, PostgreSQL prefers to read all members.
    passed_on = {post.original_id for post in rows if post.original_id}
    originals = _POSTS.fetch(viewer=viewer.pk, posts=passed_on)
    people = {post.author_id for post in (*rows, *originals)}
    authors = {member.pk: member for member in _AUTHORS.fetch(viewer=viewer.pk, members=people)}
    in_sight = {post.pk: post for post in _with_authors(originals, authors)}
    shown = _with_authors(rows, authors)
    for post in shown:
        if post.original_id:
            _ORIGINAL.set_cached_value(post, in_sight.get(post.original_id))
    return [post for post in shown if post.has_visible_text]


def _with_authors(posts: list[Post], authors: dict[int, Member]) -> list[Post]:
    """The posts with their authors in place, without those whose author was deleted since they were fetched."""
    present = [post for post in posts if post.author_id in authors]
    for post in present:
        _AUTHOR.set_cached_value(post, authors[post.author_id])
    return present


def _viewer(pk: int | None) -> Viewer:
    return AnonymousUser() if pk is None else User(pk=pk)


def _posts_query(viewer: int | None, posts: Collection[int]) -> PostQuerySet:
    who = _viewer(viewer)
    return Post.objects.filter(pk__in=posts).visible_to(who).with_answers_of(who).order_by("-pk")


def _authors_query(viewer: int | None, members: Collection[int]) -> MemberQuerySet:
    return Member.objects.filter(pk__in=members).for_display(_viewer(viewer))


_POSTS = CompiledQuery(_posts_query)
_AUTHORS = CompiledQuery(_authors_query)
_AUTHOR = Post._meta.get_field("author")
_ORIGINAL = Post._meta.get_field("original")
