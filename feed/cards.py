"""A post as HTML, remembered: most readers of a post see the same card."""

from collections.abc import Hashable

from django.contrib.auth.models import AnonymousUser
from django.template.loader import get_template
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from core.memo import Memo
from network.models import Viewer
from theme.templatetags.theme import words_for_age
from users.models import User

from .models import Post

# About 8 kB each: some ten megabytes of a server process.
REMEMBERED = 2000

_cards: Memo[SafeString] = Memo(REMEMBERED)


def post_card(post: Post, viewer: Viewer, *, whole: bool = False) -> SafeString:
    """`_post.html` for one viewer; `post` was fetched by for_display(viewer), `whole` does not cut long texts.

    The template gets nothing but these three, and the key names all that it shows of them: no request, no token, so
    that one viewer's card can be shown to another whose card would be the same.
    """

    def render() -> SafeString:
        card = get_template("feed/_post.html")
        return mark_safe(card.render({"post": post, "user": viewer, "whole": whole}))

    return _cards.get_or_make(
        (_state(post, viewer), whole, get_language(), timezone.get_current_timezone_name()), render
    )


def _state(post: Post, viewer: Viewer) -> Hashable:
    """All that the card shows of the post, and of the viewer's relation to it."""
    return (
        not isinstance(viewer, AnonymousUser),
        _shown_of(post, viewer),
        _shown_of(post.original, viewer) if post.is_repost and post.original else None,
    )


def _shown_of(post: Post, viewer: Viewer) -> Hashable:
    return (
        post.pk,
        post.audience,
        post.edited_at,
        words_for_age(post.created_at),
        post.comment_count,
        post.repost_count,
        tuple(count for _kind, count in post.reaction_counts),
        tuple(kind for kind, _count in post.reaction_counts),
        post.my_reaction,
        post.is_saved,
        post.author_id == viewer.pk,
        _shown_of_author(post.author),
    )


def _shown_of_author(author: User) -> Hashable:
    return (author.pk, author.username, author.display_name, author.headline, author.photo_medium)


def forget() -> None:
    """Forget all cards: for tests, in which ids are given out anew."""
    _cards.clear()
