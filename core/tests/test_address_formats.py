"""Formatted addresses are those of `reverse`."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path, resolve, reverse

from core.web.address_formats import AddressFormat
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
def test_words_are_quoted_as_reverse_quotes_them() -> None:
    address = AddressFormat("two")
    with all_cases() as case:
        for word in WORDS:
            with case(word):
                assert address(word, 7) == reverse("two", args=[word, 7])


@override_settings(ROOT_URLCONF=__name__)
def test_an_address_that_hides_its_arguments_is_refused() -> None:
    with pytest.raises(ValueError, match="does not show where its arguments belong"):
        AddressFormat("placeholder")(1)
