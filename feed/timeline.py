"""The home page's posts: the newest of followed authors, found without reading other authors' posts."""

from collections.abc import Collection
from functools import cache

from django.db import connection

from core.database.compiled_queries import CompiledQuery, CompiledSQL
from core.database.pagination import MAX_ID, Page, id_cursor
from network.contact_counts import count_followed_authors
from network.member_queries import load_members
from network.models import Connection, Member, Viewer, viewer_of
from network.pair_sql import connected_sql
from users.audience import Audience
from users.models import User

from .models import Post
from .models.post import PostQuerySet

PAGE_SIZE = 20
# Up to this number of followed authors, taking the newest posts of each is faster.
MANY_AUTHORS = 1000
# Among how many of the newest posts of the network a page is looked for first.
WINDOW = 2000

# The audiences of the rule for reading a post (feed.models.visibility), written for the index: decision 0039.
# The authors: the viewer, connections, followed members; each with their narrowest audience that includes the viewer.
_FOLLOWED_AUTHORS = f"""
WITH followed (author_id, audience) AS (
    SELECT author_id, MAX(audience) FROM (
        SELECT CAST(%(viewer)s AS bigint) AS author_id, {Audience.CONNECTIONS:d} AS audience
        UNION ALL SELECT high_id, {Audience.CONNECTIONS:d} FROM network_connection
            WHERE low_id = %(viewer)s AND state = {Connection.State.CONNECTED:d}
        UNION ALL SELECT low_id, {Audience.CONNECTIONS:d} FROM network_connection
            WHERE high_id = %(viewer)s AND state = {Connection.State.CONNECTED:d}
        UNION ALL SELECT followed_id, {Audience.MEMBERS:d} FROM network_follow WHERE follower_id = %(viewer)s
    ) AS authors GROUP BY author_id
)
"""  # noqa: S608 -- constants

_AUTHORS_STATEMENT = CompiledSQL(_FOLLOWED_AUTHORS + "SELECT author_id, audience FROM followed")  # noqa: S608

# PostgreSQL takes the newest few of each author from the index (author, -id) and merges them: the cost depends on the
# number of followed authors, never on the number of posts in the network. "= ANY" with the author in the order keeps
# the planner on that index: with a plain "=", where few members write most posts, it walks the primary key backwards
# and reads every post of the network for each silent author.
_POSTGRESQL = """
SELECT post.id FROM followed CROSS JOIN LATERAL (
    SELECT id FROM feed_post
    WHERE author_id = ANY (ARRAY[followed.author_id]) AND id < %(before)s
    AND audience <= followed.audience AND hidden_at IS NULL
    ORDER BY author_id, id DESC LIMIT {limit:d}
) AS post ORDER BY post.id DESC LIMIT {limit:d}
"""

# SQLite has no LATERAL; the plain join is fast enough for development.
_SQLITE = """
SELECT post.id FROM followed JOIN feed_post AS post ON post.author_id = followed.author_id
WHERE post.id < %(before)s AND post.audience <= followed.audience AND post.hidden_at IS NULL
ORDER BY post.id DESC LIMIT {limit:d}
"""

# Whoever follows very many finds a page among the newest posts of the network: for each post the row of the pair, and
# of the follow, is looked up, until the page is full.
_RECENT = """
SELECT post.id FROM (
    SELECT id, author_id, audience FROM feed_post
    WHERE id < %(before)s AND hidden_at IS NULL ORDER BY id DESC LIMIT {window:d}
) AS post
WHERE post.author_id = %(viewer)s
OR (post.audience <= {connections:d} AND {are_connected})
OR (post.audience <= {members:d} AND (
    SELECT 1 FROM network_follow WHERE follower_id = %(viewer)s AND followed_id = post.author_id
) = 1)
ORDER BY post.id DESC LIMIT {limit:d}
"""


@cache
def compile_recent_ids(vendor: str, limit: int, window: int = WINDOW) -> CompiledSQL:
    """Compile the same statement for the newest `window` posts of the network only: it may find less than `limit`."""
    return CompiledSQL(
        _RECENT.format(
            window=window,
            limit=limit,
            members=Audience.MEMBERS,
            connections=Audience.CONNECTIONS,
            are_connected=connected_sql(vendor, "CAST(%(viewer)s AS bigint)", "post.author_id"),
        )
    )


