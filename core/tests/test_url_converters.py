"""What an address may hold, before any view sees it: ids that fit a database, and no NUL."""

import re
from itertools import product

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from core.web.converters import IdConverter
from tests.cases import all_cases


@given(st.integers(min_value=1, max_value=10**18 - 1))
def test_an_id_survives_its_address(number: int) -> None:
    converter = IdConverter()
    address = converter.to_url(number)
    assert re.fullmatch(converter.regex, address)
    assert converter.to_python(address) == number


@pytest.mark.django_db
def test_what_is_no_id_and_a_nul_are_no_address(client: Client) -> None:
    with all_cases() as case:
        for text in ["0", "01", "-1", "+1", "1.0", "1e3", "", "abc", "٣", "²", "1 ", "9" * 19, "9" * 30]:
            with case(text):
                assert re.fullmatch(IdConverter.regex, text) is None
        with case("the largest id fits 64 bits"):
            assert re.fullmatch(IdConverter.regex, "9" * 18)
            assert int("9" * 18) < 2**63
        cases = [
            "/members/a%00b/",
            "/%00",
            "/members/?page=%00",
            "/members/?q=a%00b",
            "/?next=%00",
            "/accounts/login/?next=/%00",
            "/?%00=1",
        ]
        for method, address in product(("get", "post", "head"), cases):
            with case(f"{method!r}, {address!r}"):
                assert getattr(client, method)(address).status_code == 400
        with case("a percent sign and zeros in words are no NUL"):
            assert client.get("/accounts/login/?q=100%2500").status_code == 200
