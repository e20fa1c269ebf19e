"""A post as HTML, remembered: most readers of a post see the same card."""

from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import prefetch_related_objects
from django.template.loader import get_template
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from core.database.lru_cache import LRUCache
from network.models import Viewer
from theme.templatetags.theme import measure_age
from users.models import User

from .models import Post

# About 8 kB each: some ten megabytes of a server process.
REMEMBERED = 2000

_cards: LRUCache[SafeString] = LRUCache(REMEMBERED)


def post_card(post: Post, viewer: Viewer, *, whole: bool = False) -> SafeString:
    """`_post.html` for one viewer; `post` was fetched by for_display(viewer), `whole` does not cut long texts.

    The template gets nothing but these three, and the key names all that it shows of them: no request, no token, so
    that one viewer's card can be shown to another whose card would be the same.
    """
    values = {"post": post, "user": viewer, "whole": whole}
    me = None if isinstance(viewer, AnonymousUser) else viewer.pk
    key = (_state(post, me, timezone.now()), whole, _surroundings())
    return _cards.get_or_make(key, lambda: _drawn("feed/_post.html", values))


def list_of_cards(posts: Sequence[Post], viewer: Viewer) -> SafeString:
    """`_post_with_comments.html` for each post, fetched by feed.timeline.displayed or for_display(viewer).

    Pictures are asked for only for cards that are not remembered: they never change after the post is published, so no
    key needs them.
    """
    now, surroundings = timezone.now(), _surroundings()
    me = None if isinstance(viewer, AnonymousUser) else viewer.pk
    keys = [(_state(post, me, now), "in list", surroundings) for post in posts]
    cards = [_cards.get(key) for key in keys]
    fetch_pictures([post for post, card in zip(posts, cards, strict=True) if card is None])
    for place, card in enumerate(cards):
        if card is None:
            values = {"post": posts[place], "user": viewer}
            cards[place] = drawn = _drawn("feed/_post_with_comments.html", values)
            _cards.put(keys[place], drawn)
    return mark_safe("".join(card for card in cards if card))


def fetch_pictures(posts: Sequence[Post]) -> None:
    """The pictures of posts and of what they pass on, in one query, where they were not fetched yet."""
    originals = [post.original for post in posts if post.is_repost and post.original]
    prefetch_related_objects([*posts, *originals], "images")


def _drawn(name: str, values: dict[str, Any]) -> SafeString:
    return mark_safe(get_template(name).render(values))


def _surroundings() -> Hashable:
    """What every card depends on besides post and viewer: a date of this year is written without the year."""
    return get_language(), timezone.get_current_timezone_name(), timezone.localtime().year


def _state(post: Post, me: int | None, now: datetime) -> Hashable:
    """All that the card shows of the post, and of the viewer's relation to it."""
    return (
        me is not None,
        _shown_of(post, me, now),
        _shown_of(post.original, me, now) if post.is_repost and post.original else None,
    )


def _shown_of(post: Post, me: int | None, now: datetime) -> Hashable:
    return (
        post.pk,
        post.audience,
        post.edited_at,
        measure_age(post.created_at, now),
        post.comment_count,
        post.repost_count,
        post.like_count,
        post.celebrate_count,
        post.support_count,
        post.insightful_count,
        post.curious_count,
        post.my_reaction,
        post.is_saved,
        post.author_id == me,
        _shown_of_author(post.author),
    )


def _shown_of_author(author: User) -> Hashable:
    if author.is_unnamed:
        return None
    return (author.pk, author.username, author.name, author.headline, author.shows("photo") and author.photo)
