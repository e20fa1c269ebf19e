"""Lists of posts besides the home page: by a member, by hashtag, saved. Their queries are compiled once."""

from functools import cache

from django.db.models import QuerySet, Subquery

from core.database.compiled_queries import CompiledQuery
from core.database.pagination import MAX_ID, Page, id_cursor
from core.text.names import fold_tag
from network.models import Member, Viewer, viewer_of
from users.models import User

from ..models import Post, PostTag, SavedPost, Tag
from ..timeline import PAGE_SIZE, load_for_display


def member_page(member: Member, viewer: Viewer, cursor: str | None) -> Page[Post]:
    """Return a page of a member's posts that the viewer may read; `member` was fetched by find_member(viewer)."""
    found = _posts_at(member.closeness).fetch(author=member.pk, before=_before(cursor))
    return _load_page([pk for (pk,) in found], viewer)


def tag_page(tag: str, viewer: Viewer, cursor: str | None) -> Page[Post]:
    """Return a page of the posts with a hashtag that the viewer may read."""
    found = _TAGGED.fetch(viewer_id=viewer.pk, tag=fold_tag(tag), before=_before(cursor))
    return _load_page([pk for (pk,) in found], viewer)


def saved_page(member: User, cursor: str | None) -> Page[Post]:
    """Return a page of the posts that a member saved, the last saved first."""
    saves = _SAVED.fetch(member=member.pk, before=_before(cursor))
    shown = {post: index for index, (_pk, post) in enumerate(saves[:PAGE_SIZE])}
    posts = sorted(load_for_display(shown, member), key=lambda post: shown[post.pk])
    return Page(posts, str(saves[PAGE_SIZE - 1][0]) if len(saves) > PAGE_SIZE else "")


def _before(cursor: str | None) -> int:
    before = id_cursor(cursor)
    return MAX_ID if before is None else before


def _load_page(ids: list[int], viewer: Viewer) -> Page[Post]:
    """The posts with these ids, of which the last one only shows that there is a next page."""
    rows = load_for_display(ids[:PAGE_SIZE], viewer)
    return Page(rows, str(ids[PAGE_SIZE - 1]) if len(ids) > PAGE_SIZE else "")


@cache
def _posts_at(closeness: int) -> "CompiledQuery[..., tuple[int]]":
    """The query of an author's posts for viewers of this closeness, by `author` and `before`."""

    def posts_query(author: int, before: int) -> QuerySet[Post, tuple[int]]:
        member = Member(pk=author)
        member.closeness = closeness
        posts = Post.objects.by(member).filter(pk__lt=before)
        return posts.order_by("-pk").values_list("pk")[: PAGE_SIZE + 1]

    return CompiledQuery(posts_query)


def tagged_query(viewer_id: int | None, tag: str, before: int) -> QuerySet[PostTag, tuple[int]]:
    """Return the query for the ids of readable posts with the folded hashtag `tag`, newest first, below `before`."""
    # Reads the index on (tag, post) from its end until the page is full: a frequent tag costs as little as a rare one.
    tag_id = Subquery(Tag.objects.filter(name=tag).values("pk"))
    readable = Post.objects.visible_to(viewer_of(viewer_id))
    rows = PostTag.objects.filter(tag=tag_id, post__lt=before, post__in=readable)
    return rows.order_by("-post").values_list("post")[: PAGE_SIZE + 1]


def _saved_query(member: int, before: int) -> QuerySet[SavedPost, tuple[int, int]]:
    saves = SavedPost.objects.filter(member=member, pk__lt=before)
    return saves.order_by("-pk").values_list("pk", "post")[: PAGE_SIZE + 1]


_TAGGED = CompiledQuery(tagged_query)
_SAVED = CompiledQuery(_saved_query)
