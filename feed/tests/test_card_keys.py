"""The cache key of a card: everything that the card shows, and nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import engines
from django.template.loader import get_template

from core.database.lru_cache import clear_caches
from feed.cards import CardView, build_card_view, render_card
from feed.models import PictureView, Post, PostActionsView, PostConstants, PostView, Reaction
from network.models import Viewer
from tests.cast import make_member
from tests.view_changes import find_missed_changes
from users.audience import Audience
from users.models import MemberView, User

from .factories import pass_on, react, say

CREATED = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
PICTURES = (PictureView(7, 1, 800, 600, "A desk"),)
CONSTANTS = PostConstants(CREATED, True, "cv.pdf", 1000, PICTURES)
# Fields that do not take any value, with another one.
OTHERS = {"my_reaction": "support"}


def post_view(pk: int, unit: str) -> PostView:
    author = MemberView(f"author{pk}", "Ann", "photos/a")
    return PostView(pk, author, "Baker", "<p>Words</p>", True, 1, (unit, 5), is_edited=True)


def card_view(**values: Any) -> CardView:
    """A quote, with everything that a card can show."""
    actions = PostActionsView(7, (5, 4, 3, 2, 1), 2, 3, "like", is_saved=True, may_be_reposted=True)
    quote = CardView(
        pk=7,
        post=post_view(7, "minutes"),
        actions=actions,
        is_mine=True,
        is_shared_by_me=False,
        sharer=None,
        is_quote=True,
        quoted=post_view(8, "hours"),
        is_member=True,
        is_in_list=True,
        whole=False,
        year=2026,
    )
    return quote._replace(**values)


def html_of(view: CardView) -> str:
    values = {"card": view, "constants": CONSTANTS, "quoted_constants": CONSTANTS}
    return get_template("feed/_post.html").render(values)


def test_each_value_of_a_card_is_in_its_key_and_is_shown() -> None:
    sharer = MemberView("sharer", "Sam", "")
    repost = card_view(is_quote=False, quoted=None, sharer=sharer, is_shared_by_me=True, is_mine=False)
    # The year is shown of old posts alone.
    old = card_view(post=post_view(7, "date"))
    same_key, same_html = find_missed_changes([card_view(), repost, old], html_of, OTHERS)
    # A sharer's name stands in words, without a face.
    assert (same_key, same_html) == (set(), {"sharer.photo"})


def test_each_constant_of_a_post_is_shown() -> None:
    def html_with(constants: PostConstants) -> str:
        values = {"card": card_view(), "constants": constants, "quoted_constants": CONSTANTS}
        return get_template("feed/_post.html").render(values)

    assert find_missed_changes([CONSTANTS], html_with, {}) == (set(), set())


def test_a_card_that_reads_a_row_or_the_page_shows_nothing() -> None:
    outside = "{{ user }}{{ request }}{{ post }}{{ csrf_token }}"
    unread = "{{ card.post.text }}{{ card.post.author.email }}{{ card.post.edited_at }}"
    assert engines["django"].from_string(outside + unread).render({"card": card_view()}) == ""


@pytest.fixture
def viewers(alice: User, bob: User, charlie: User) -> list[Viewer]:
    """The author, a connection, two strangers, a visitor."""
    return [alice, bob, charlie, make_member("stranger"), AnonymousUser()]


def test_viewers_share_a_card_only_where_it_looks_the_same(
    viewers: list[Viewer], alice: User, bob: User, charlie: User
) -> None:
    User.objects.filter(pk=alice.pk).update(
        page_audience=Audience.PUBLIC, photo="photos/a", photo_audience=Audience.CONNECTIONS, headline="Baker"
    )
    post = say(alice, "Words of the post", audience=Audience.PUBLIC)
    posts = [post, pass_on(post, by=bob, text="Look", audience=Audience.PUBLIC), pass_on(post, by=charlie)]
    react(post, charlie, Reaction.Kind.LIKE)
    shown = [
        (row, viewer)
        for pk in (row.pk for row in posts)
        for viewer in viewers
        for row in Post.objects.visible_to(viewer).for_display(viewer).filter(pk=pk)
    ]
    cached = [render_card(row, viewer) for row, viewer in shown]
    keys: dict[CardView, str] = {}
    for (row, viewer), card in zip(shown, cached, strict=True):
        clear_caches()
        assert render_card(row, viewer) == card
        viewer_id = None if isinstance(viewer, AnonymousUser) else viewer.pk
        key = build_card_view(row, viewer_id, CREATED, 2026, is_in_list=False, whole=False)
        assert keys.setdefault(key, card) == card
    assert len(shown) > len(keys) == len(set(keys.values())) >= 10
