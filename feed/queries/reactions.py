"""Reactions to a post, by a query that is compiled once."""

from django.db.models import QuerySet

from core.database.compiled_queries import CompiledQuery
from core.database.pagination import MAX_ID, Page, id_cursor, make_id_page
from network.models import Viewer, available_to, viewer_of

from ..models import Post, Reaction

PAGE_SIZE = 50


def reactions_page(post: Post, viewer: Viewer, cursor: str | None) -> Page[Reaction]:
    """Return a page of the reactions of members available to the viewer, newest first."""
    before = id_cursor(cursor)
    found = _REACTIONS.fetch(viewer_id=viewer.pk, post=post.pk, before=MAX_ID if before is None else before)
    return make_id_page(found, size=PAGE_SIZE)


def _reactions_query(viewer_id: int | None, post: int, before: int) -> QuerySet[Reaction]:
    viewer = viewer_of(viewer_id)
    found = Reaction.objects.filter(available_to(viewer, "member"), post=post, pk__lt=before)
    return found.order_by("-pk")[: PAGE_SIZE + 1]


_REACTIONS = CompiledQuery(_reactions_query)