@cache
def compile_newest_ids(vendor: str, limit: int) -> CompiledSQL:
    """Compile the statement, in the SQL of `vendor`, that finds at most `limit` ids of posts below an id, newest first.

    Its values are `viewer`, the viewer's id, and `before`, the id or `MAX_ID`.
    """
    newest = _POSTGRESQL if vendor == "postgresql" else _SQLITE
    return CompiledSQL(_FOLLOWED_AUTHORS + newest.format(limit=limit))


def load_home_page(viewer: User, cursor: str | None, *, size: int = PAGE_SIZE) -> Page[Post]:
    """Load one page of the home feed of `viewer`, newest first, ready for display.

    It holds posts of the viewer, connections and followed members whose audience includes the viewer. A page has fewer
    than `size` posts where one is a plain repost of a post that the viewer may not read.
    """
    before = id_cursor(cursor)
    ids = find_ids(
        viewer.pk,
        MAX_ID if before is None else before,
        size + 1,
        follows_many=count_followed_authors(viewer.pk) > MANY_AUTHORS,
    )
    posts = load_for_display(ids[:size], viewer)
    return Page(posts, str(ids[size - 1]) if len(ids) > size else "")


def find_ids(viewer_id: int, before: int, limit: int, *, follows_many: bool) -> list[int]:
    """The ids of at most `limit` posts below `before` on the home page of the viewer, newest first.

    With `follows_many` the newest posts of the network are tried first, which does not change what is found.
    """
    statements = (compile_recent_ids, compile_newest_ids) if follows_many else (compile_newest_ids,)
    ids: list[int] = []
    for compile_ids in statements:
        statement = compile_ids(connection.vendor, limit)
        ids = [pk for (pk,) in statement.fetch(viewer=viewer_id, before=before)]
        if len(ids) == limit:
            break
    return ids


def followed_authors(viewer: User) -> dict[int, int]:
    """The authors on the home page of `viewer`: by id, their narrowest audience that includes the viewer."""
    return dict(_AUTHORS_STATEMENT.fetch(viewer=viewer.pk))


def load_for_display(ids: Collection[int], viewer: Viewer) -> list[Post]:
    """Load those of the posts that the viewer may read, newest first, for lists (feed.cards.render_card_list).

    Plain reposts whose original the viewer may not read are left out. Pictures are not fetched: cached cards need none.
    """
    return [post for post in load_posts(ids, viewer) if post.has_content]


def load_posts(ids: Collection[int], viewer: Viewer) -> list[Post]:
    """The same with plain reposts whose original the viewer may not read."""
    rows = _POSTS.fetch(viewer_id=viewer.pk, posts=ids)
    # A separate statement: for many ids at once, PostgreSQL prefers to read all members.
    original_ids = {post.original_id for post in rows if post.original_id}
    originals = _POSTS.fetch(viewer_id=viewer.pk, posts=original_ids)
    people = {post.author_id for post in (*rows, *originals)}
    authors = load_members(people, viewer)
    readable = {post.pk: post for post in _set_authors(originals, authors)}
    loaded = _set_authors(rows, authors)
    for post in loaded:
        if post.original_id:
            _ORIGINAL.set_cached_value(post, readable.get(post.original_id))
    return loaded


def _set_authors(posts: list[Post], authors: dict[int, Member]) -> list[Post]:
    """Set the authors of the posts; leave out posts whose author was deleted in the meantime."""
    present = [post for post in posts if post.author_id in authors]
    for post in present:
        _AUTHOR.set_cached_value(post, authors[post.author_id])
    return present


def _posts_query(viewer_id: int | None, posts: Collection[int]) -> PostQuerySet:
    viewer = viewer_of(viewer_id)
    return Post.objects.filter(pk__in=posts).visible_to(viewer).with_viewer_state(viewer).order_by("-pk")


_POSTS = CompiledQuery(_posts_query)
_AUTHOR = Post._meta.get_field("author")
_ORIGINAL = Post._meta.get_field("original")
