"""A post as HTML, rendered once for all viewers who see the same."""

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

# About 8 kB each: about 16 MB of a server process.
MAX_CARDS = 2000

_CARDS = FragmentCache("feed/_post.html", "card", max_entries=MAX_CARDS)


class CardView(NamedTuple):
    """Everything that a card shows, and nothing else: equal views share the same HTML.

    A plain repost shows the original as `post`, and its author as `sharer`. A quote shows its own text, and the
    original as `quoted` if it is available.
    """

    pk: int
    post: PostView
    actions: PostActionsView
    # Whether the viewer wrote the post, or reposted it.
    is_mine: bool
    is_shared_by_me: bool
    sharer: MemberView | None
    is_quote: bool
    quoted: PostView | None
    # The viewer is signed in.
    is_member: bool
    is_in_list: bool
    # Whether long texts are shown in full.
    whole: bool
    # The current year: dates of this year are shown without it.
    year: int

    @property
    def shown_by(self) -> str:
        """The name of the card's author, who may only have reposted the post."""
        return (self.sharer or self.post.author).shown_name


def render_card(post: Post, viewer: Viewer, *, whole: bool = False) -> SafeString:
    """Render the card of a post on its page; `post` was fetched by for_display(viewer)."""
    return _render_cards([post], viewer, is_in_list=False, whole=whole)


def render_card_list(posts: Sequence[Post], viewer: Viewer) -> SafeString:
    """Render the cards of a list, fetched by feed.timeline.load_for_display or for_display(viewer)."""
    return _render_cards(posts, viewer, is_in_list=True, whole=False)


def fetch_pictures(posts: Sequence[Post]) -> None:
    """Prefetch the pictures of posts and of their originals in one query, unless they were fetched before."""
    originals = [post.original for post in posts if post.is_repost and post.original]
    prefetch_related_objects([*posts, *originals], "images")


def build_card_view(
    post: Post, viewer_id: int | None, now: datetime, year: int, *, is_in_list: bool, whole: bool
) -> CardView:
    """The key of a card for the viewer for whom `post` was fetched. `viewer_id` is None for a visitor."""
    original = post.original if post.is_repost else None
    reposted = original if original and not post.text else None
    shown = reposted or post
    is_quote = post.is_repost and reposted is None
    return CardView(
        post.pk,
        shown.cache_key(now),
        shown.actions_cache_key(),
        shown.author_id == viewer_id,
        reposted is not None and post.author_id == viewer_id,
        post.author.cache_key() if reposted else None,
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

    def fetch_constants(missing: list[int]) -> list[Mapping[str, Any]]:
        # Pictures are fetched only for cards that are not cached.
        fetch_pictures([posts[index] for index in missing])
        contexts: list[Mapping[str, Any]] = []
        for post in (posts[index] for index in missing):
            original = post.original.card_constants() if post.is_repost and post.original else None
            if post.is_plain_repost and original:
                contexts.append({"constants": original})
            else:
                contexts.append({"constants": post.card_constants(), "quoted_constants": original})
        return contexts

    return mark_safe("".join(_CARDS.render_all(views, fetch_constants)))
