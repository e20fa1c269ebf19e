from pathlib import Path

import pytest
from django.template import TemplateSyntaxError

from scripts.icon_sprite import SPRITE, build_sprite
from tests.cases import all_cases
from theme.templatetags.theme import ICONS

from .rendering import render_template


def test_an_icon_refers_to_the_sprite_and_is_hidden_from_screen_readers() -> None:
    assert render_template('{% icon "house" %}') == (
        '<svg class="icon" aria-hidden="true"><use href="/static/theme/icons.svg#house"/></svg>'
    )


def test_the_sprite_has_every_icon() -> None:
    sprite = SPRITE.read_text(encoding="utf-8")
    assert sprite == build_sprite(), "Run: make css"
    assert [path.stem for path in ICONS.glob("*.svg") if f'<symbol id="{path.stem}" ' not in sprite] == []


def test_an_icon_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wide.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 24"></svg>')
    with pytest.raises(ValueError, match=r"wide\.svg"):
        build_sprite(tmp_path)


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
