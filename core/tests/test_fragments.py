"""Cached parts of pages show their view and nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.template import engines
from django.test import override_settings
from django.utils import timezone, translation
from django.utils.safestring import mark_safe

from core.web.fragments import FragmentCache
from tests.cases import all_cases
from users.models import User

OUTSIDE = "{{ word }}{{ other }}{{ request }}{{ user }}{{ csrf_token }}{{ messages }}{{ part.missing }}"
SOURCES = {
    "word.html": "[{{ part.word }}{{ part.shouted }}]",
    "outside.html": f"[{{{{ part.word }}}}{OUTSIDE}{{% csrf_token %}}]",
    "time.html": "{% load tz i18n %}{% get_current_language as code %}{{ code }} {{ part.at|date:'H:i' }}",
    "constant.html": "{{ part.word }}{{ constant }}",
}


class Word(NamedTuple):
    word: Any
    other: int = 0

    @property
    def shouted(self) -> str:
        return str(self.word).upper()


class Moment(NamedTuple):
    at: datetime


@pytest.fixture(autouse=True)
def templates() -> Iterator[None]:
    loaders = [("django.template.loaders.locmem.Loader", SOURCES)]
    options = {"loaders": loaders, "string_if_invalid": "(%s is missing)"}
    backend = {"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": options}
    with override_settings(TEMPLATES=[backend]):
        yield


def test_a_template_sees_the_view_alone() -> None:
    shown = FragmentCache("outside.html", "part", max_entries=5).render(Word("a"))
    names = ("word", "other", "request", "user", "csrf_token", "messages", "part.missing")
    assert shown == "[a" + "".join(f"({name} is missing)" for name in names) + "]"


def test_equal_views_are_rendered_once_and_others_never_shared() -> None:
    cache = FragmentCache("word.html", "part", max_entries=5)
    first = cache.render(Word("a"))
    assert first == "[aA]"
    assert cache.render(Word("a")) is first
    assert cache.render(Word("b")) == "[bB]"
    assert cache.render(Word("a", other=1)) is not first
    assert FragmentCache("word.html", "part", max_entries=5).render(Word("a")) is not first


def test_language_and_time_zone_are_in_the_key() -> None:
    cache = FragmentCache("time.html", "part", max_entries=5)
    noon = Moment(datetime(2026, 1, 1, 12, tzinfo=UTC))
    with timezone.override("UTC"), translation.override("en"):
        assert cache.render(noon) == "en 12:00"
        with timezone.override("Asia/Tokyo"):
            assert cache.render(noon) == "en 21:00"
        with translation.override("de"):
            assert cache.render(noon) == "de 12:00"


PLAIN = (None, "a", 1, True, ("a", (1, None)), UUID(int=1), datetime(2026, 1, 1, tzinfo=UTC))
CHANGEABLE = (User(pk=1), ("a", User(pk=1)), 1.5, translation.gettext_lazy("Like"), mark_safe("<b>"))


def test_plain_values_are_taken_and_what_could_change_unseen_is_refused() -> None:
    cache = FragmentCache("word.html", "part", max_entries=5)
    with all_cases() as case:
        for value in PLAIN:
            with case(value):
                assert cache.render(Word(value)).startswith("[")
        for changeable in CHANGEABLE:
            with case(type(changeable)), pytest.raises(TypeError, match="cannot be cached by"):
                cache.render(Word(changeable))


def test_constants_are_asked_for_only_where_a_part_must_be_rendered() -> None:
    cache = FragmentCache("constant.html", "part", max_entries=5)
    asked: list[list[int]] = []

    def constants(missing: list[int]) -> list[dict[str, int]]:
        asked.append(missing)
        return [{"constant": index} for index in missing]

    assert cache.render_all([Word("a"), Word("b")], constants) == ["a0", "b1"]
    assert cache.render_all([Word("b"), Word("c"), Word("a")], constants) == ["b1", "c1", "a0"]
    assert cache.render_all([Word("a")], constants) == ["a0"]
    assert asked == [[0, 1], [1]]
    with pytest.raises(TypeError, match="cannot be cached by a User"):
        cache.render_all([Word("d")], lambda _missing: [{"constant": User(pk=1)}])


def test_what_was_used_longest_ago_makes_room() -> None:
    cache = FragmentCache("word.html", "part", max_entries=2)
    first, second = cache.render(Word("a")), cache.render(Word("b"))
    assert cache.render(Word("a")) is first
    cache.render(Word("c"))
    assert cache.render(Word("a")) is first
    assert cache.render(Word("b")) is not second


def test_the_engine_of_the_tests_is_the_one_above() -> None:
    assert engines["django"].from_string("{{ missing }}").render({}) == "(missing is missing)"
