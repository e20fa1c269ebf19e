"""`{% remember %}`: a part shows each viewer what it should, and nothing that is not named."""

from collections import Counter
from itertools import count
from typing import NamedTuple

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.template import Context, RequestContext, Template, TemplateSyntaxError
from django.test import RequestFactory
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from tests.cases import all_cases
from users.models import User


class CountedView(NamedTuple):
    """Counts how often it is rendered."""

    number: int

    def __str__(self) -> str:
        renderings[self.number] += 1
        return "rendered"


renderings: Counter[int] = Counter()
_numbers = count()


class Counted:
    """A thing with a view."""

    def __init__(self) -> None:
        self.number = next(_numbers)

    def cache_key(self) -> CountedView:
        return CountedView(self.number)

    def __str__(self) -> str:
        return str(self.cache_key())

    @property
    def times(self) -> int:
        return renderings[self.number]


def template(inside: str, values: str = "") -> Template:
    return Template(f"{{% load remember %}}{{% remember {values} %}}{inside}{{% endremember %}}")


def test_the_same_values_are_rendered_once_for_each_language_and_zone() -> None:
    part, counted = template("{{ thing }}", "thing=thing"), Counted()
    assert [part.render(Context({"thing": counted})) for _time in range(3)] == ["rendered"] * 3
    assert counted.times == 1
    with translation.override("de"):
        part.render(Context({"thing": counted}))
    assert counted.times == 2
    with timezone.override("Asia/Tokyo"):
        part.render(Context({"thing": counted}))
    assert counted.times == 3


def test_values_that_look_alike_and_two_parts_have_different_keys() -> None:
    with all_cases() as case:
        for one, other in [(1, True), (0, False), ("1", 1), (None, ""), ("a", "b")]:
            with case((one, other)):
                part = template("{{ value }}", "value=value")
                assert part.render(Context({"value": one})) == str(one)
                assert part.render(Context({"value": other})) == str(other)
        with case("two parts without values"):
            assert template("one").render(Context()) == "one"
            assert template("two").render(Context()) == "two"


def test_a_part_sees_nothing_that_is_not_named(rf: RequestFactory) -> None:
    page = RequestContext(rf.get("/"), {"secret": "secret"})
    inside = (
        "[{{ secret }}{{ request }}{{ csrf_token }}{% csrf_token %}{{ messages }}{{ user }}{{ CSP_NONCE }}]"
    )
    assert template(inside).render(page) == "[]"


def test_of_a_row_a_part_sees_the_cache_key_alone() -> None:
    part = template("{{ user.display_name }}{{ user.photo_small }}{{ user.email }}{{ user.pk }}", "user=user")
    member = User(pk=1, username="alice", name="Alice", email="a@example.org", photo="photos/1")
    member.closeness = 1
    assert part.render(Context({"user": SimpleLazyObject(lambda: member)})) == f"Alice{member.photo_small}"
    member.name = "Another"
    assert part.render(Context({"user": member})) == f"Another{member.photo_small}"
    member.photo_audience = 3
    assert part.render(Context({"user": member})) == "Another"
    member.closeness = 3
    assert part.render(Context({"user": member})) == f"Another{member.photo_small}"
    assert "photos/1" in member.photo_small


class Typed:
    def cache_key(self) -> None:
        return None


def test_what_has_no_key_is_rendered_each_time() -> None:
    part, counted = template("{{ thing }}", "thing=thing form=form"), Counted()
    for _time in range(2):
        part.render(Context({"thing": counted, "form": Typed()}))
    assert counted.times == 2


def test_what_could_change_unseen_is_refused() -> None:
    with all_cases() as case:
        for value in [AnonymousUser(), Permission(), [], {}, object(), 1.5]:
            with case(value), pytest.raises(TemplateSyntaxError):
                template("{{ value }}", "value=value").render(Context({"value": value}))
        with case("a value without a name"), pytest.raises(TemplateSyntaxError):
            template("", "user")
