"""What names and passwords may be."""

import re

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from users.validators import RESERVED_NAMES, USERNAME_VALIDATORS, MaximumLengthValidator


def faults(username: str) -> set[str | None]:
    """Codes of all that is wrong with a name."""
    found = set()
    for validate in USERNAME_VALIDATORS:
        try:
            validate(username)  # type: ignore[operator,unused-ignore]
        except ValidationError as error:
            found.add(error.code)
    return found


@pytest.mark.parametrize(
    "username",
    ["ada", "Ada", "ada.lovelace", "ada_l", "ada-l", "a1b", "007", "x" * 30, "a..b", "o-brien", "jobseeker"],
)
def test_an_ordinary_name_is_fine(username: str) -> None:
    assert faults(username) == set()


@pytest.mark.parametrize(
    "username",
    [
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
    ],
)
def test_a_name_of_another_shape_is_refused(username: str) -> None:
    assert "invalid" in faults(username)


@pytest.mark.parametrize(
    "username", ["admin", "settings", "members", "posts", "linkup", "api", "support", "root"]
)
@pytest.mark.parametrize("spelled", [str.lower, str.upper, str.title, ".".join, "-".join, "_".join])
def test_a_reserved_name_is_refused_however_it_is_spelled(username: str, spelled: object) -> None:
    assert callable(spelled)
    assert faults(spelled(username)) == {"reserved"}


@pytest.mark.parametrize("username", sorted(RESERVED_NAMES))
def test_every_reserved_name_is_refused(username: str) -> None:
    assert "reserved" in faults(username)


@pytest.mark.parametrize("username", ["administrate", "adminton", "rooted", "settings2", "myadmin", "teams1"])
def test_a_name_that_only_holds_a_reserved_one_is_fine(username: str) -> None:
    assert faults(username) == set()


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
    assert {name for name in first_parts if not faults(name)} <= {"network", "employers"}


@given(st.text(max_size=40))
def test_what_passes_is_safe_in_an_address(username: str) -> None:
    if not faults(username):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,28}[A-Za-z0-9]", username)


def test_a_long_password_is_refused_with_the_limit() -> None:
    MaximumLengthValidator().validate("x" * 256)
    with pytest.raises(ValidationError) as refusal:
        MaximumLengthValidator().validate("x" * 257)
    assert "256" in refusal.value.messages[0]
    assert "256" in MaximumLengthValidator().get_help_text()
