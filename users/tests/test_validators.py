"""Validators of usernames, names and passwords."""

import re
from itertools import product

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import all_cases
from users.validators import RESERVED_NAMES, USERNAME_VALIDATORS, MaximumLengthValidator


def error_codes(username: str) -> set[str | None]:
    """Return the codes of all errors of a username."""
    found = set()
    for validate in USERNAME_VALIDATORS:
        try:
            validate(username)  # type: ignore[operator,unused-ignore]
        except ValidationError as error:
            found.add(error.code)
    return found


def test_an_ordinary_name_is_fine() -> None:
    usernames = [
        "ada",
        "Ada",
        "ada.lovelace",
        "ada_l",
        "ada-l",
        "a1b",
        "007",
        "x" * 30,
        "a..b",
        "o-brien",
        "jobseeker",
    ]
    with all_cases() as case:
        for username in usernames:
            with case(username):
                assert error_codes(username) == set()


def test_a_name_of_another_shape_is_refused() -> None:
    usernames = [
        "",
        "a",
        ".ada",
        "ada.",
        "-ada",
        "ada-",
        "_ada",
        "ada_",
        "x" * 31,
        "a b",
        "ada\n",
        "ada@home",
        "adä",
        "аda",
        "ada\u200b",
        "\u202eada",
        "ada/x",
        "ada\\x",
        "<b>ada</b>",
        "a'b",
        "a%00b",
        "a\x00b",
        "٣٣٣",
        "ada+x",
        "../etc",
    ]
    with all_cases() as case:
        for username in usernames:
            with case(username):
                assert "invalid" in error_codes(username)


def test_a_reserved_name_is_refused_however_it_is_spelled() -> None:
    usernames = ["admin", "settings", "members", "posts", "linkup", "api", "support", "root"]
    with all_cases() as case:
        for spelled, username in product(
            (str.lower, str.upper, str.title, ".".join, "-".join, "_".join), usernames
        ):
            with case(f"{username} {spelled(username)}"):
                assert callable(spelled)
                assert error_codes(spelled(username)) == {"reserved"}


def test_every_reserved_name_is_refused() -> None:
    with all_cases() as case:
        for username in sorted(RESERVED_NAMES):
            with case(username):
                assert "reserved" in error_codes(username)


def test_a_name_that_only_holds_a_reserved_one_is_fine() -> None:
    usernames = ["administrate", "adminton", "rooted", "settings2", "myadmin", "teams1"]
    with all_cases() as case:
        for username in usernames:
            with case(username):
                assert error_codes(username) == set()


def test_no_first_part_of_an_address_is_free_as_a_name() -> None:
    first_parts = {
        "accounts",
        "settings",
        "members",
        "network",
        "posts",
        "tags",
        "saved",
        "jobs",
        "employers",
    }
    first_parts |= {
        "messages",
        "notifications",
        "media",
        "search",
        "moderation",
        "admin",
        "health",
        "readiness",
        "ws",
    }
    assert {name for name in first_parts if not error_codes(name)} <= {"network", "employers"}


@given(st.text(max_size=40))
def test_what_passes_is_safe_in_an_address(username: str) -> None:
    if not error_codes(username):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,28}[A-Za-z0-9]", username)


def test_a_long_password_is_refused_with_the_limit() -> None:
    MaximumLengthValidator().validate("x" * 256)
    with pytest.raises(ValidationError) as refusal:
        MaximumLengthValidator().validate("x" * 257)
    assert "256" in refusal.value.messages[0]
    assert "256" in MaximumLengthValidator().get_help_text()
