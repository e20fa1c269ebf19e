"""Formatted addresses are those of `reverse`."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import override_settings
from django.urls import NoReverseMatch, path, resolve, reverse, set_script_prefix

from core.web.address_formats import AddressFormat, find_address
from tests.cases import all_cases
from tests.sample_urls import list_sample_urls

WORDS = ["alice", "a.b-c_d", "größe", "a b", "50%", "{0}", "c++", "a~b:c@d", "?q#f"]


def show_nothing(request: HttpRequest, **values: str) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("{braces}/<str:first>/of/<str:second>/", show_nothing, name="two"),
    path("737700000000000001/<int:first>/", show_nothing, name="placeholder"),
]


def test_each_address_of_the_product_is_formatted_as_reverse_makes_it() -> None:
    compared = 0
    with all_cases() as case:
        for name, address in list_sample_urls().items():
            arguments = resolve(address).captured_kwargs  # type: ignore[attr-defined]
            if arguments and not name.startswith("admin:"):
                with case(name):
                    assert AddressFormat(name)(*arguments.values()) == address
                compared += 1
    assert compared >= 30


@override_settings(ROOT_URLCONF=__name__)
def test_an_address_is_formatted_as_reverse_makes_it_or_refused() -> None:
    with all_cases() as case:
        address = AddressFormat("two")
        for word in WORDS:
            with case(word):
                assert address(word, 7) == reverse("two", args=[word, 7])
        with (
            case("an address that hides its arguments is refused"),
            pytest.raises(ValueError, match="does not show where its arguments belong"),
        ):
            AddressFormat("placeholder")(1)


def test_each_address_of_the_product_is_found_twice_as_reverse_makes_it() -> None:
    with all_cases() as case:
        for name, address in list_sample_urls().items():
            arguments = resolve(address).captured_kwargs  # type: ignore[attr-defined]
            with case(name):
                assert [find_address(name, [], arguments), find_address(name, [], arguments)] == [address] * 2


@override_settings(ROOT_URLCONF=__name__)
def test_found_addresses_are_those_of_their_arguments_and_of_the_site() -> None:
    assert [find_address("two", [1, word], {}) for word in WORDS] == [
        reverse("two", args=[1, word]) for word in WORDS
    ]
    # Equal to 1, and still another address.
    assert find_address("two", [True, "1"], {}) == reverse("two", args=[True, "1"])
    set_script_prefix("/mounted/")
    try:
        assert find_address("two", [1, "a"], {}).startswith("/mounted/")
    finally:
        set_script_prefix("/")
    assert not find_address("two", [1, "a"], {}).startswith("/mounted/")


@override_settings(ROOT_URLCONF=__name__)
def test_the_tag_of_addresses_behaves_like_django_s() -> None:
    tag = '{% url "two" first second %}|{% url "two" first=first second=second as kept %}{{ kept }}'
    shown = Template(tag).render(Context({"first": "a&b", "second": 7}))
    address = reverse("two", args=["a&b", 7])
    assert "&" in address
    assert shown == "|".join([address.replace("&", "&amp;")] * 2)
    assert Template('{% url "unknown" as kept %}[{{ kept }}]').render(Context()) == "[]"
    with pytest.raises(NoReverseMatch):
        Template('{% url "unknown" %}').render(Context())
