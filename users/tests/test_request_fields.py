"""The token and the id of a form, on a page and in a cached part of it."""

import re

from django.template import Context, Template

from users.request_fields import MARK, fill_marks

FORM = Template("{% load request_fields %}<form>{% request_fields %}{{ text }}</form>")
FIELDS = re.compile(
    r'<form><input type="hidden" name="csrfmiddlewaretoken" value="(\w*)">'
    r'<input type="hidden" name="submission_id" value="([0-9a-f-]{36})"></form>'
)


def test_a_form_on_a_page_has_the_token_and_an_id() -> None:
    ids = set()
    for _time in range(2):
        found = FIELDS.fullmatch(FORM.render(Context({"csrf_token": "secret"})))
        assert found
        assert found[1] == "secret"
        ids.add(found[2])
    assert len(ids) == 2


def test_a_cached_form_gets_them_when_it_is_shown() -> None:
    cached = FORM.render(Context())
    assert "csrfmiddlewaretoken" not in cached
    assert FORM.render(Context()) == cached, "it is the same in each rendering"
    shown = fill_marks(cached * 3, "secret")
    found = FIELDS.findall(shown)
    assert [token for token, _id in found] == ["secret"] * 3
    assert len({form_id for _token, form_id in found}) == 3
    assert MARK not in shown


def test_a_mark_that_a_member_types_is_text() -> None:
    cached = FORM.render(Context({"csrf_token": "x", "text": "".join(MARK)}))
    assert fill_marks(cached, "secret") == cached


def test_a_token_is_not_made_for_a_part_without_forms() -> None:
    class Token:
        def __str__(self) -> str:
            raise AssertionError("no token is needed")

    assert fill_marks("<p>Words</p>", Token()) == "<p>Words</p>"
