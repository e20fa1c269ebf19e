"""Comments are cached for all viewers: they show their view alone, as the components show it, and no token."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse

from core.database.lru_cache import clear_caches
from feed.comment_rows import CommentedPost, CommentView, build_comment_view, render_comments
from feed.models import Comment, Post
from feed.queries.comments import comments_page
from network.models import Viewer
from tests.cases import all_cases
from tests.cast import client_of, make_member
from tests.view_changes import find_missed_changes
from users.audience import Audience
from users.models import MemberView, User
from users.models.member_view import UNNAMED

from .factories import HTMX, answer, page_of, say

CREATED = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
COMPONENTS = Template(
    "{% include 'components/_avatar.html' with member=author size='sm' linked=True only %}"
    "{% include 'components/_person_name.html' with member=author only %}"
)


def comment_view(**values: Any) -> CommentView:
    """A comment of the viewer with a reply, and with everything that a comment can show."""
    author = MemberView("ann.b-c_d", "Ann & Bob", "photos/a")
    view = CommentView(
        pk=7,
        author=author,
        html="<p>Words</p>",
        created_at=CREATED,
        age=("minutes", 5),
        year=2026,
        is_edited=True,
        is_deleted=False,
        is_reply=False,
        is_member=True,
        is_mine=True,
        post=CommentedPost(3, 1),
        replies=(),
        more_replies=2,
    )
    reply = view._replace(pk=8, html="<p>Reply</p>", is_reply=True, post=None, more_replies=0)
    return view._replace(**{"replies": (reply,), **values})


def html_of(view: CommentView) -> str:
    return get_template("feed/_comment.html").render({"comment": view})


def test_each_value_of_a_comment_is_in_its_key_and_is_shown() -> None:
    old = comment_view(age=("date", 0))  # whose year is shown
    old_reply = comment_view(replies=(comment_view().replies[0]._replace(age=("date", 0)),))
    other = comment_view(is_mine=False, is_reply=True)
    same_key, same_html = find_missed_changes([comment_view(), old, old_reply, other], html_of, {})
    # The second of two replies comes in other HTML, and nothing but the buttons tells a member from a visitor.
    assert (same_key, same_html) == (set(), {"replies.0.more_replies"})


def test_a_deleted_comment_holds_neither_author_nor_text(alice: User) -> None:
    comment = Comment(
        pk=1, author=alice, text="Secret", html="<p>Secret</p>", deleted_at=CREATED, created_at=CREATED
    )
    view = build_comment_view(comment, Post(pk=3), alice.pk, CREATED, 2026, is_reply=False)
    assert (view.author, view.html, view.post) == (UNNAMED, "", None)
    assert "alice" not in html_of(view)
    assert "This comment was deleted." in html_of(view)


def test_a_comment_shows_its_author_as_the_components_do() -> None:
    def parts(html: str) -> list[list[str]]:
        """The attributes of each tag of avatar and name, in one order, and the words after it."""
        found = re.findall(r"<(a|span|img)\b([^>]*(?:avatar|person-name|photos)[^>]*)>([^<]*)", html)
        return [
            sorted(re.findall(r'[\w-]+="[^"]*"', attributes)) + words.split()
            for _name, attributes, words in found
        ]

    author = comment_view().author
    with all_cases() as case:
        for shown in (author, author._replace(photo="", name=""), UNNAMED):
            with case(shown):
                component = COMPONENTS.render(Context({"author": shown}))
                view = comment_view(author=shown)._replace(replies=())
                assert parts(html_of(view)) == parts(component) != []


def test_the_addresses_are_those_of_their_views() -> None:
    view = comment_view()
    assert view.edit_address == reverse("feed:edit_comment", args=[7])
    assert view.delete_address == reverse("feed:delete_comment", args=[7])
    assert view.replies_address == reverse("feed:replies", args=[7])
    assert f'action="{reverse("feed:comment", args=[3])}"' in html_of(view)


@pytest.fixture
def post(alice: User, bob: User, charlie: User) -> Post:
    """Alice's, with comments of hers, whose page and photo are for connections, of Bob and of Charlie."""
    User.objects.filter(pk=alice.pk).update(photo="photos/a", photo_audience=Audience.CONNECTIONS)
    User.objects.filter(pk=charlie.pk).update(page_audience=Audience.PUBLIC)
    post = say(alice, audience=Audience.PUBLIC)
    top = answer(post, alice, "First")
    for author in (bob, alice, charlie):
        answer(post, author, "Reply", parent=top)
    answer(post, charlie, "Second")
    return post


def test_viewers_share_a_comment_only_where_it_looks_the_same(
    post: Post, alice: User, bob: User, charlie: User
) -> None:
    viewers: list[Viewer] = [
        alice,
        bob,
        charlie,
        make_member("stranger"),
        make_member("other"),
        AnonymousUser(),
    ]
    shown = [(comment, viewer) for viewer in viewers for comment in comments_page(post, viewer, None).rows]
    cached = [render_comments([comment], post, viewer, "token") for comment, viewer in shown]
    keys: dict[CommentView, str] = {}
    for (comment, viewer), html in zip(shown, cached, strict=True):
        clear_caches()
        assert without_ids(render_comments([comment], post, viewer, "token")) == without_ids(html)
        viewer_id = None if isinstance(viewer, AnonymousUser) else viewer.pk
        key = build_comment_view(comment, post, viewer_id, CREATED, 2026, is_reply=False)
        assert keys.setdefault(key, without_ids(html)) == without_ids(html)
    # Two strangers see the same of both comments; the second one is the same for all members but its author.
    assert len(set(keys.values())) == len(keys) == len(shown) - 4
    assert ["photos/a" in html for html in cached[::2]] == [True, True, *[False] * 4]


def test_each_form_of_a_reply_has_the_token_of_its_page_and_an_id(post: Post, alice: User, bob: User) -> None:
    for member in (alice, bob):
        page = page_of(client_of(member), f"/posts/{post.pk}/")
        tokens = re.findall('name="csrfmiddlewaretoken" value="([^"]+)"', page)
        # The form of a comment, of two replies, the shared form of buttons, and sign-out.
        assert (len(tokens), len(set(tokens))) == (5, 1)
        ids = re.findall('name="submission_id" value="([0-9a-f-]{36})"', page)
        assert (len(ids), len(set(ids))) == (3, 3)
        assert 'name="mark"' not in page
    assert (
        "<form"
        not in page_of(Client(), f"/posts/{post.pk}/").partition('id="comments"')[2].partition("</main")[0]
    )


def test_a_reply_is_accepted_from_a_page_that_another_member_saw_first(
    post: Post, alice: User, charlie: User
) -> None:
    page_of(client_of(alice), f"/posts/{post.pk}/")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(charlie)
    page = page_of(strict, f"/posts/{post.pk}/")
    form = page.partition('<details class="reply-box">')[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    response = strict.post(f"/posts/{post.pk}/comment/", {**fields, "text": "Thank you"}, headers=HTMX)
    assert response.status_code == 200
    assert Comment.objects.get(text="Thank you").author == charlie


def without_ids(html: str) -> str:
    return re.sub('(name="submission_id" value=")[^"]*', r"\1", html)
