import pytest
from django.template import TemplateSyntaxError

from tests.cases import all_cases
from theme.templatetags.theme import ICONS

from .rendering import render_template


def test_an_icon_is_inline_and_hidden_from_screen_readers() -> None:
    html = render_template('{% icon "house" %}')
    assert html.startswith('<svg class="icon" aria-hidden="true"')
    assert "currentColor" in html


def test_a_class_is_added_and_escaped() -> None:
    assert 'class="icon icon-lg"' in render_template('{% icon "house" "icon-lg" %}')
    assert "<script" not in render_template('{% icon "house" name %}', name='"><script>')


def test_an_unknown_icon_is_an_error() -> None:
    with all_cases() as case:
        for name in ["no-such-icon", "../LICENSE", "", "house.svg"]:
            with case(name), pytest.raises(TemplateSyntaxError):
                render_template("{% icon name %}", name=name)


def test_every_icon_obeys_the_content_policy() -> None:
    with all_cases() as case:
        for path in sorted(ICONS.glob("*.svg")):
            with case(path.stem):
                svg = path.read_text(encoding="utf-8")
                assert svg.startswith("<svg ")
                assert not any(word in svg for word in ("style", "<script", "href", "onload"))
