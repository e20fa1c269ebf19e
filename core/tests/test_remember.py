"""Parts of pages that are remembered show what they should, to each the own, and nothing that is not named."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, RequestContext, Template, TemplateSyntaxError
from django.test import RequestFactory
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from tests.cases import all_cases
from users.models import User


class Counted:
    """Counts how often it is drawn."""

    def __init__(self) -> None:
        self.times = 0

    def known_by(self) -> str:
        return "always the same"

    def __str__(self) -> str:
        self.times += 1
        return "drawn"


def template(inside: str, values: str = "") -> Template:
    return Template(f"{{% load remember %}}{{% remember {values} %}}{inside}{{% endremember %}}")


def test_the_same_values_are_drawn_once() -> None:
    part, counted = template("{{ thing }}", "thing=thing"), Counted()
    assert [part.render(Context({"thing": counted})) for _time in range(3)] == ["drawn"] * 3
    assert counted.times == 1


def test_another_language_or_zone_is_drawn_anew() -> None:
    part, counted = template("{{ thing }}", "thing=thing"), Counted()
    part.render(Context({"thing": counted}))
    with translation.override("de"):
        part.render(Context({"thing": counted}))
    with timezone.override("Asia/Tokyo"):
        part.render(Context({"thing": counted}))
    assert counted.times == 3


def test_values_that_look_alike_are_told_apart() -> None:
    with all_cases() as case:
        for one, other in [(1, True), (0, False), ("1", 1), (None, ""), ("a", "b")]:
            with case((one, other)):
                part = template("{{ value }}", "value=value")
                assert part.render(Context({"value": one})) == str(one)
                assert part.render(Context({"value": other})) == str(other)


def test_two_parts_never_share_what_they_remember() -> None:
    assert template("one").render(Context()) == "one"
    assert template("two").render(Context()) == "two"


def test_a_part_sees_nothing_that_is_not_named(rf: RequestFactory) -> None:
    page = RequestContext(rf.get("/"), {"secret": "secret"})
    inside = (
        "[{{ secret }}{{ request }}{{ csrf_token }}{% csrf_token %}{{ messages }}{{ user }}{{ CSP_NONCE }}]"
    )
    assert template(inside).render(page) == "[]"


def test_any_change_of_a_row_is_another_value() -> None:
    part = template("{{ user.display_name }} {{ user.photo_small }}", "user=user")
    member = User(pk=1, username="alice", name="Alice", photo="photos/1")
    member.closeness = 1
    assert "photos/1" in part.render(Context({"user": SimpleLazyObject(lambda: member)}))
    member.name = "Another"
    assert part.render(Context({"user": member})).startswith("Another")
    member.photo_audience = 3
    assert "photos" not in part.render(Context({"user": member}))
    member.closeness = 3
    assert "photos/1" in part.render(Context({"user": member}))


class Typed:
    def known_by(self) -> None:
        return None


def test_what_says_that_it_is_not_known_is_drawn_each_time() -> None:
    part, counted = template("{{ thing }}", "thing=thing form=form"), Counted()
    for _time in range(2):
        part.render(Context({"thing": counted, "form": Typed()}))
    assert counted.times == 2


def test_what_could_change_unseen_is_refused() -> None:
    with all_cases() as case:
        for value in [AnonymousUser(), [], {}, object()]:
            with case(value), pytest.raises(TemplateSyntaxError):
                template("{{ value }}", "value=value").render(Context({"value": value}))


def test_values_need_names() -> None:
    with pytest.raises(TemplateSyntaxError):
        template("", "user")
