"""A post as HTML, rendered once for all viewers for whom it looks the same."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.db.models import prefetch_related_objects
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from core.web.fragments import FragmentCache
from network.models import Viewer
from users.models import MemberView

from .models import Post, PostActionsView, PostView

# About 8 kB each: some ten megabytes of a server process.
MAX_CARDS = 2000

_CARDS = FragmentCache("feed/_post.html", "card", max_entries=MAX_CARDS)


class CardView(NamedTuple):
    """All that a card shows, and nothing else: viewers for whom it is equal get the same HTML.

    A plain repost shows the `post` that it passes on, below the name of its author, the `sharer`. A quote shows its own
    words, and the `quoted` post unless that is not available.
    """

    pk: int
    post: PostView
    actions: PostActionsView
    # Whether the viewer wrote the post, or shared it.
    is_mine: bool
    is_shared_by_me: bool
    sharer: MemberView | None
    is_quote: bool
    quoted: PostView | None
    # The viewer is signed in.
    is_member: bool
    is_in_list: bool
    # Do not cut long texts.
    whole: bool
    # The year of today: dates of this year are written without it.
    year: int

    @property
    def shown_by(self) -> str:
        """The name of the author of the card, who may have only shared the post."""
        return (self.sharer or self.post.author).shown_name


def post_card(post: Post, viewer: Viewer, *, whole: bool = False) -> SafeString:
    """The card of a post on its page, for one viewer; `post` was fetched by for_display(viewer)."""
    return _render_cards([post], viewer, is_in_list=False, whole=whole)


def list_of_cards(posts: Sequence[Post], viewer: Viewer) -> SafeString:
    """The cards of a list, each with room for comments; fetched by feed.timeline.displayed or for_display(viewer)."""
    return _render_cards(posts, viewer, is_in_list=True, whole=False)


def fetch_pictures(posts: Sequence[Post]) -> None:
    """The pictures of posts and of what they pass on, in one query, where they were not fetched yet."""
    originals = [post.original for post in posts if post.is_repost and post.original]
    prefetch_related_objects([*posts, *originals], "images")


def build_card_view(
    post: Post, viewer_id: int | None, now: datetime, year: int, *, is_in_list: bool, whole: bool
) -> CardView:
    """The key of a card, for the viewer for whom `post` was fetched; None for a visitor. `year` is that of `now`."""
    original = post.original if post.is_repost else None
    passed_on = original if original and not post.text else None
    shown = passed_on or post
    is_quote = post.is_repost and passed_on is None
    return CardView(
        post.pk,
        shown.cache_key(now),
        shown.actions_cache_key(),
        shown.author_id == viewer_id,
        passed_on is not None and post.author_id == viewer_id,
        post.author.cache_key() if passed_on else None,
        is_quote,
        original.cache_key(now) if is_quote and original else None,
        viewer_id is not None,
        is_in_list,
        whole,
        year,
    )


def _render_cards(posts: Sequence[Post], viewer: Viewer, *, is_in_list: bool, whole: bool) -> SafeString:
    now, year = timezone.now(), timezone.localtime().year
    viewer_id = None if isinstance(viewer, AnonymousUser) else viewer.pk
    views = [
        build_card_view(post, viewer_id, now, year, is_in_list=is_in_list, whole=whole) for post in posts
    ]

    def constants(missing: list[int]) -> list[Mapping[str, Any]]:
        """Pictures are asked for only for cards that must be rendered."""
        fetch_pictures([posts[index] for index in missing])
        return [_constants(posts[index]) for index in missing]

    return mark_safe("".join(_CARDS.render_all(views, constants)))


def _constants(post: Post) -> Mapping[str, Any]:
    original = post.original.constants() if post.is_repost and post.original else None
    if post.is_plain_repost and original:
        return {"constants": original}
    return {"constants": post.constants(), "quoted_constants": original}
