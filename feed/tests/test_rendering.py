"""A text is parsed once per request, however often its HTML and mentions are needed."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from markdown_it import MarkdownIt

from feed import services
from feed.models import Comment, Post, Tag
from feed.rendering import render_text
from tests.cases import all_cases
from users.audience import Audience
from users.models import User

from .factories import HTMX, answer, posts_tagged, say

TEXT = "Thanks @bob and @charlie, see www.example.org for #trains"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that markdown-it parses meanwhile; it parses them as ever."""
    texts: list[str] = []
    parse = MarkdownIt.parse

    def note(parser: MarkdownIt, text: str, *rest: Any) -> Any:
        texts.append(text)
        return parse(parser, text, *rest)

    monkeypatch.setattr(MarkdownIt, "parse", note)
    return texts


def test_each_form_parses_what_was_typed_once(
    as_alice: Client, alice: User, bob: User, charlie: User, parsed: list[str]
) -> None:
    theirs, mine = say(bob, "Theirs"), say(alice, "Mine @bob")
    top, comment = answer(theirs, bob), answer(theirs, alice, "Mine too @bob")
    forms: list[tuple[str, dict[str, object]]] = [
        ("/posts/", {"audience": 1}),
        (f"/posts/{mine.pk}/edit/", {"audience": 1}),
        (f"/posts/{theirs.pk}/repost/", {"audience": 1}),
        (f"/posts/{theirs.pk}/comment/", {}),
        (f"/posts/{theirs.pk}/comment/", {"parent": top.pk}),
        (f"/comments/{comment.pk}/edit/", {}),
    ]
    with all_cases() as case:
        for number, (address, values) in enumerate(forms):
            for headers in (None, HTMX):
                with case(f"{address} {values} {headers}"):
                    text = f"{TEXT} {number} {headers}"
                    parsed.clear()
                    response = as_alice.post(address, {"text": text, **values}, headers=headers)
                    assert response.status_code in {200, 302}, response.content[:300]
                    assert parsed == [text]
                    stored = [*Post.objects.filter(text=text), *Comment.objects.filter(text=text)]
                    assert [row.html.count('class="mention"') for row in stored] == [2]
    assert Tag.objects.get().name == "trains"


def test_pages_parse_nothing(as_alice: Client, alice: User, parsed: list[str]) -> None:
    post = say(alice, TEXT)
    answer(post, alice, TEXT)
    parsed.clear()
    for address in ("/", f"/posts/{post.pk}/", f"/posts/{post.pk}/comments/", "/tags/trains/"):
        assert as_alice.get(address, headers=HTMX).status_code == 200
    assert parsed == []


def test_a_rendered_text_is_stored_as_the_same_text_would_be(alice: User, bob: User, charlie: User) -> None:
    rendered = render_text(TEXT, author=alice)
    assert set(rendered.newly_mentioned()) == {bob.pk, charlie.pk}
    with CaptureQueriesContext(connection) as queries:
        assert render_text(rendered, author=alice) is rendered
    assert len(queries) == 0
    posts = [say(alice, TEXT), services.publish_post(author=alice, text=rendered)]
    assert posts[0].html == posts[1].html == rendered.html
    assert [post in posts_tagged("trains") for post in posts] == [True, True]


def test_a_member_mentioned_before_is_not_newly_mentioned(alice: User, bob: User, charlie: User) -> None:
    former = render_text("Thanks @bob", author=alice).html
    rendered = render_text("@bob @charlie @alice @nobody", author=alice)
    assert rendered.newly_mentioned(former) == [charlie.pk]
    assert rendered.mentioned_in(former) == [bob.pk]
    narrower = services.publish_post(author=alice, text=rendered, audience=Audience.CONNECTIONS)
    assert narrower.html.count('class="mention"') == 3
